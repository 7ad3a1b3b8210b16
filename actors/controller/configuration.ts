/** The reducers of what operators configure: definitions that are kept by name, and API keys. */

import { type Applied, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import { definitionKey, type State } from "./state.ts";

type Configuring = Command & {
  type: "putDefinition" | "deleteDefinition" | "putKey" | "revokeKey";
};

/** The state after a command about configuration. */
export function applyConfiguration(state: State, command: Configuring): Applied {
  switch (command.type) {
    case "putDefinition":
    case "deleteDefinition":
      return applyDefinition(state, command);
    case "putKey": {
      const createdMs = state.keys.get(command.key.id)?.createdMs ?? state.nowMs;
      const keys = state.keys.set(command.key.id, { ...command.key, createdMs });
      return { state: { ...state, keys }, effects: [], refused: [] };
    }
    case "revokeKey":
      if (!state.keys.has(command.id)) return refuse(state, `no key ${command.id}`);
      return { state: { ...state, keys: state.keys.delete(command.id) }, effects: [], refused: [] };
  }
}

function applyDefinition(
  state: State,
  command: Configuring & { type: "putDefinition" | "deleteDefinition" },
): Applied {
  const { tenant, name, ifVersion } = command;
  const key = definitionKey(tenant, name);
  const version = state.definitions.get(key)?.version ?? 0;
  if (ifVersion !== null && ifVersion !== version) {
    return refuse(state, `definition ${name} has version ${version}, not ${ifVersion}`);
  }
  if (command.type === "deleteDefinition") {
    if (version === 0) return refuse(state, `no definition ${name}`);
    const definitions = state.definitions.delete(key);
    return { state: { ...state, definitions }, effects: [], refused: [] };
  }
  const { index, nowMs } = state;
  const kept = { tenant, name, text: command.text, version: index, changedMs: nowMs };
  const definitions = state.definitions.set(key, kept);
  return { state: { ...state, definitions }, effects: [], refused: [] };
}
