/** The reducer of what is noted of the cluster itself. */

import type { Applied } from "./applied.ts";
import { clusterChanges, factKey } from "./cluster_facts.ts";
import type { Command } from "./commands.ts";
import type { State } from "./state.ts";

/** The state after what its leader sees; it decides nothing. */
export function applyCluster(
  state: State,
  { facts }: Command & { type: "noteCluster" },
): Applied {
  const changes = clusterChanges(state.noted, facts);
  let { noted } = state;
  for (const { before, after } of changes) {
    if (after !== null) noted = noted.set(factKey(after), after);
    else if (before !== null) noted = noted.delete(factKey(before));
  }
  const effects = changes.map((change) => ({ type: "clusterChanged", change } as const));
  return { state: { ...state, noted }, effects, refused: [] };
}
