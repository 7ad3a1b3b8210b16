/** A member's process of `raft_engine.ts`: it puts load on its own group, and stalls where it leads. */

import { store } from "../../examples/13_kv/store.ts";
import { type HubOptions, joinGroup, startNode } from "../../mod.ts";
import { percentile } from "./raft_load.ts";
import { ordersOf } from "./raft_process.ts";

/** Where core and log are. */
export type Way = "thread" | "worker";

/** How a member is started. */
export interface EngineMemberPlan {
  readonly id: string;
  readonly way: Way;
  readonly ports: Readonly<Record<string, readonly [node: number, worker: number]>>;
  readonly folder: string;
}

/** What a member is told. */
export type EngineMemberOrder =
  | { readonly do: "status" }
  | {
    readonly do: "load";
    readonly inFlight: number;
    readonly ms: number;
    /** While it leads, its event loop stands still for so long, again and again; 0: never. */
    readonly stallMs: number;
  };

/** What it says to `status`. */
export interface EngineMemberStatus {
  readonly leads: boolean;
  readonly elections: number;
  readonly term: number;
}

/** What it says to `load`. */
export interface EngineLoadOutcome {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Without success: leaders change. */
  readonly failedPerSecond: number;
}

const WARM_UP_MS = 500;
/** Between two stalls. */
const PAUSE_MS = 50;
const KEYS = 1_000;
const VALUE = "v".repeat(256);

if (import.meta.main) await main(JSON.parse(Deno.args[0]!));

async function main(plan: EngineMemberPlan): Promise<void> {
  const { id, way, folder, ports } = plan;
  const node = startNode({ id, logLevel: "error", links: links(plan, 0) });
  await node.links.ready;
  const module = import.meta.resolve("./raft_engine_worker.ts");
  const group = await joinGroup(node, store, {
    name: "kv",
    folder,
    members: Object.keys(ports),
    ...(way === "worker" ? { engine: { module, links: links(plan, 1) } } : {}),
  });
  const status = (): EngineMemberStatus => {
    const { role, counts: { elections }, term } = group.status();
    return { leads: role === "leader", elections, term };
  };
  const ask = async (number: number): Promise<void> => {
    await group.propose({ do: "put", key: `key-${number % KEYS}`, value: VALUE });
  };
  for await (const order of ordersOf<EngineMemberOrder>()) {
    if (order.do === "status") console.log(JSON.stringify(status()));
    else console.log(JSON.stringify(await load(order, ask, () => status().leads)));
  }
  await node.stop({ withinMs: 1_000 });
}

async function load(
  { inFlight, ms, stallMs }: EngineMemberOrder & { do: "load" },
  ask: (number: number) => Promise<void>,
  leads: () => boolean,
): Promise<EngineLoadOutcome> {
  const startMs = performance.now() + WARM_UP_MS;
  const endMs = startMs + ms;
  if (stallMs > 0) stallAgain(stallMs, endMs, leads);
  const latencies: number[] = [];
  let [next, failed] = [0, 0];
  const loop = async (): Promise<void> => {
    for (let askedMs = performance.now(); askedMs < endMs; askedMs = performance.now()) {
      try {
        await ask(next++);
        if (askedMs >= startMs) latencies.push(performance.now() - askedMs);
      } catch {
        if (askedMs >= startMs) failed += 1;
        await new Promise((done) => setTimeout(done, 5));
      }
    }
  };
  await Promise.all(Array.from({ length: inFlight }, loop));
  const sorted = Float64Array.from(latencies).sort();
  return {
    perSecond: sorted.length * 1_000 / ms,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    failedPerSecond: failed * 1_000 / ms,
  };
}

function stallAgain(stallMs: number, endMs: number, leads: () => boolean): void {
  const fromMs = performance.now();
  if (fromMs >= endMs) return;
  if (leads()) { while (performance.now() < fromMs + stallMs); }
  setTimeout(() => stallAgain(stallMs, endMs, leads), PAUSE_MS);
}

function links({ id, ports }: EngineMemberPlan, which: 0 | 1): HubOptions {
  const nodeId = (member: string) => which === 0 ? member : `${member}.raft`;
  return {
    listen: [{ hostname: "127.0.0.1", port: ports[id]![which] }],
    peers: Object.keys(ports).filter((other) => other < id)
      .map((other) => ({ node: nodeId(other), url: `ws://127.0.0.1:${ports[other]![which]}` })),
  };
}
