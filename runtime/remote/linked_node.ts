/**
 * A node with links: actors of other processes and of Workers are reached like its own.
 */

import { attach, type Node, type NodeOptions, startNode } from "../actor/node.ts";
import type { Env } from "../env/env.ts";
import { createHub, type Hub, type Links } from "./hub.ts";
import type { HubOptions } from "./hub_options.ts";
import { startWorker, type WorkerNode } from "./worker.ts";

/** How a node with links is started. */
export interface LinkedNodeOptions extends NodeOptions {
  /** Where it listens, whom it dials, how both prove themselves. It does neither unless told. */
  readonly links?: HubOptions;
}

/** A node, its links, and its Workers. */
export interface LinkedNode extends Node {
  readonly links: Links;
  /**
   * Starts the module at `specifier` (an absolute URL) as a Worker with a node of its own; resolves when
   * it is linked. The module calls `startWorkerNode`. Rejects with SocketError `denied`, RemoteError.
   */
  worker(specifier: string | URL, options: { readonly name: string }): Promise<WorkerNode>;
}

/** See {@link LinkedNode}. Throws ActorError `BadName`, RemoteError `PlainLink` and `NoCredential`. */
export function startLinkedNode(env: Env, options: LinkedNodeOptions): LinkedNode {
  const node = startNode(env, options);
  const made: { hub?: Hub } = {};
  const { links } = options;
  attach(node, (dock) => made.hub = createHub(env, dock, links), () => made.hub?.close());
  const hub = made.hub!;
  return Object.assign(node, {
    links: hub,
    worker: (specifier: string | URL, { name }: { readonly name: string }) =>
      startWorker(env, node, hub, String(specifier), name),
  });
}
