/** kill -9 of the leader under load, again and again: how long nobody writes, and whether anything is lost. */

import assert from "node:assert/strict";
import { type Cluster, pause, withCluster } from "../real/raft/cluster.ts";
import { KvClient, type StoreClient } from "../real/raft/store_client.ts";
import { figuresOf } from "./raft_figures.ts";
import { percentile } from "./raft_load.ts";
import type { RaftBenchOptions } from "./raft_options.ts";
import type { Report } from "./report.ts";

const CLIENTS = 8;
const KEYS_PER_CLIENT = 200;
const WITHIN_MS = 5_000;
/** Load before a kill, and after the group serves again. */
const CALM_MS = 500;
/** More than a client writes in a round. */
const ROUND = 1_000_000;
/** Between two writes of a client. */
const THINK_MS = 2;

/** Writers, each with keys of its own, and what they were told. */
class Writers {
  /** When writes were acknowledged, in order. */
  readonly acknowledgedAtMs: number[] = [];
  readonly #stores: readonly StoreClient[];
  readonly #last = new Map<string, { asked: number; acknowledged: number }>();
  readonly #running: Promise<void>[];
  #isStopping = false;

  /** `first` is above every number that was ever written. */
  constructor(cluster: Cluster, first: number) {
    const places = cluster.members.map(({ plan }) => plan.http);
    this.#stores = Array.from({ length: CLIENTS }, () => new KvClient(places));
    this.#running = this.#stores.map((store, client) =>
      this.#write(store, client, places.length, first)
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
    for (const store of this.#stores) store.close();
  }

  /** The keys whose value is older than one that was acknowledged. */
  async lost(): Promise<readonly string[]> {
    const lost: string[] = [];
    const entries = [...this.#last];
    const look = async (store: StoreClient): Promise<void> => {
      for (let next = entries.pop(); next !== undefined; next = entries.pop()) {
        const [key, { asked, acknowledged }] = next;
        const seen = Number(await read(store, key));
        if (seen < acknowledged || seen > asked) lost.push(`${key}: ${seen} of ${acknowledged}`);
      }
    };
    await Promise.all(this.#stores.map(look));
    return lost;
  }

  async #write(
    store: StoreClient,
    client: number,
    members: number,
    first: number,
  ): Promise<void> {
    let member = client % members;
    for (let number = first; !this.#isStopping; number += 1) {
      const key = `f${client}-${number % KEYS_PER_CLIENT}`;
      const last = this.#last.get(key) ?? { asked: 0, acknowledged: 0 };
      this.#last.set(key, last);
      last.asked = number;
      const reply = await store.ask({ op: "put", key, value: String(number) }, member, WITHIN_MS);
      if (reply.outcome === "ok") {
        last.acknowledged = number;
        this.acknowledgedAtMs.push(performance.now());
      } else member = (member + 1) % members;
      await pause(THINK_MS);
    }
  }
}

async function read(store: StoreClient, key: string): Promise<string> {
  for (let tries = 0; tries < 50; tries += 1) {
    const reply = await store.ask({ op: "get", key }, tries % 3, WITHIN_MS);
    if (reply.outcome === "ok") return String(reply.result.value ?? 0);
    await pause(100);
  }
  throw new Error(`nobody answers what ${key} is`);
}

/** What was seen so far. */
interface Seen {
  readonly silentMs: number[];
  readonly lost: Set<string>;
  acknowledged: number;
}

/** See the head of this file. What a run has seen is told also where a later kill fails. */
export async function failover(report: Report, { kills }: RaftBenchOptions): Promise<void> {
  const seen: Seen = { silentMs: [], lost: new Set(), acknowledged: 0 };
  try {
    await withCluster({ size: 3 }, async (cluster) => {
      while (seen.silentMs.length < kills) await round(cluster, seen);
    });
  } finally {
    if (seen.silentMs.length > 0) tell(report, seen);
  }
}

/** One kill under load, and a look at everything that was acknowledged. */
async function round(cluster: Cluster, seen: Seen): Promise<void> {
  const writers = new Writers(cluster, (seen.silentMs.length + 1) * ROUND);
  try {
    seen.silentMs.push(await killOnce(cluster, writers.acknowledgedAtMs));
  } finally {
    await writers.stop();
  }
  for (const key of await writers.lost()) seen.lost.add(key);
  seen.acknowledged += writers.acknowledgedAtMs.length;
}

function tell(report: Report, { silentMs, lost, acknowledged }: Seen): void {
  silentMs.sort((a, b) => a - b);
  const figure = figuresOf(report, "raft");
  figure("failover_kills", "kills", silentMs.length);
  figure("failover_p50", "ms", percentile(silentMs, 0.5));
  figure("failover_p99", "ms", percentile(silentMs, 0.99), "<1000");
  figure("failover_max", "ms", silentMs.at(-1)!, "<5000");
  figure("failover_writes", "writes", acknowledged);
  figure("failover_lost", "writes", lost.size, "<=0");
  if (lost.size > 0) console.error([...lost].join("\n"));
}

/** The longest time without an acknowledged write around a kill. */
async function killOnce(cluster: Cluster, acknowledgedAtMs: readonly number[]): Promise<number> {
  await pause(CALM_MS);
  const leader = await cluster.leader();
  const killedMs = performance.now();
  await leader.kill();
  const untilMs = killedMs + 30_000;
  const again = () => acknowledgedAtMs.find((atMs) => atMs > performance.now() - 50) !== undefined;
  await pause(CALM_MS);
  while (!again()) {
    assert.ok(performance.now() < untilMs, `nobody writes after a kill\n${cluster.logs()}`);
    await pause(10);
  }
  await pause(CALM_MS);
  const times = [killedMs, ...acknowledgedAtMs.filter((atMs) => atMs >= killedMs)];
  const gaps = times.slice(1).map((atMs, index) => atMs - times[index]!);
  leader.start();
  await cluster.settled();
  return Math.max(...gaps);
}
