/** Text for terminals: its width in cells, cut and padded, without what could move the cursor. */

/** Colours by meaning; every function is the identity where colours are off. */
export interface Paint {
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  dim(text: string): string;
  bold(text: string): string;
}

/** ANSI colours, or none. */
export function paint(colours: boolean): Paint {
  const wrap = (code: number) => (text: string) =>
    colours && text !== "" ? `\x1b[${code}m${text}\x1b[0m` : text;
  return { good: wrap(32), bad: wrap(31), warn: wrap(33), dim: wrap(2), bold: wrap(1) };
}

/** Names and reasons come from files and servers: control and direction characters are made visible. */
export function clean(text: string): string {
  return text.replace(/\s*\n\s*/g, " ").replace(UNSHOWABLE, "\ufffd");
}

// deno-lint-ignore no-control-regex -- finding them is the point
const UNSHOWABLE = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** [first, last] of the code points that take two cells (East Asian wide and emoji, UAX 11). */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x231a, 0x231b],
  [0x23e9, 0x23ec],
  [0x25fd, 0x25fe],
  [0x2614, 0x2615],
  [0x26a1, 0x26a1],
  [0x2705, 0x2705],
  [0x2728, 0x2728],
  [0x274c, 0x274c],
  [0x2753, 0x2755],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff01, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1f64f],
  [0x1f680, 0x1f6ff],
  [0x1f900, 0x1faff],
  [0x20000, 0x3fffd],
];
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u;

function cellsOf(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x300) return 1;
  if (NO_WIDTH.test(character)) return 0;
  return WIDE.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
}

/** How many cells a text without escape codes takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += cellsOf(character);
  return width;
}

/** The text in at most `cells` cells; what is cut is shown by `…`. */
export function fit(text: string, cells: number): string {
  if (text.length <= cells && widthOf(text) <= cells) return text;
  if (widthOf(text) <= cells) return text;
  if (cells < 1) return "";
  let kept = "";
  let width = 0;
  for (const character of text) {
    width += cellsOf(character);
    if (width > cells - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The text in exactly `cells` cells. */
export function pad(text: string, cells: number, side: "left" | "right" = "left"): string {
  const shown = fit(text, cells);
  const space = " ".repeat(Math.max(0, cells - widthOf(shown)));
  return side === "left" ? shown + space : space + shown;
}
