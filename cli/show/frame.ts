/** The escape codes around a block that is drawn again and again; pure. */

/** Terminals that know it show all of a frame at once; others ignore it. */
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";

export const HIDE_CURSOR = "\x1b[?25l";
export const SHOW_CURSOR = "\x1b[?25h";

/**
 * Replaces a block of `before` lines, the cursor standing below it, by `lines`; `above` scrolls up in
 * front of them and stays. Each line is overwritten, never cleared first: nothing flickers.
 */
export function frame(before: number, above: readonly string[], lines: readonly string[]): string {
  const up = before > 0 ? `\x1b[${before}A` : "";
  const text = [...above, ...lines].map((line) => `${line}\x1b[K\n`).join("");
  return `${BEGIN}${up}\r${text}\x1b[J${END}`;
}
