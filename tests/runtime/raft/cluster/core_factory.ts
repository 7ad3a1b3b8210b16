/** The core as the bench sees it, so that a broken one can stand in its place. */

import type { MemberId, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { Input, Moment } from "../../../../runtime/raft/core/input.ts";
import type { RaftOptions, Restored } from "../../../../runtime/raft/core/options.ts";
import type { Outputs, Role } from "../../../../runtime/raft/core/outputs.ts";

/** One incarnation of a member's core, and what the checker looks at between two steps. */
export interface CoreUnderTest {
  step(input: Input, moment: Moment): Outputs;
  readonly term: number;
  readonly role: Role;
  readonly leader: MemberId | null;
  readonly commit: number;
  /** How far the machine is, as the core knows it. */
  readonly applied: number;
  /** What a snapshot of the state at `index` would say; null where the log no longer holds it. */
  metaAt(index: number): SnapshotMeta | null;
}

/** Starts a core from what a disk holds. */
export type CoreFactory = (
  options: RaftOptions,
  restored: Restored,
  moment: Moment,
) => CoreUnderTest;
