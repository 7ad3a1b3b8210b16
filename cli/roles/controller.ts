/** `quorus controller`: one of the nodes that decide. */

import { startController } from "../../actors/tree.ts";
import { DESK_LIMITS } from "../../actors/desk/limits.ts";
import { FLEET_LIMITS } from "../../actors/fleet/limits.ts";
import { RAFT_LIMITS } from "../../runtime/raft/limits.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { PeerAddress } from "../../runtime/remote/hub_options.ts";
import type { ControllerSettings } from "../config/roles.ts";
import type { Certificates } from "./certificates.ts";
import { changedLimits } from "./changed_limits.ts";
import { controllerAddresses } from "./node.ts";
import type { Part, RoleStart } from "./serve.ts";

/** The settings that a controller's actors are started with. */
export type ControllerPart = Pick<ControllerSettings, "controllers" | "join" | "keys"> & {
  readonly limits: Pick<ControllerSettings["limits"], "raft" | "fleet" | "desk">;
};

/**
 * The controllers that this one dials: of two that know each other one is enough, so those of lower ids;
 * all of them where they may not know this one yet.
 */
export function dialledControllers(
  node: string,
  { controllers, join }: Pick<ControllerPart, "controllers" | "join">,
): readonly PeerAddress[] {
  return controllerAddresses(controllers)
    .filter((other) => join ? other.node !== node : other.node < node);
}

/** Starts the actors of a controller. */
export async function startControllerPart(
  node: LinkedNode,
  settings: ControllerPart,
  { folder, fail, certificates }: RoleStart & { readonly certificates: Certificates },
): Promise<Part> {
  const { limits, keys, join } = settings;
  const role = await startController(node, {
    folder: `${folder}/controller`,
    controllers: controllerAddresses(settings.controllers),
    join,
    bootstrapKeys: keys,
    certificateUntilMs: () => certificates.endMs("links"),
    limits: {
      raft: changedLimits(RAFT_LIMITS, limits.raft),
      fleet: changedLimits(FLEET_LIMITS, limits.fleet),
      desk: changedLimits(DESK_LIMITS, limits.desk),
    },
    onFailed: fail,
  });
  const { metrics } = role;
  return { role: "controller", metrics, drain: (withinMs) => role.drain(withinMs) };
}
