/** A node that sends reliably and one with actors that count what they handle, on simulated machines. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { RemoteLimits } from "../../../runtime/remote/limits.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { type Reliable, reliable } from "../../../runtime/remote/reliable.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { TOKEN } from "./hub_nodes.ts";

export const Ledger = protocol("test.ledger", {
  version: 1,
  messages: {
    book: tell(z.object({ n: z.number() })),
    chunk: tell(z.object({ n: z.number(), bytes: z.instanceof(Uint8Array) }), { lane: "bulk" }),
  },
});

/** What the actors of all lives have handled, in order. */
export interface Books {
  readonly handled: number[];
  readonly chunks: number[];
  /** Numbers whose handler throws. */
  readonly bad: Set<number>;
  /** How long a handler takes. */
  takesMs: number;
}

export function newBooks(): Books {
  return { handled: [], chunks: [], bad: new Set(), takesMs: 0 };
}

export function ledgerOf(env: SimulatedEnv, books: Books, full: "wait" | "reject" = "wait") {
  const took = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    env.timers.after(books.takesMs, resolve);
    return promise;
  };
  return actor(Ledger, {
    mailbox: { capacity: 16, full },
    state: () => null,
    on: {
      book: async (_state, { n }) => {
        if (books.takesMs > 0) await took();
        if (books.bad.has(n)) throw new Error(`no ${n} here`);
        books.handled.push(n);
      },
      chunk: (_state, { n }) => void books.chunks.push(n),
    },
  });
}

export const PEER = "quorus://b/ledger";

/** Node "b": listens, with the ledger. */
export function startReceiver(
  env: SimulatedEnv,
  books: Books,
  limits: Partial<RemoteLimits> = {},
  full: "wait" | "reject" = "wait",
): LinkedNode {
  const node = startLinkedNode(env, {
    id: "b",
    children: { max: 1_000 },
    links: {
      listen: [{ hostname: "b", port: 4100 }],
      allowPlain: true,
      token: TOKEN,
      limits,
    },
  });
  node.spawn(ledgerOf(env, books, full), { name: "ledger", args: undefined });
  return node;
}

/** Node "a": dials b for as long as it lives. */
export function startSender(env: SimulatedEnv, limits: Partial<RemoteLimits> = {}): LinkedNode {
  return startLinkedNode(env, {
    id: "a",
    links: {
      peers: [{ node: "b", url: "ws://b:4100" }],
      allowPlain: true,
      token: TOKEN,
      limits,
    },
  });
}

export interface ReliablePair {
  readonly world: World;
  readonly a: LinkedNode;
  readonly aEnv: SimulatedEnv;
  readonly bEnv: SimulatedEnv;
  readonly books: Books;
  readonly out: Reliable<typeof Ledger>;
}

/** Both nodes, and a producer of a for the ledger of b. */
export function reliablePair(
  seed = 1,
  limits: Partial<RemoteLimits> = {},
  options: { window?: number; full?: "wait" | "reject" } = {},
): ReliablePair {
  const world = new World(seed);
  const books = newBooks();
  const aEnv = simulatedEnv({ seed, world, name: "a" });
  const bEnv = simulatedEnv({ seed, world, name: "b" });
  startReceiver(bEnv, books, limits, options.full);
  const a = startSender(aEnv, limits);
  const { window } = options;
  const out = reliable(a, a.ref(Ledger, PEER), window === undefined ? {} : { window });
  return { world, a, aEnv, bEnv, books, out };
}

/** What became of each send, as it becomes known. */
export class Sends {
  readonly outcomes: string[] = [];

  constructor(readonly out: Reliable<typeof Ledger>) {}

  book(n: number): void {
    this.#note(n, this.out.send("book", { n }));
  }

  chunk(n: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#note(n, this.out.send("chunk", { n, bytes }));
  }

  #note(n: number, sent: Promise<void>): void {
    sent.then(() => this.outcomes.push(`${n} ok`), (error) => {
      this.outcomes.push(`${n} ${error.code}${error.definite ? "" : "?"}`);
    });
  }
}

export function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, n) => n);
}
