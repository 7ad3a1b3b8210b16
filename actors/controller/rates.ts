/** The reducer of bandwidth rules. */

import { BANDWIDTH_LIMITS } from "../bandwidth/limits.ts";
import { rateKey } from "../bandwidth/rules.ts";
import { type Applied, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import type { State } from "./state.ts";

const MOST = BANDWIDTH_LIMITS.rules.value;

/** The state after a rule was said, changed or taken back; nobody is told: it is looked at every second. */
export function putRate(state: State, command: Command & { type: "putRate" }): Applied {
  const { scope, name, settings } = command;
  const key = rateKey(scope, name);
  const { index: version, nowMs: changedMs, rates: before } = state;
  if (settings !== null && !before.has(key) && before.size >= MOST) {
    return refuse(state, `rate ${key}: there are ${MOST} rules already; take one back first`);
  }
  const rates = settings === null
    ? before.delete(key)
    : before.set(key, { ...settings, scope, name, version, changedMs });
  return { state: { ...state, rates }, effects: [], refused: [] };
}
