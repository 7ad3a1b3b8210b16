/** The core of the product, for the bench. */

import { createRaft, snapshotMetaAt, step } from "../../../../runtime/raft/core/raft.ts";
import type { CoreFactory } from "./core_factory.ts";

/** Starts a real core. */
export const realCore: CoreFactory = (options, restored, moment) => {
  const raft = createRaft(options, restored, moment);
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
};
