/** The core of the product for the stage: it can be looked into, and what it wants is told. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Outputs } from "../../../../runtime/raft/core/outputs.ts";
import { createRaft, type Raft } from "../../../../runtime/raft/core/raft.ts";
import type { CoreFactory } from "../cluster/core_factory.ts";
import { coreOf } from "../cluster/real_core.ts";

/** Starts real cores, keeps them in `rafts` and tells what comes out of them. */
export function tellingCore(
  rafts: Map<MemberId, Raft>,
  saw: (id: MemberId, outputs: Outputs) => void,
): CoreFactory {
  return (options, restored, moment) => {
    const raft = createRaft(options, restored, moment);
    rafts.set(options.id, raft);
    const core = coreOf(raft);
    const step: typeof core.step = (input, now) => {
      const outputs = core.step(input, now);
      saw(options.id, outputs);
      return outputs;
    };
    // What it is changes as it steps: it is asked, not copied.
    return Object.create(core, { step: { value: step } });
  };
}
