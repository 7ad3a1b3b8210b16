/** `quorus controller`: one of the nodes that decide. */

import { startController } from "../../actors/tree.ts";
import { ARCHIVE_LIMITS } from "../../actors/archive/limits.ts";
import { CLUSTER_LIMITS } from "../../actors/cluster/limits.ts";
import { CONTROLLER_LIMITS } from "../../actors/controller/limits.ts";
import { DESK_LIMITS } from "../../actors/desk/limits.ts";
import { FLEET_LIMITS } from "../../actors/fleet/limits.ts";
import { SCHEDULER_LIMITS } from "../../actors/scheduler/limits.ts";
import { TENANT_SETTINGS } from "../../actors/tenant/limits.ts";
import { RAFT_LIMITS } from "../../runtime/raft/limits.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { ControllerSettings } from "../config/roles.ts";
import type { Session } from "../session.ts";
import type { Certificates } from "./certificates.ts";
import { changedLimits } from "./changed_limits.ts";
import { controllerAddresses } from "./node.ts";
import { raftWorker, type RaftWorkerSettings } from "./raft_worker.ts";
import type { Part, RoleStart } from "./serve.ts";

/** The settings that a controller's actors are started with. */
export type ControllerPart =
  & Omit<RaftWorkerSettings, "node">
  & Pick<ControllerSettings, "keys" | "retention">
  & {
    readonly limits: Pick<
      ControllerSettings["limits"],
      "raft" | "fleet" | "desk" | "archive" | "controller" | "scheduler" | "tenants" | "cluster"
    >;
  };

/** Starts the actors of a controller. */
export async function startControllerPart(
  node: LinkedNode,
  settings: ControllerPart,
  { folder, fail, session, certificates }: RoleStart & {
    readonly session: Session;
    readonly certificates: Certificates;
  },
): Promise<Part> {
  const { limits, keys, join, retention } = settings;
  const engine = await raftWorker(session, { ...settings, node: node.id }, certificates);
  const role = await startController(node, {
    folder: `${folder}/controller`,
    controllers: controllerAddresses(settings.controllers),
    join,
    ...(engine === null ? {} : { engine }),
    bootstrapKeys: keys,
    certificateUntilMs: () => certificates.endMs("links"),
    limits: {
      raft: changedLimits(RAFT_LIMITS, limits.raft),
      fleet: changedLimits(FLEET_LIMITS, limits.fleet),
      desk: changedLimits(DESK_LIMITS, limits.desk),
      archive: changedLimits(ARCHIVE_LIMITS, limits.archive),
      controller: changedLimits(CONTROLLER_LIMITS, limits.controller),
      scheduler: changedLimits(SCHEDULER_LIMITS, limits.scheduler),
      tenants: changedLimits(TENANT_SETTINGS, limits.tenants),
      cluster: changedLimits(CLUSTER_LIMITS, limits.cluster),
    },
    ...(retention === undefined ? {} : { retentionMs: retention }),
    onFailed: fail,
  });
  const { metrics } = role;
  return { role: "controller", metrics, drain: (withinMs) => role.drain(withinMs) };
}
