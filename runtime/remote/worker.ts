/**
 * Nodes in Workers: the same link over a message port. The starter speaks first and gives the node its
 * id; who stands at the other end of the port needs no credential.
 */

import { z } from "zod";
import { actor } from "../actor/definition.ts";
import { checkNodeId } from "../actor/address.ts";
import { attach, type Node, type NodeOptions, startNode } from "../actor/node.ts";
import { protocol, tell } from "../actor/protocol.ts";
import { limitValues } from "../base/limits.ts";
import type { Env } from "../env/env.ts";
import type { WorkerHandle } from "../env/sockets.ts";
import { RemoteError } from "./handshake_refusals.ts";
import { createHub, type Hub } from "./hub.ts";
import { REMOTE_LIMITS } from "./limits.ts";

const LIMITS = limitValues(REMOTE_LIMITS);
const STOPPER = "quorus.worker";

/** What a Worker's node is told by its starter. */
const Stopper = protocol("quorus.worker", {
  version: 1,
  messages: { stop: tell(z.object({ withinMs: z.number().min(0) })) },
});

/** A Worker that is a node. */
export interface WorkerNode {
  /** The id of its node: `quorus://ID/...` are its actors. */
  readonly id: string;
  /** Resolves when the Worker is gone, however it ended. */
  readonly ended: Promise<void>;
  /** Lets its actors drain, then ends it; after `withinMs` (default 10,000) it is ended at once. */
  stop(options?: { readonly withinMs?: number }): Promise<void>;
}

/** Starts a Worker whose node is called `name`; resolves when it is linked. */
export async function startWorker(
  env: Pick<Env, "workers" | "timers">,
  node: Node,
  hub: Hub,
  specifier: string,
  name: string,
): Promise<WorkerNode> {
  checkNodeId(name);
  const handle = env.workers.start(specifier, { name });
  try {
    await hub.adopt(handle.socket, name);
  } catch (error) {
    handle.terminate();
    throw neverLinked(specifier, name, error);
  }
  return workerNode(env, node, hub, handle, name);
}

/** What went wrong in the Worker itself is in the log; its starter sees only that nobody answers. */
function neverLinked(specifier: string, name: string, error: unknown): unknown {
  if (!(error instanceof RemoteError)) return error;
  if (error.code !== "LinkLost" && error.code !== "HandshakeTimeout") return error;
  const what = error.code === "LinkLost" ? "it ended" : "it did not answer";
  return new RemoteError(
    error.code,
    `start Worker "${name}": ${what} before it was linked; ` +
      `look in the log for its error, and see that ${specifier} awaits startWorkerNode`,
    { cause: error },
  );
}

function workerNode(
  env: Pick<Env, "timers">,
  node: Node,
  hub: Hub,
  handle: WorkerHandle,
  id: string,
): WorkerNode {
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const unsubscribe = hub.subscribe(({ kind, peer }) => {
    if (peer.node !== id) return;
    // A Worker whose port has closed is dead: there is nothing to wait for.
    if (kind === "down") void hub.disconnect(id);
    if (kind !== "unreachable") return;
    unsubscribe();
    handle.terminate();
    resolve();
  });
  const stop = async ({ withinMs = LIMITS.workerStopMs } = {}): Promise<void> => {
    node.ref(Stopper, `quorus://${id}/${STOPPER}`).tell("stop", { withinMs });
    const bound = env.timers.after(withinMs, () => void hub.disconnect(id));
    await ended;
    bound.cancel();
  };
  return { id, ended, stop };
}

/**
 * Starts the node of this Worker and links it with its starter; `setup` spawns its actors before anybody
 * can reach them. Throws RemoteError `NotAWorker` elsewhere.
 */
export async function startWorkerNode(
  env: Env,
  setup: (node: Node) => void,
  options: Omit<NodeOptions, "id"> = {},
): Promise<Node> {
  const { parent, name } = env.workers;
  if (parent === null || name === null) {
    throw new RemoteError(
      "NotAWorker",
      "start the node of a Worker: this module was not started by node.worker(); use startNode here",
    );
  }
  const node = startNode(env, { ...options, id: name });
  const made: { hub?: Hub } = {};
  attach(node, (dock) => made.hub = createHub(env, dock), () => made.hub?.close());
  const hub = made.hub!;
  setup(node);
  const stop = (withinMs: number): void => void node.stop({ withinMs });
  const stopper = actor(Stopper, {
    state: () => null,
    on: { stop: (_state, { withinMs }) => stop(withinMs) },
  });
  node.spawn(stopper, { name: STOPPER });
  const starter = await hub.adopt(parent);
  hub.subscribe(({ kind, peer }) => {
    if (kind === "unreachable" && peer.node === starter.node) stop(0);
  });
  return node;
}
