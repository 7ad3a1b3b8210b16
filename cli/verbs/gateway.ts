/** `quorus gateway`: a node that serves the API, until it is told to end. */

import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { startGatewayPart } from "../roles/gateway.ts";
import { controllerAddresses } from "../roles/node.ts";
import { type RoleVerbOptions, runRole } from "../roles/verb.ts";

/** Ends with 0 after a signal. */
export async function gatewayVerb(process: Process, options: RoleVerbOptions): Promise<ExitCode> {
  return await runRole(process, "gateway", options, async (host) => {
    const { settings } = host;
    const node = await host.startNode(controllerAddresses(settings.controllers), ["gateway"]);
    return { node, parts: [await startGatewayPart(node, settings)] };
  });
}
