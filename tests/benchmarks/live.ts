/**
 * The live feed with many subscribers over real sockets: they live in a process of their own
 * (`live_clients.ts`), so that latency is that of the gateway's event loop and memory is the gateway's.
 */

import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import type { LiveEvent } from "../../actors/desk/messages.ts";
import { answerEvents, answerLive } from "../../gateway/live/feed.ts";
import { LiveHub } from "../../gateway/live/hub.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { jobEvent } from "../gateway/live/events.ts";
import { Teller } from "../gateway/live/teller.ts";
import type { Report } from "./report.ts";

const SUBSCRIBERS = 10_000;
const SINGLE_EVENTS = 10;
const BURST_EVENTS = 10;
const FOCUSED_EVENTS = 5_000;
const ROUNDS = 3;

/** Both doors, each with as many subscribers as the machine lets in. */
export async function bench(report: Report): Promise<void> {
  for (const kind of ["live", "events"] as const) await benchKind(kind, report);
}

async function benchKind(kind: "live" | "events", report: Report): Promise<void> {
  const env = realEnv();
  const teller = new Teller();
  const limits = { subscribers: 2 * SUBSCRIBERS, subscribersPerKey: 2 * SUBSCRIBERS };
  const hub = new LiveHub(env, () => [teller], limits);
  const reader = { keyId: "bench", tenants: null };
  const server = await realHttpServing.serve((request, connection) => {
    return kind === "live"
      ? answerLive(hub, reader, request, connection)
      : answerEvents(hub, reader, request, env.random.next);
  }, { hostname: "127.0.0.1", port: 0 });
  const before = await settledRss();
  const clients = await Clients.start(server.url, kind);
  try {
    const figure = (measure: string, unit: string, values: number[], aim?: string) =>
      report({
        bench: `live-${kind}`,
        measure,
        unit,
        values,
        ...(aim === undefined ? {} : { aim }),
      });
    figure("subscribers", "count", [hub.counts.subscribers], `>=${SUBSCRIBERS}`);
    const after = await settledRss();
    figure("memory_per_subscriber", "bytes", [(after - before) / hub.counts.subscribers]);
    const drive = new Drive(teller, clients);
    const single = await drive.single(SINGLE_EVENTS);
    figure("to_all_latency_p50", "ms", [quantile(single, 0.5)]);
    figure("to_all_latency_p99", "ms", [quantile(single, 0.99)]);
    const bursts: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) bursts.push(await drive.burst(BURST_EVENTS));
    figure("delivered_to_all", "events/s", bursts);
    const focused: number[] = [];
    const rates: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { latencies, perSecond } = await drive.focused(FOCUSED_EVENTS);
      focused.push(...latencies);
      rates.push(perSecond);
    }
    figure("to_one_of_all_events", "events/s", rates);
    figure("to_one_of_all_latency_p99", "ms", [quantile(focused, 0.99)]);
    figure("missed", "count", [hub.counts.missed], "<1");
    figure("lost", "count", [clients.lost], "<1");
  } finally {
    await clients.stop();
    await hub.close();
    await server.shutdown();
    env.close();
  }
}

/** Makes events happen and waits until they have arrived. */
class Drive {
  readonly #teller: Teller;
  readonly #clients: Clients;
  #number = 0;

  constructor(teller: Teller, clients: Clients) {
    this.#teller = teller;
    this.#clients = clients;
  }

  /** One event after the other, each to all; the latency of each delivery in ms. */
  async single(events: number): Promise<number[]> {
    const latencies: number[] = [];
    for (let at = 0; at < events; at += 1) {
      this.#teller.tell(this.#event("all"));
      latencies.push(...await this.#clients.arrived(this.#clients.count));
      this.#forget();
    }
    return latencies;
  }

  /** Many at once, each to all: deliveries per second. */
  async burst(events: number): Promise<number> {
    const startMs = performance.now();
    this.#teller.tell(...Array.from({ length: events }, () => this.#event("all")));
    await this.#clients.arrived(events * this.#clients.count);
    this.#forget();
    return events * this.#clients.count / (performance.now() - startMs) * 1_000;
  }

  /** Many, each to one of all: what a busy cluster is to dashboards of single runs. */
  async focused(events: number): Promise<{ latencies: number[]; perSecond: number }> {
    const startMs = performance.now();
    const step = 100;
    for (let at = 0; at < events; at += step) {
      this.#teller.tell(...Array.from({ length: step }, () => {
        return this.#event(`one-${this.#number % this.#clients.count}`);
      }));
      // As a controller's answers do, batches come one after the other.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const latencies = await this.#clients.arrived(events);
    this.#forget();
    return { latencies, perSecond: events / (performance.now() - startMs) * 1_000 };
  }

  #event(target: string): LiveEvent {
    this.#number += 1;
    const sentMs = performance.timeOrigin + performance.now();
    const labels = { target };
    return jobEvent(`${this.#number}.0`, { why: `sent ${sentMs.toFixed(3)} `, labels });
  }

  /** The teller's memory is not the gateway's. */
  #forget(): void {
    this.#teller.forget(0);
  }
}

/** The process of the subscribers. */
class Clients {
  readonly count: number;
  lost = 0;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  private constructor(
    count: number,
    child: ChildProcessWithoutNullStreams,
    lines: AsyncIterator<string>,
  ) {
    this.count = count;
    this.#child = child;
    this.#lines = lines;
  }

  static async start(url: string, kind: string): Promise<Clients> {
    const file = new URL("./live_clients.ts", import.meta.url).pathname;
    const child = spawn("deno", ["run", "-A", file, url, kind, String(SUBSCRIBERS)]);
    child.stderr.pipe(process.stderr);
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const first = await lines.next();
    return new Clients(Number(first.value), child, lines);
  }

  /** The latencies of the next so many deliveries, once all have come; `lost` counts those that never did. */
  async arrived(deliveries: number): Promise<number[]> {
    this.#child.stdin.write(`${deliveries}\n`);
    const { value } = await this.#lines.next();
    const latencies: number[] = JSON.parse(value ?? "[]");
    this.lost += deliveries - latencies.length;
    return latencies;
  }

  async stop(): Promise<void> {
    this.#child.kill();
    await once(this.#child, "exit");
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

async function settledRss(): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return Deno.memoryUsage().rss;
}
