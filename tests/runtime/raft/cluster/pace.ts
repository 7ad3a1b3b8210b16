/** How long everything takes, and what goes wrong on the way; drawn anew at every call. */

/** Durations in virtual ms. */
export interface Pace {
  persistMs(): number;
  /** Until the machine has applied what it was given. */
  machineMs(): number;
  snapshotMs(): number;
  chunkMs(): number;
  /** From one tick of a member to the next. */
  tickMs(): number;
  linkMs(): number;
  isLost(): boolean;
  isDuplicated(): boolean;
  /** Messages of a pair arrive in the order in which they were sent. */
  readonly isOrdered: boolean;
  /** What a member draws its timeouts from, in [0, 1). */
  chance(random: number): number;
  /** Bytes of one piece of a snapshot. */
  readonly chunkBytes: number;
  /** A lost message is told to its sender's core (`unreachable`). */
  readonly tellsLoss: boolean;
}

/** Everything at once and nothing lost: what scripts and the liveness phase use. */
export const CALM: Pace = {
  persistMs: () => 0.5,
  machineMs: () => 0.2,
  snapshotMs: () => 5,
  chunkMs: () => 0.5,
  tickMs: () => 25,
  linkMs: () => 1,
  isLost: () => false,
  isDuplicated: () => false,
  isOrdered: true,
  chance: (random) => random,
  chunkBytes: 1_024,
  tellsLoss: true,
};
