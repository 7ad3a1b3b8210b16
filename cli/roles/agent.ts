/** `quorus agent`: a node that carries out transfers. */

import { startAgent } from "../../actors/agent/start.ts";
import type { VolumeOption } from "../../actors/agent/volumes.ts";
import type { KnownControllers } from "../../actors/directory/known.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { AgentSettings } from "../config/roles.ts";
import { secretSources } from "../input/secrets.ts";
import { absolutePath } from "../input/text_file.ts";
import { protocolsFor } from "../protocols.ts";
import type { Session } from "../session.ts";
import { VERSION } from "../verbs/version.ts";
import type { Part, RoleStart } from "./serve.ts";

/** The settings that an agent's actors are started with. */
export type AgentPart =
  & Pick<AgentSettings, "slots" | "volumes" | "location" | "secrets">
  & { readonly limits: Pick<AgentSettings["limits"], "actors"> };

/** Starts the actors of an agent. It registers by itself, as soon as a controller answers. */
export async function startAgentPart(
  node: LinkedNode,
  settings: AgentPart,
  { process, env }: Session,
  { folder }: RoleStart,
  known: KnownControllers,
): Promise<Part> {
  const { limits, secrets = null } = settings;
  const { disk } = env;
  const directory = process.cwd;
  const role = await startAgent(node, {
    controllers: () => known.ids,
    version: VERSION,
    location: locationOf(settings.location),
    maxConcurrentTransfers: settings.slots,
    volumes: settings.volumes.map((volume) => volumeOf(volume, directory)),
    folder: `${folder}/agent`,
    protocols: protocolsFor(env, { maxRate: null, trace: false }),
    secrets: secretSources({ disk, process, secretsDirectory: secrets, directory }),
    limits: limits.actors,
  });
  return {
    role: "agent",
    metrics: () => role.metrics(),
    drain: async (withinMs) => {
      await role.drain(withinMs);
      await role.stop();
    },
  };
}

function volumeOf(volume: AgentSettings["volumes"][number], base: string): VolumeOption {
  if (typeof volume === "string") return { path: absolutePath(base, volume) };
  return { ...volume, path: absolutePath(base, volume.path) };
}

function locationOf({ datacenter, zone, region, tags }: AgentSettings["location"]) {
  return {
    datacenter: datacenter ?? null,
    zone: zone ?? null,
    region: region ?? null,
    tags,
  };
}
