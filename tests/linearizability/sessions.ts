/**
 * Judges exactly-once: every client appends unique values to lists; in the lists as they were read when
 * all was over, what was acknowledged stands once, what is unknown at most once, what failed or was never
 * asked not at all, and what was acknowledged before something else was asked stands before it. A read
 * under way shows a beginning of the last list that holds everything acknowledged before it was asked.
 */

import { callAtOf, type HistoryLine, returnAtOf } from "./history.ts";

/** The verdict; `unknown` if there was an acknowledged append to a list that nobody read at the end. */
export interface AppendJudgement {
  readonly verdict: "ok" | "illegal" | "unknown";
  readonly lists: number;
  readonly appends: number;
  /** A sentence each: key, value, clients, what is wrong. */
  readonly violations: readonly string[];
  /** The keys without a read at the end. */
  readonly unread: readonly string[];
}

/** Judges the appends and gets of a history; a list counts as read at the end if no answer came later. */
export function judgeAppends(lines: readonly HistoryLine[]): AppendJudgement {
  const appends = lines.filter(({ op }) => op === "append");
  const violations: string[] = [];
  const unread: string[] = [];
  const keys = new Set(appends.map(({ key }) => key));
  for (const key of keys) {
    const own = appends.filter((line) => line.key === key);
    const reads = lines.filter((line) => line.op === "get" && line.key === key && isKnown(line));
    const last = reads.toSorted((a, b) => callAtOf(b) - callAtOf(a))[0];
    const lastAnswerAt = own.filter(isKnown).reduce(
      (at, line) => Math.max(at, returnAtOf(line)),
      0,
    );
    if (last === undefined || callAtOf(last) < lastAnswerAt) unread.push(key);
    else violations.push(...new AppendedList(key, own, shownBy(last)).violations(reads));
  }
  const verdict = violations.length > 0 ? "illegal" : unread.length > 0 ? "unknown" : "ok";
  return { verdict, lists: keys.size, appends: appends.length, violations, unread };
}

function isKnown({ outcome }: HistoryLine): boolean {
  return outcome === "ok";
}

/** Values as text, in the order of the list. */
function shownBy(read: HistoryLine): readonly string[] {
  const value = read.result?.value ?? [];
  return (Array.isArray(value) ? value : [value]).map((item) => JSON.stringify(item));
}

class AppendedList {
  readonly #key: string;
  readonly #appends: ReadonlyMap<string, HistoryLine>;
  readonly #found: readonly string[];
  readonly #violations: string[] = [];

  constructor(key: string, appends: readonly HistoryLine[], found: readonly string[]) {
    this.#key = key;
    this.#found = found;
    const byValue = new Map<string, HistoryLine>();
    for (const line of appends) {
      const value = JSON.stringify(line.value);
      const other = byValue.get(value);
      if (other !== undefined) this.#say(line, "is asked a second time: values must be unique");
      byValue.set(value, line);
    }
    this.#appends = byValue;
  }

  violations(reads: readonly HistoryLine[]): readonly string[] {
    this.#judgeCounts();
    this.#judgeOrder();
    for (const read of reads) this.#judgeRead(read);
    return this.#violations;
  }

  #judgeCounts(): void {
    const counts = new Map<string, number>();
    for (const value of this.#found) counts.set(value, (counts.get(value) ?? 0) + 1);
    for (const [value, count] of counts) {
      const line = this.#appends.get(value);
      if (line === undefined) this.#add(`${value} stands there, and nobody appended it`);
      else if (line.outcome === "failed") {
        this.#say(line, "had failed for certain and stands there");
      } else if (count > 1) this.#say(line, `stands there ${count} times`);
    }
    for (const [value, line] of this.#appends) {
      if (isKnown(line) && !counts.has(value)) this.#say(line, "was acknowledged and is missing");
    }
  }

  /** Whoever stands later must not have been answered before one that stands earlier was asked. */
  #judgeOrder(): void {
    let latest: HistoryLine | null = null;
    for (const value of this.#found) {
      const line = this.#appends.get(value);
      if (line === undefined) continue;
      if (latest !== null && returnAtOf(line) < callAtOf(latest)) {
        this.#say(
          line,
          `was acknowledged before ${JSON.stringify(latest.value)} was asked, and is after it`,
        );
      }
      if (latest === null || callAtOf(line) > callAtOf(latest)) latest = line;
    }
  }

  #judgeRead(read: HistoryLine): void {
    const shown = shownBy(read);
    const reader = `the read ${read.id} of ${read.client}`;
    const strange = shown.findIndex((value, index) => value !== this.#found[index]);
    if (strange >= 0) {
      this.#add(
        `${reader} saw ${shown[strange]} at ${strange}, the last read ${this.#found[strange]}`,
      );
    }
    const values = new Set(shown);
    for (const [value, line] of this.#appends) {
      if (returnAtOf(line) < callAtOf(read) && !values.has(value)) {
        this.#say(line, `was acknowledged before ${reader} was asked, which did not see it`);
      }
      if (callAtOf(line) > returnAtOf(read) && values.has(value)) {
        this.#say(line, `was asked after ${reader} had seen it`);
      }
    }
  }

  #say(line: HistoryLine, what: string): void {
    this.#add(`${JSON.stringify(line.value)} of ${line.client} (${line.id}) ${what}`);
  }

  #add(what: string): void {
    this.#violations.push(`list ${JSON.stringify(this.#key)}: ${what}`);
  }
}
