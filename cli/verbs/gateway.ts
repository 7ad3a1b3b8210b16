/** `quorus gateway`: a node that serves the API, until it is told to end. */

import { followControllers } from "../../actors/directory/follower.ts";
import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { startGatewayPart } from "../roles/gateway.ts";
import { controllerAddresses } from "../roles/node.ts";
import { type RoleVerbOptions, runRole } from "../roles/verb.ts";

/** Ends with 0 after a signal. */
export async function gatewayVerb(process: Process, options: RoleVerbOptions): Promise<ExitCode> {
  return await runRole(process, "gateway", options, async (host) => {
    const { settings, certificates } = host;
    const node = await host.startNode(controllerAddresses(settings.controllers), ["gateway"]);
    const known = followControllers(node, settings.controllers);
    const shared = { directory: process.cwd, certificates, known, parts: [] };
    return { node, parts: [await startGatewayPart(node, settings, shared)] };
  });
}
