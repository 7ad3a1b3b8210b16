/** The core of the product, for the bench. */

import { createRaft, type Raft, snapshotMetaAt, step } from "../../../../runtime/raft/core/raft.ts";
import type { CoreFactory, CoreUnderTest } from "./core_factory.ts";

/** Starts a real core. */
export const realCore: CoreFactory = (options, restored, moment) =>
  coreOf(createRaft(options, restored, moment));

/** A core as the bench looks at it. */
export function coreOf(raft: Raft): CoreUnderTest {
  return {
    step: (input, now) => step(raft, input, now),
    get term() {
      return raft.term;
    },
    get role() {
      return raft.role;
    },
    get leader() {
      return raft.leader;
    },
    get commit() {
      return raft.commit;
    },
    get applied() {
      return raft.applied;
    },
    metaAt(index) {
      return raft.log.termAt(index) === undefined ? null : snapshotMetaAt(raft, index);
    },
  };
}
