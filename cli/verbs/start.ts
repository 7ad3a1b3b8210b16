/** `quorus start`: controller, agent and gateway in one process, until it is told to end. */

import { followControllers } from "../../actors/directory/follower.ts";
import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { startAgentPart } from "../roles/agent.ts";
import { startControllerPart } from "../roles/controller.ts";
import { dialledControllers } from "../roles/dials.ts";
import { startGatewayPart } from "../roles/gateway.ts";
import { type RoleVerbOptions, runRole } from "../roles/verb.ts";

/** Ends with 0 after a signal. Without other controllers it is a cluster of one. */
export async function startVerb(process: Process, options: RoleVerbOptions): Promise<ExitCode> {
  return await runRole(process, "start", options, async (host) => {
    const { settings, session, certificates } = host;
    const { node: id } = settings;
    const dials = dialledControllers(id, settings);
    const node = await host.startNode(dials, ["controller", "agent", "gateway"]);
    // Where nobody else is named, this node is the one controller.
    const controllers = Object.hasOwn(settings.controllers, id)
      ? settings.controllers
      : { ...settings.controllers, [id]: node.links.urls[0]! };
    const all = { ...settings, controllers };
    const deciding = await startControllerPart(node, all, host);
    const known = followControllers(node, controllers);
    const moving = await startAgentPart(node, all, session, host, known);
    const directory = process.cwd;
    const shared = { directory, certificates, known, parts: [deciding, moving] };
    const serving = await startGatewayPart(node, all, shared);
    return { node, parts: [deciding, moving, serving] };
  });
}
