/** `quorus agent`: a node that carries out transfers. */

import { type AgentOptions, startAgent } from "../../actors/agent/start.ts";
import { workersFor } from "../../actors/agent/workers/tools.ts";
import type { VolumeOption } from "../../actors/agent/volumes.ts";
import type { KnownControllers } from "../../actors/directory/known.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { AgentSettings } from "../config/roles.ts";
import { reachPolicyOf } from "../config/reach.ts";
import { sharesOfSettings } from "../config/shares.ts";
import { secretSources } from "../input/secrets.ts";
import { absolutePath } from "../input/text_file.ts";
import { loadPlugIns } from "../plug_ins.ts";
import { protocolsFor, s3Of, sshOfSettings, type SshSettings } from "../protocols.ts";
import type { Session } from "../session.ts";
import { VERSION } from "../verbs/version.ts";
import type { WorkerSettings } from "./agent_worker.ts";
import type { Part, RoleStart } from "./serve.ts";

/** The settings that an agent's actors are started with. */
export type AgentPart =
  & Pick<
    AgentSettings,
    | "controllers"
    | "slots"
    | "workers"
    | "volumes"
    | "location"
    | "secrets"
    | "logLevel"
    | "logFormat"
    | "protocols"
    | "reach"
    | "url"
    | "nfs"
    | "smb"
  >
  & { readonly ssh: SshSettings }
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
  const protocols = protocolsFor(env, {
    maxRate: null,
    trace: false,
    ssh: sshOfSettings(settings.ssh),
    s3: s3Of(process),
    shares: sharesOfSettings(settings, folder),
    reach: reachPolicyOf(settings.reach, directory),
    plugIns: await loadPlugIns(settings.protocols, directory),
  });
  const role = await startAgent(node, {
    controllers: () => known.ids,
    version: VERSION,
    location: locationOf(settings.location),
    maxConcurrentTransfers: settings.slots,
    ...reachOf(settings.reach),
    ...(settings.url === undefined ? {} : { url: settings.url }),
    volumes: settings.volumes.map((volume) => volumeOf(volume, directory)),
    folder: `${folder}/agent`,
    protocols,
    secrets: secretSources({ disk, process, secretsDirectory: secrets, directory }),
    limits: limits.actors,
    ...workersOf(settings, { node: node.id, folder, directory }, env.host.facts().cores),
  });
  return {
    role: "agent",
    metrics: () => role.metrics(),
    drain: async (withinMs) => {
      await role.drain(withinMs);
      await role.stop();
      await protocols.close();
    },
  };
}

/** Which protocols and secrets they have is up to their module; none of them is copied. */
function workersOf(
  { workers, secrets, limits, logLevel, logFormat, protocols, reach, ssh, nfs, smb }: AgentPart,
  place: Pick<WorkerSettings, "node" | "folder" | "directory">,
  cores: number,
): Pick<AgentOptions, "workers"> {
  const count = workers ?? workersFor(cores, limits.actors);
  // One would only add the way to it.
  if (count <= 1) return {};
  const own: WorkerSettings = {
    ...{ ...place, logLevel, logFormat, protocols, reach, nfs, smb },
    secrets: secrets ?? null,
    ssh: sshOfSettings(ssh),
  };
  return { workers: { count, module: new URL("./agent_worker.ts", import.meta.url), own } };
}

/** What the scheduler is told of it, so that no transfer comes here that could only fail. */
function reachOf({ allow, deny }: AgentPart["reach"]): Pick<AgentOptions, "reach"> {
  return allow.length + deny.length === 0 ? {} : { reach: { allow, deny } };
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
