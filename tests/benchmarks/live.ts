/**
 * `bench live [--subscribers=N]`: the live feed with many subscribers over real sockets. They live in
 * processes of their own (`live_clients.ts`), so that latency is that of the gateway's event loop and
 * memory is the gateway's. The controllers are played by a teller that counts how often it is asked.
 */

import process from "node:process";
import type { LiveEvent } from "../../actors/desk/messages.ts";
import { answerEvents, answerLive } from "../../gateway/live/feed.ts";
import { LiveHub } from "../../gateway/live/hub.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { jobEvent } from "../gateway/live/events.ts";
import { Teller } from "../gateway/live/teller.ts";
import { Latencies } from "./latencies.ts";
import { Subscribers } from "./live_subscribers.ts";
import { type Figures, figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";

const SUBSCRIBERS = 10_000;
const PROCESSES = 2;
const SLOW = 10;
const SINGLE_EVENTS = 10;
const BURST_EVENTS = 10;
const FOCUSED_EVENTS = 5_000;
const ROUNDS = 3;
/** To the slow ones alone: more than all buffers on the way and the ring hold. */
const FLOOD_EVENTS = 3_000;
const FLOOD_CHARACTERS = 16_000;

/** Both doors. */
export async function bench(report: Report): Promise<void> {
  const asked = Deno.args.find((arg) => arg.startsWith("--subscribers="))?.split("=")[1];
  const count = asked === undefined ? SUBSCRIBERS : Number(asked);
  for (const kind of ["live", "events"] as const) await benchKind(kind, count, report);
}

async function benchKind(kind: "live" | "events", count: number, report: Report): Promise<void> {
  const env = realEnv();
  const teller = new Teller();
  const limits = { subscribers: 2 * count, subscribersPerKey: 2 * count };
  const hub = new LiveHub(env, () => [teller], limits);
  const reader = { keyId: "bench", tenants: null };
  const server = await realHttpServing.serve((request, connection) => {
    return kind === "live"
      ? answerLive(hub, reader, request, connection)
      : answerEvents(hub, reader, request, env.random.next);
  }, { hostname: "127.0.0.1", port: 0 });
  const before = await settledRss();
  const options = { url: server.url, kind, count, processes: PROCESSES, slow: SLOW };
  const subscribers = await Subscribers.start(options);
  try {
    const figure = figuresOf(report, `live-${kind}`);
    figure("subscribers", "count", hub.counts.subscribers, `>=${count}`);
    const after = await settledRss();
    figure("memory_per_subscriber", "bytes", (after - before) / hub.counts.subscribers);
    const drive = new Drive(teller, subscribers);
    await deliveries(drive, figure);
    await slowOnes(drive, figure);
    figure("lost", "count", subscribers.lost, "<1");
  } finally {
    await subscribers.stop();
    await hub.close();
    await server.shutdown();
    env.close();
  }
}

/** To those that read. */
async function deliveries(drive: Drive, figure: Figures): Promise<void> {
  const single = await drive.single(SINGLE_EVENTS);
  figure("to_all_latency_p50", "ms", single.quantile(0.5));
  figure("to_all_latency_p99", "ms", single.quantile(0.99));
  const bursts = [];
  for (let round = 0; round < ROUNDS; round += 1) bursts.push(await drive.burst(BURST_EVENTS));
  figure("delivered_to_all", "events/s", bursts.map(({ perSecond }) => perSecond));
  figure("cpu_gateway", "us/event", bursts.map(({ cpuUs }) => cpuUs));
  const focused = [];
  for (let round = 0; round < ROUNDS; round += 1) focused.push(await drive.focused(FOCUSED_EVENTS));
  figure("to_one_of_all_events", "events/s", focused.map(({ perSecond }) => perSecond));
  figure(
    "to_one_of_all_latency_p99",
    "ms",
    focused.map(({ latencies }) => latencies.quantile(0.99)),
  );
  figure("controllers_asked", "polls/s", focused.map(({ pollsPerSecond }) => pollsPerSecond));
}

/** To those that do not: what they get later, and what they are told then, is all that there was. */
async function slowOnes(drive: Drive, figure: Figures): Promise<void> {
  const { slow } = drive.subscribers;
  const { others, told } = await drive.flood();
  figure("others_latency_p99_in_flood", "ms", others.quantile(0.99));
  const accounts = await drive.subscribers.read();
  figure("slow_subscribers", "count", slow, `>=${SLOW}`);
  figure("slow_got", "events", accounts.map(({ got }) => got));
  figure("slow_told_missed", "events", accounts.map(({ missed }) => missed));
  const wrong = accounts.filter(({ got, missed }) => got + missed !== told);
  figure("slow_accounts_wrong", "count", wrong.length + SLOW - accounts.length, "<1");
}

interface Burst {
  readonly perSecond: number;
  readonly cpuUs: number;
}
interface Focused {
  readonly latencies: Latencies;
  readonly perSecond: number;
  readonly pollsPerSecond: number;
}

/** Makes events happen and waits until they have arrived. */
class Drive {
  readonly subscribers: Subscribers;
  readonly #teller: Teller;
  #number = 0;
  #focus = 0;
  /** Events that the slow ones want too. */
  #toSlow = 0;

  constructor(teller: Teller, subscribers: Subscribers) {
    this.#teller = teller;
    this.subscribers = subscribers;
  }

  /** One event after the other, each to all. */
  async single(events: number): Promise<Latencies> {
    const latencies = new Latencies();
    for (let at = 0; at < events; at += 1) {
      this.#teller.tell(this.#event("all"));
      latencies.merge((await this.subscribers.toAll(1)).counts);
      this.#forget();
    }
    return latencies;
  }

  /** Many at once, each to all. */
  async burst(events: number): Promise<Burst> {
    const startMs = performance.now();
    const before = cpuUs();
    this.#teller.tell(...Array.from({ length: events }, () => this.#event("all")));
    await this.subscribers.toAll(events);
    this.#forget();
    const deliveries = events * this.subscribers.count;
    return {
      perSecond: deliveries / (performance.now() - startMs) * 1_000,
      cpuUs: (cpuUs() - before) / deliveries,
    };
  }

  /** Many, each to one of all: what a busy cluster is to dashboards of single runs. */
  async focused(events: number): Promise<Focused> {
    const [startMs, polls, first] = [performance.now(), this.#teller.polls, this.#focus];
    const step = 100;
    for (let at = 0; at < events; at += step) {
      const some = Array.from({ length: Math.min(step, events - at) }, () => {
        const target = `one-${this.#focus % this.subscribers.count}`;
        this.#focus += 1;
        return this.#event(target);
      });
      this.#teller.tell(...some);
      // As a controller's answers do, batches come one after the other.
      await pause(1);
    }
    const latencies = await this.subscribers.toEach(first, events);
    this.#forget();
    const seconds = (performance.now() - startMs) / 1_000;
    const pollsPerSecond = (this.#teller.polls - polls) / seconds;
    return { latencies, perSecond: events / seconds, pollsPerSecond };
  }

  /** More than fits to those that read nothing, with an event to all in between. */
  async flood(): Promise<{ readonly others: Latencies; readonly told: number }> {
    const others = new Latencies();
    const padding = "x".repeat(FLOOD_CHARACTERS);
    const step = FLOOD_EVENTS / SINGLE_EVENTS;
    for (let at = 0; at < SINGLE_EVENTS; at += 1) {
      for (let some = 0; some < step; some += 50) {
        this.#teller.tell(...Array.from({ length: 50 }, () => this.#event("slow", padding)));
        await pause(1);
      }
      this.#teller.tell(this.#event("all"));
      others.merge((await this.subscribers.toAll(1)).counts);
      this.#forget();
    }
    return { others, told: this.#toSlow };
  }

  #event(target: string, padding = ""): LiveEvent {
    this.#number += 1;
    if (target === "all" || target === "slow") this.#toSlow += 1;
    const sentMs = performance.timeOrigin + performance.now();
    const labels = { target };
    return jobEvent(`${this.#number}.0`, { why: `sent ${sentMs.toFixed(3)} ${padding}`, labels });
  }

  /** The teller's memory is not the gateway's. */
  #forget(): void {
    this.#teller.forget(0);
  }
}

function cpuUs(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function settledRss(): Promise<number> {
  await pause(1_000);
  return Deno.memoryUsage().rss;
}
