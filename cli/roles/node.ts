/** The node of a role: started from its settings, with links to the controllers. */

import { type LinkedNode, startLinkedNode } from "../../runtime/remote/linked_node.ts";
import type { HubOptions, PeerAddress } from "../../runtime/remote/hub_options.ts";
import type { NodeOptions } from "../../runtime/actor/node.ts";
import type { ActorLimits } from "../../runtime/actor/limits.ts";
import type { RemoteLimits } from "../../runtime/remote/limits.ts";
import type { Place } from "../config/fields.ts";
import type { CommonSettings } from "../config/roles.ts";
import type { Session } from "../session.ts";
import { revealSetting } from "./secret.ts";
import { readTls } from "./tls.ts";

/** The settings that make a node. */
export interface NodeSettings extends CommonSettings {
  /** Where it listens; gateways, and agents that are not told to, dial only. */
  readonly listen?: Place | undefined;
  readonly limits: { readonly node: ActorLimits; readonly remote: RemoteLimits };
}

/** What a node is told beside its settings. */
export interface NodeStart extends Required<Pick<NodeOptions, "admit" | "onFatal">> {
  /** The nodes that it calls. */
  readonly dials: readonly PeerAddress[];
}

/** Starts the node. Resolves once it listens. */
export async function startRoleNode(
  session: Session,
  settings: NodeSettings,
  { dials, ...rest }: NodeStart,
): Promise<LinkedNode> {
  const { node: id, limits } = settings;
  const links = await linksOf(session, { ...settings, peers: dials });
  const node = startLinkedNode(session.env, { id, limits: limits.node, links, ...rest });
  try {
    await node.links.ready;
  } catch (error) {
    await node.stop({ withinMs: 0 });
    throw error;
  }
  return node;
}

/** Settings of links, and whom they call. */
export interface LinkSettings
  extends Pick<NodeSettings, "token" | "allowPlain" | "listen" | "tls"> {
  readonly limits: Pick<NodeSettings["limits"], "remote">;
  readonly peers: readonly PeerAddress[];
}

/** How a node of this process links with others; certificates and token are read. */
export async function linksOf(
  { env, process }: Session,
  { token, allowPlain, listen, limits, tls: files, peers }: LinkSettings,
): Promise<HubOptions> {
  const tls = files === undefined ? {} : { tls: await readTls(env.disk, files) };
  const secret = token === undefined
    ? undefined
    : await revealSetting(token, env.disk, (name) => process.env(name));
  return {
    limits: limits.remote,
    allowPlain,
    peers,
    ...(secret === undefined ? {} : { token: secret }),
    ...tls,
    requireCertificate: files !== undefined,
    ...(listen === undefined ? {} : { listen: [{ ...listen, ...tls }] }),
  };
}

/** The controllers as addresses. */
export function controllerAddresses(
  controllers: Readonly<Record<string, string>>,
): { readonly node: string; readonly url: string }[] {
  return Object.entries(controllers).map(([node, url]) => ({ node, url }));
}
