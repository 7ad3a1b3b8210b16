/** The checker's own judge: every order of a small history, without a memory, parts or cuts. */

import { isUnsure, type Model, type Operation } from "./model.ts";

/** Whether some order of the certain operations and some of the unsure ones gives all the answers. */
export function hasOrder<State, Op, Result>(
  model: Model<State, Op, Result>,
  left: readonly Operation<Op, Result>[],
  state: State = model.initial(),
): boolean {
  if (left.every(isUnsure)) return true;
  return left.some((first) => {
    if (left.some((other) => other.returnAt < first.callAt)) return false;
    const others = left.filter((each) => each !== first);
    return model.step(state, first.op, first.result).some((after) =>
      hasOrder(model, others, after)
    );
  });
}
