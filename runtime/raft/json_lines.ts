/** Snapshots as JSON texts, one a line: the plain way for a machine to write its state and read it again. */

import { limitValues } from "../base/limits.ts";
import { RAFT_LIMITS } from "./limits.ts";
import type { Restoring } from "./machine.ts";

/** Lines are gathered into pieces of about this many characters. */
const PIECE_CHARACTERS = limitValues(RAFT_LIMITS).stateBytes;

/**
 * The pieces of a snapshot: one line for each value, made when it is asked for.
 *
 * @example
 * ```ts
 * import { jsonLines, readJsonLines } from "@quorus/quorus";
 *
 * const pieces = [...jsonLines([["a", 1], ["b", 2]])];
 * const found = new Map<string, number>();
 * const restoring = readJsonLines(([key, value]: [string, number]) => found.set(key, value), () => found);
 * for (const piece of pieces) restoring.write(piece);
 * console.assert(restoring.end().get("b") === 2);
 * ```
 */
export function* jsonLines(values: Iterable<unknown>): Iterable<Uint8Array> {
  const encoder = new TextEncoder();
  let text = "";
  for (const value of values) {
    text += JSON.stringify(value) + "\n";
    if (text.length < PIECE_CHARACTERS) continue;
    yield encoder.encode(text);
    text = "";
  }
  if (text !== "") yield encoder.encode(text);
}

/** Reads what {@link jsonLines} wrote: `take` gets each value, `end` gives the state. */
export function readJsonLines<Value, State>(
  take: (value: Value) => void,
  end: () => State,
): Restoring<State> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  return {
    write: (piece) => {
      const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = lines.pop()!;
      for (const line of lines) take(JSON.parse(line) as Value);
    },
    end: () => {
      if (rest !== "") throw new SyntaxError("the snapshot ends within a line");
      return end();
    },
  };
}
