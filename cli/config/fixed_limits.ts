/**
 * Limits that a role works with and that no setting changes: shown beside those that are settings, so that
 * every bound of a process can be looked up in one place.
 */

import { ADAPTIVE_LIMITS } from "../../actors/adaptive/limits.ts";
import { DIRECTORY_LIMITS } from "../../actors/directory/limits.ts";
import { ACTOR_LIMITS } from "../../actors/limits.ts";
import { SET_LIMITS } from "../../actors/set/limits.ts";
import { CLIENT_LIMITS } from "../../client/limits.ts";
import { PROTOCOL_LIMITS } from "../../protocols/limits.ts";
import type { LimitTable } from "../../runtime/base/limits.ts";
import { ENV_LIMITS } from "../../runtime/env/real/limits.ts";
import { SOCKET_LIMITS } from "../../runtime/env/real/sockets_limits.ts";
import { STORE_LIMITS } from "../../runtime/store/limits.ts";
import { TELEMETRY_LIMITS } from "../../runtime/telemetry/limits.ts";
import { WORKFLOW_LIMITS } from "../../workflows/limits.ts";
import { CLI_LIMITS } from "../limits.ts";
import { ROLE_SETTINGS, type RoleName } from "./roles.ts";

/** A limit as it is shown. */
export interface FixedLimit {
  /** `limits.sockets.dialMs` */
  readonly name: string;
  readonly value: number;
}

const EVERYWHERE: Readonly<Record<string, LimitTable>> = {
  cli: CLI_LIMITS,
  env: ENV_LIMITS,
  sockets: SOCKET_LIMITS,
  telemetry: TELEMETRY_LIMITS,
  directory: DIRECTORY_LIMITS,
};
const OF_CONTROLLERS = {
  store: STORE_LIMITS,
  workflows: WORKFLOW_LIMITS,
  actors: ACTOR_LIMITS,
  sets: SET_LIMITS,
};
const OF_AGENTS = { protocols: PROTOCOL_LIMITS, sets: SET_LIMITS, adaptive: ADAPTIVE_LIMITS };
const OF_GATEWAYS = { workflows: WORKFLOW_LIMITS, protocols: PROTOCOL_LIMITS };

/** What the command line works with, by itself and with a gateway. */
const OF_CLI = {
  cli: CLI_LIMITS,
  client: CLIENT_LIMITS,
  env: ENV_LIMITS,
  sockets: SOCKET_LIMITS,
  store: STORE_LIMITS,
  workflows: WORKFLOW_LIMITS,
  protocols: PROTOCOL_LIMITS,
  actors: ACTOR_LIMITS,
  sets: SET_LIMITS,
  adaptive: ADAPTIVE_LIMITS,
};

const TABLES: Readonly<Record<RoleName | "cli", Readonly<Record<string, LimitTable>>>> = {
  cli: OF_CLI,
  controller: { ...EVERYWHERE, ...OF_CONTROLLERS },
  agent: { ...EVERYWHERE, ...OF_AGENTS },
  gateway: { ...EVERYWHERE, ...OF_GATEWAYS },
  start: { ...EVERYWHERE, ...OF_CONTROLLERS, ...OF_AGENTS, ...OF_GATEWAYS },
};

/** Those of a role that are no settings of it. */
export function fixedLimits(role: RoleName | "cli"): FixedLimit[] {
  const settable = role === "cli" ? new Set<string>() : settingNames(role);
  return Object.entries(TABLES[role]).flatMap(([room, table]) =>
    Object.entries(table)
      .map(([name, { value }]) => ({ name: `limits.${room}.${name}`, value }))
      .filter(({ name }) => !settable.has(name))
  );
}

/** What is a setting under another room is left out as well: the archive's, and the controller's. */
function settingNames(role: RoleName): ReadonlySet<string> {
  const { limits } = ROLE_SETTINGS[role].parse(EXAMPLES[role]);
  const names = new Set<string>();
  for (const [room, table] of Object.entries(limits)) {
    for (const name of Object.keys(table)) {
      names.add(`limits.${room}.${name}`);
      if (room === "archive" || room === "controller") names.add(`limits.actors.${name}`);
    }
  }
  return names;
}

const NODE = { node: "n", controllers: { n: "ws://127.0.0.1:1" } };
const EXAMPLES: Readonly<Record<RoleName, unknown>> = {
  controller: NODE,
  agent: NODE,
  gateway: NODE,
  start: {},
};
