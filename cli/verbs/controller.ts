/** `quorus controller`: a node that decides, until it is told to end. */

import type { ExitCode } from "../exit.ts";
import { controllerAddresses } from "../roles/node.ts";
import type { Process } from "../process.ts";
import { startControllerPart } from "../roles/controller.ts";
import { dialledControllers } from "../roles/dials.ts";
import { type RoleVerbOptions, runRole } from "../roles/verb.ts";
import { CliError } from "../exit.ts";

/** Ends with 0 after a signal. */
export async function controllerVerb(
  process: Process,
  options: RoleVerbOptions,
): Promise<ExitCode> {
  return await runRole(process, "controller", options, async (host) => {
    const { settings } = host;
    const { node: id } = settings;
    if (!Object.hasOwn(settings.controllers, id)) throw unknownSelf(settings);
    const node = await host.startNode(dialledControllers(id, settings), ["controller"]);
    return { node, parts: [await startControllerPart(node, settings, host)] };
  });
}

function unknownSelf(settings: { node: string; controllers: Readonly<Record<string, string>> }) {
  const known = controllerAddresses(settings.controllers).map(({ node }) => node).join(", ");
  return new CliError(
    "invalidInput",
    `cannot start controller ${settings.node}: controllers names ${known || "nobody"}; ` +
      "name this node and its address there",
  );
}
