/** A member's process of the in-process benchmark: it puts the load on its own group when it is told to. */

import { joinGroup, startNode } from "../../mod.ts";
import { store } from "../../examples/13_kv/store.ts";
import { type Asker, run } from "./raft_load.ts";
import { ordersOf } from "./raft_process.ts";

/** How a member is started. */
export interface MemberPlan {
  readonly id: string;
  readonly links: readonly { readonly id: string; readonly port: number }[];
  readonly folder: string;
}

/** What a member is told. */
export type MemberOrder =
  | { readonly do: "who" }
  | {
    readonly do: "load";
    readonly kind: "writes" | "reads";
    readonly inFlight: number;
    readonly ms: number;
  };

/** What it says: `leads` to `who`, the rest to `load`. */
export interface MemberSays {
  readonly leads?: boolean;
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly failed?: number;
}

const WARM_UP_MS = 1_000;
const KEYS = 1_000;
const VALUE = "v".repeat(256);

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));

async function main({ id, links, folder }: MemberPlan): Promise<void> {
  const own = links.find((link) => link.id === id)!;
  const node = startNode({
    id,
    logLevel: "warn",
    links: {
      listen: [{ hostname: "127.0.0.1", port: own.port }],
      peers: links.filter((link) => link.id < id)
        .map((link) => ({ node: link.id, url: `ws://127.0.0.1:${link.port}` })),
    },
  });
  await node.links.ready;
  const members = links.map((link) => link.id);
  const group = await joinGroup(node, store, { name: "kv", folder, members });
  const askers: Record<"writes" | "reads", Asker> = {
    writes: {
      ask: async (number) => {
        await group.propose({ do: "put", key: `key-${number % KEYS}`, value: VALUE });
      },
      close: () => {},
    },
    reads: {
      ask: async (number) => {
        await group.read(({ items }) => items.get(`key-${number % KEYS}`));
      },
      close: () => {},
    },
  };
  for await (const order of ordersOf<MemberOrder>()) {
    const says = order.do === "who" ? { leads: group.status().role === "leader" } : await run({
      open: (count) => Promise.resolve(Array.from({ length: count }, () => askers[order.kind])),
      inFlight: order.inFlight,
      ms: order.ms,
      warmUpMs: WARM_UP_MS,
      processIds: [],
    });
    console.log(JSON.stringify(says));
  }
  await node.stop({ withinMs: 1_000 });
}
