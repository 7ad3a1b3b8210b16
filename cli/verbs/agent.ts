/** `quorus agent`: a node that carries out transfers, until it is told to end. */

import { followControllers } from "../../actors/directory/follower.ts";
import type { ExitCode } from "../exit.ts";
import type { Process } from "../process.ts";
import { startAgentPart } from "../roles/agent.ts";
import { controllerAddresses } from "../roles/node.ts";
import { type RoleVerbOptions, runRole } from "../roles/verb.ts";

/** Ends with 0 after a signal. */
export async function agentVerb(process: Process, options: RoleVerbOptions): Promise<ExitCode> {
  return await runRole(process, "agent", options, async (host) => {
    const { settings, session } = host;
    const node = await host.startNode(controllerAddresses(settings.controllers), ["agent"]);
    const known = followControllers(node, settings.controllers);
    return { node, parts: [await startAgentPart(node, settings, session, host, known)] };
  });
}
