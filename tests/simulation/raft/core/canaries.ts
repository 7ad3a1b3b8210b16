/** Cores that break a promise on purpose: a bench that does not notice them is worth nothing. */

import type { Moment } from "../../../../runtime/raft/core/input.ts";
import type { Outputs } from "../../../../runtime/raft/core/outputs.ts";
import type { CoreFactory, CoreUnderTest } from "../../../runtime/raft/cluster/core_factory.ts";

/** A core between the bench and `core`; `step` does more or less than it should. */
function around(core: CoreUnderTest, step: CoreUnderTest["step"]): CoreUnderTest {
  return {
    step,
    get term() {
      return core.term;
    },
    get role() {
      return core.role;
    },
    get leader() {
      return core.leader;
    },
    get commit() {
      return core.commit;
    },
    get applied() {
      return core.applied;
    },
    metaAt: (index) => core.metaAt(index),
  };
}

/** Votes are said, and never written. */
export function forgetsVotes(factory: CoreFactory): CoreFactory {
  return (options, restored, moment) => {
    const core = factory(options, restored, moment);
    return around(core, (input, now) => {
      const outputs = core.step(input, now);
      const persist = outputs.persist.map((order) => {
        const { hardState } = order;
        return hardState === null ? order : { ...order, hardState: { ...hardState, vote: null } };
      });
      return { ...outputs, persist };
    });
  };
}

/** Every write is taken for durable as soon as it was ordered. */
export function trustsItsCache(factory: CoreFactory): CoreFactory {
  return (options, restored, moment) => {
    const core = factory(options, restored, moment);
    return around(core, (input, now) => {
      const outputs = core.step(input, now);
      const number = outputs.persist.at(-1)?.number;
      if (number === undefined) return outputs;
      return joined(outputs, confirmed(core, number, now));
    });
  };
}

/** Follows the completion of an order, and of those that it leads to. */
function confirmed(core: CoreUnderTest, number: number, now: Moment): Outputs {
  const outputs = core.step({ type: "persisted", number }, now);
  const next = outputs.persist.at(-1)?.number;
  return next === undefined ? outputs : joined(outputs, confirmed(core, next, now));
}

function joined(first: Outputs, second: Outputs): Outputs {
  return {
    persist: [...first.persist, ...second.persist],
    send: [...first.send, ...second.send],
    apply: [...first.apply, ...second.apply],
    restore: first.restore ?? second.restore,
    sendChunks: [...first.sendChunks, ...second.sendChunks],
    saveChunk: first.saveChunk ?? second.saveChunk,
    compact: second.compact ?? first.compact,
    answers: [...first.answers, ...second.answers],
    reads: [...first.reads, ...second.reads],
    events: [...first.events, ...second.events],
  };
}
