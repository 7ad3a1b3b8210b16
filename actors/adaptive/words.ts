/** How much at a time and why, in words. */

import type { Why } from "./state.ts";

/** What is counted. */
export type Unit = "files" | "ranges";

/** For people: `since throughput rose 12 %`. */
export function reasonText({ cause, other, percent, code }: Why): string {
  switch (cause) {
    case "declared":
      return "as it is declared";
    case "begins":
      return "to begin with";
    case "remembered":
      return "as went well on this way before";
    case "tryMore":
      return `after ${other}, to see whether more is quicker`;
    case "tryFewer":
      return `after ${other}, to see whether fewer are as quick`;
    case "better":
      return `since throughput rose ${percent} % from ${other} on`;
    case "noBetter":
      return `since ${other} were no quicker`;
    case "worse":
      return `since with ${other} throughput fell ${-percent} %`;
    case "refused":
      return `since of ${other} at a time ${percent} % failed (${code ?? "unknown"})`;
  }
}

/** `6 files at a time, since throughput rose 12 % from 4 on`. */
export function atOnceText(atOnce: number, unit: Unit, why: string): string {
  const what = atOnce === 1 ? unit.slice(0, -1) : unit;
  return `${atOnce} ${what} at a time, ${why}`;
}
