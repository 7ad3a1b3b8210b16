/** The core of the product for the stage: it can be looked into, and what it wants is told. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Outputs } from "../../../../runtime/raft/core/outputs.ts";
import { createRaft, type Raft, snapshotMetaAt, step } from "../../../../runtime/raft/core/raft.ts";
import type { CoreFactory } from "../cluster/core_factory.ts";

/** Starts real cores, keeps them in `rafts` and tells what comes out of them. */
export function tellingCore(
  rafts: Map<MemberId, Raft>,
  saw: (id: MemberId, outputs: Outputs) => void,
): CoreFactory {
  return (options, restored, moment) => {
    const raft = createRaft(options, restored, moment);
    rafts.set(options.id, raft);
    return {
      step(input, now) {
        const outputs = step(raft, input, now);
        saw(options.id, outputs);
        return outputs;
      },
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
}
