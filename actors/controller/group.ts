/** A group that agrees on commands: controllers through Raft (`replica.ts`), one process through its journal. */

import type { Command } from "./commands.ts";
import type { Effect } from "./applied.ts";
import type { State } from "./state.ts";

/** Proposals in, committed state and hints out. */
export interface Group {
  /** The state as far as it was applied here. */
  readonly state: State;
  /**
   * Resolves once the command is committed, durable and applied: to the reasons why it, or parts of
   * it, did not hold; empty if all of it was taken. Rejects if the outcome cannot be known.
   */
  propose(command: Command): Promise<readonly string[]>;
  /** Hints of what should now happen, in order; returns how to stop listening. */
  subscribe(listener: (effects: readonly Effect[]) => void): () => void;
}
