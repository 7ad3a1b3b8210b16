/** What the parts of a world see of it: time, randomness, the trace, and whose code is running. */

import type { TimerHandle } from "../env/env.ts";
import type { SeededRandom } from "./random.ts";

/** A process that code can run as; what its code leaves unhandled is its own. */
export interface Owner {
  readonly name: string;
  /** Nobody handled what its code threw or rejected with; false if it had ended before. */
  unhandled(reason: unknown): boolean;
}

/** The side of a `World` that machines, processes and the network stand on. */
export interface VirtualTime {
  /** Virtual milliseconds since the world began; fractions count. */
  readonly nowMs: number;
  readonly random: SeededRandom;
  /** Lets `happen` happen after `delayMs`; `label` goes into the trace. */
  schedule(delayMs: number, label: string, happen: () => void): TimerHandle;
  /** Adds a line to the trace. */
  note(label: string): void;
  /** Runs `fn` as `owner`, and so everything that it starts and awaits. */
  as<T>(owner: Owner, fn: () => T): T;
  /** Blames `owner` for what nobody handled; false where this world blames nobody. */
  blame(owner: Owner, reason: unknown): boolean;
}
