/** Nodes with links and hardly any actors, on simulated machines. */

import { Deadlines } from "../../../runtime/actor/deadlines.ts";
import type { AskSettling, Dock, InboundMessage, Receipt } from "../../../runtime/actor/bridge.ts";
import type { EndReason } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { createHub, type Hub } from "../../../runtime/remote/hub.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import type { PeerEvent } from "../../../runtime/remote/peer.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { z } from "zod";
import { socketPair } from "./socket_pair.ts";

export const TOKEN = "correct horse battery staple";
export const CONTEXT = { from: null, trace: null };

export const Any = protocol("test.any", {
  version: 1,
  messages: {
    tell: tell(z.unknown()),
    big: tell(z.unknown(), { lane: "bulk" }),
    vote: tell(z.unknown(), { lane: "consensus" }),
    ask: ask(z.unknown(), z.unknown()),
  },
});

type Ended = (reason: EndReason, error: unknown) => void;

/** Actors are paths: `echo...` answers at once, `hold...` never processes, all others take what comes. */
export class TestDock implements Dock {
  readonly received: InboundMessage[] = [];
  readonly held: Receipt[] = [];
  readonly asked: { message: InboundMessage; budgetMs: number; settling: AskSettling }[] = [];
  readonly cancelled: string[] = [];
  readonly deadLetters: string[] = [];
  readonly watchers = new Map<string, Set<Ended>>();
  readonly #ended = new Set<string>();

  constructor(readonly node: string, readonly deadlines: Deadlines) {}

  dead(address: string, tag: string, body: unknown): void {
    this.deadLetters.push(`${address} ${tag} ${JSON.stringify(body)}`);
  }

  tell(message: InboundMessage, receipt: Receipt): void {
    this.received.push(message);
    if (message.path.startsWith("hold")) this.held.push(receipt);
    else receipt.processed("handled");
  }

  ask(
    message: InboundMessage,
    budgetMs: number,
    settling: AskSettling,
    receipt: Receipt,
  ): (reason: Error) => void {
    this.asked.push({
      message,
      budgetMs,
      settling: {
        reply: (value) => {
          settling.reply(value);
          receipt.processed("handled");
        },
        fail: (error) => {
          settling.fail(error);
          receipt.processed("failed");
        },
      },
    });
    if (message.path.startsWith("echo")) {
      settling.reply(message.body);
      receipt.processed("handled");
      return () => {};
    }
    return (reason) => {
      this.cancelled.push(reason.message);
      receipt.processed("dropped");
    };
  }

  watch(path: string, ended: Ended): () => void {
    if (this.#ended.has(path)) {
      ended("unreachable", undefined);
      return () => {};
    }
    const watchers = this.watchers.get(path) ?? new Set();
    this.watchers.set(path, watchers.add(ended));
    return () => void watchers.delete(ended);
  }

  end(path: string, reason: EndReason): void {
    this.#ended.add(path);
    const watchers = [...this.watchers.get(path) ?? []];
    this.watchers.delete(path);
    for (const ended of watchers) ended(reason, undefined);
  }

  /** What an actor was told, in order. */
  bodies(path?: string): unknown[] {
    return this.received.filter((one) => path === undefined || one.path === path)
      .map(({ body }) => body);
  }
}

export interface TestNode {
  readonly env: SimulatedEnv;
  readonly dock: TestDock;
  readonly hub: Hub;
  readonly events: PeerEvent[];
  /** `kind peer` of every event. */
  kinds(): string[];
}

/** A node that listens on port 4100 of a machine of its name. */
export function startHub(
  world: World,
  name: string,
  options: HubOptions = {},
  env: SimulatedEnv = simulatedEnv({ seed: world.seed, world, name }),
  node = name,
): TestNode {
  const deadlines = new Deadlines(env.clock, env.timers);
  const dock = new TestDock(node, deadlines);
  const hub = createHub(env, dock, {
    listen: [{ hostname: env.machine.name, port: 4100 }],
    allowPlain: true,
    token: TOKEN,
    ...options,
  });
  const events: PeerEvent[] = [];
  hub.subscribe((event) => void events.push(event));
  return {
    env,
    dock,
    hub,
    events,
    kinds: () => events.map(({ kind, peer }) => `${kind} ${peer.node}`),
  };
}

export interface Pair {
  readonly world: World;
  readonly a: TestNode;
  readonly b: TestNode;
}

/** Nodes "a" and "b"; b has dialled a and both are up. */
export async function linkedPair(
  seed = 1,
  aOptions: HubOptions = {},
  bOptions: HubOptions = {},
): Promise<Pair> {
  const world = new World(seed);
  const a = startHub(world, "a", aOptions);
  const b = startHub(world, "b", bOptions);
  await world.complete(Promise.all([a.hub.ready, b.hub.ready]));
  await world.complete(b.hub.connect({ node: "a", url: "ws://a:4100" }));
  await world.pass(10);
  return { world, a, b };
}

/** Two hubs without listeners whose sockets are the two ends of one in memory. */
export async function portPair(): Promise<
  Pair & { readonly sockets: ReturnType<typeof socketPair> }
> {
  const world = new World(1);
  const a = startHub(world, "a", { listen: [] });
  const b = startHub(world, "b", { listen: [] });
  const sockets = socketPair(a.env, { frameBytes: 2 ** 20, lowBytes: 2 ** 16 });
  const linked = Promise.all([a.hub.adopt(sockets.client, "b"), b.hub.adopt(sockets.server)]);
  await world.complete(linked);
  return { world, a, b, sockets };
}

/** The state that `node` sees a peer in. */
export function stateOf({ hub }: TestNode, peer: string): string | undefined {
  return hub.peers().find(({ node }) => node === peer)?.state;
}

/** An ask as a promise of its body or of the error. */
export function askOf(
  { hub }: TestNode,
  node: string,
  path: string,
  body: unknown,
  withinMs = 60_000,
): { readonly outcome: Promise<unknown>; readonly cancel: () => void } {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const settling = { reply: resolve, fail: reject };
  const cancel = hub.target(node, path, Any).ask("ask", body, CONTEXT, withinMs, settling);
  promise.catch(() => {});
  return { outcome: promise, cancel };
}
