/**
 * Actors of two processes over real sockets on loopback, plain and with TLS, and of a Worker: small
 * messages, round trips, bulk beside the raw `ws` socket, and memory when the receiver has stopped.
 */

import type { LinkedNode, Node } from "../../mod.ts";
import { makeAuthority, nodeIdentity } from "../servers/pki.ts";
import { Counter, cpuMs, pour, sinkOf, spawnAll } from "./actors_remote_actors.ts";
import { benchNode, type Credentials, type Role } from "./actors_remote_peer.ts";
import { pingRaw, sendRaw } from "./actors_remote_raw.ts";
import type { Report } from "./report.ts";

const NAME = "actors-remote";
const RUNS = 5;
const MESSAGES = 1_000_000;
const ASKS = 5_000;
const ASKS_TOGETHER = 50_000;
const IN_FLIGHT = 64;
const MIB = 2 ** 20;
const BULK_BYTES = 1_024 * MIB;
const RAW_FRAMES = [64 * 1_024, 256 * 1_024, MIB];
const LONGEST_SECONDS = 60;
const WINDOW_BYTES = { message: MIB, bulk: 32 * MIB };

/** Figures by name, one value for each run. */
type Runs = Record<string, number[]>;

/** A process of its own, and what it has printed. */
class Child implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;

  constructor(role: Role) {
    const path = new URL("./actors_remote_peer.ts", import.meta.url).pathname;
    const profile = Deno.env.get("BENCH_CHILD_PROFILE");
    const flags = profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`];
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", ...flags, path, JSON.stringify(role)],
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
  }

  async line(): Promise<Record<string, string | number>> {
    let text = "";
    for await (const part of this.#process.stdout.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("\n")) return JSON.parse(text);
    }
    throw new Error(`a process of ${NAME} ended early: ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stdin.close().catch(() => {}); // it may have ended, and has said why
    await this.#process.status;
  }
}

/** The node of this process; it ends with the measurement, also where that has failed. */
class Near implements AsyncDisposable {
  readonly node: LinkedNode;

  constructor(credentials: Credentials | null) {
    this.node = benchNode("near", credentials, false);
    spawnAll(this.node);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.node.stop();
  }
}

function note(runs: Runs, name: string, value: number): void {
  (runs[name] ??= []).push(value);
}

const secondsSince = (startedMs: number): number => (performance.now() - startedMs) / 1_000;

/** Asks again and again until all is there; what was lost never comes, so not for ever. */
async function until(isThere: () => Promise<boolean>): Promise<void> {
  const startedMs = performance.now();
  while (!await isThere()) {
    if (secondsSince(startedMs) > LONGEST_SECONDS) {
      throw new Error(`not all has arrived ${LONGEST_SECONDS} s after it was sent`);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Small messages one way, both ways, and what they cost in CPU time of both processes. */
async function small(node: Node, far: string, count: number, runs: Runs): Promise<void> {
  const sink = sinkOf(node, far);
  const counter = node.ref(Counter, `quorus://${far}/counter`);
  const before = await sink.ask("added", {});
  const beforeCpuMs = [cpuMs(), await counter.ask("cpuMs", {})] as const;
  const startedMs = performance.now();
  await pour(sink, count);
  const added = await sink.ask("added", {}, { withinMs: 60_000 }) - before;
  note(runs, "small_one_way", count / secondsSince(startedMs));
  if (added !== count) throw new Error(`${count - added} messages were lost`);
  const farMs = await counter.ask("cpuMs", {}) - beforeCpuMs[1];
  note(runs, "small_cpu_sender", (cpuMs() - beforeCpuMs[0]) * 1_000 / count);
  note(runs, "small_cpu_receiver", farMs * 1_000 / count);
}

async function smallBothWays(
  node: Node,
  id: string,
  far: string,
  count: number,
  runs: Runs,
): Promise<void> {
  const [sink, ours] = [sinkOf(node, far), sinkOf(node, id)];
  const before = await ours.ask("added", {});
  const startedMs = performance.now();
  node.ref(Counter, `quorus://${far}/counter`).tell("pour", { node: id, count });
  await pour(sink, count);
  await sink.ask("added", {}, { withinMs: 60_000 });
  await until(async () => await ours.ask("added", {}) - before >= count);
  note(runs, "small_both_ways", 2 * count / secondsSince(startedMs));
}

/** The same exchange of the raw socket, right before: the machine is not always as fast. */
async function asksBesideRaw(
  node: Node,
  rawUrl: string,
  authority: string | null,
  runs: Runs,
): Promise<void> {
  const raw = await pingRaw(rawUrl, authority, ASKS);
  const rawP50 = raw[Math.floor(ASKS * 0.5)]!;
  note(runs, "ask_raw_p50", rawP50);
  await asks(node, "far", runs);
  note(runs, "ask_p50_to_raw", runs["ask_p50"]!.at(-1)! / rawP50);
}

async function asks(node: Node, far: string, runs: Runs): Promise<void> {
  const sink = sinkOf(node, far);
  const times: number[] = [];
  for (let n = 0; n < ASKS; n += 1) {
    const startedMs = performance.now();
    await sink.ask("echo", { n });
    times.push((performance.now() - startedMs) * 1_000);
  }
  times.sort((a, b) => a - b);
  note(runs, "ask_p50", times[Math.floor(ASKS * 0.5)]!);
  note(runs, "ask_p99", times[Math.floor(ASKS * 0.99)]!);
  const startedMs = performance.now();
  let left = ASKS_TOGETHER;
  const loop = async (): Promise<void> => {
    while (left-- > 0) await sink.ask("echo", { n: left });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, loop));
  note(runs, `ask_${IN_FLIGHT}_in_flight`, ASKS_TOGETHER / secondsSince(startedMs));
}

/** MB/s of chunks until the last one was handled. A chunk is given away, so each is made anew. */
async function bulk(node: Node, far: string, chunkBytes: number, fresh: boolean): Promise<number> {
  const sink = sinkOf(node, far);
  const counter = node.ref(Counter, `quorus://${far}/counter`);
  const before = await counter.ask("bytes", {});
  const chunk = new Uint8Array(chunkBytes).fill(7);
  const startedMs = performance.now();
  for (let offset = 0; offset < BULK_BYTES; offset += chunkBytes) {
    const bytes = fresh ? new Uint8Array(chunkBytes) : chunk;
    await sink.send("chunk", { offset, bytes });
  }
  await until(async () => await counter.ask("bytes", {}) - before >= BULK_BYTES);
  return BULK_BYTES / 1e6 / secondsSince(startedMs);
}

async function bulkBesideRaw(
  node: Node,
  rawUrl: string,
  authority: string | null,
  runs: Runs,
): Promise<void> {
  const raw: number[] = [];
  for (const frameBytes of RAW_FRAMES) {
    const rate = await sendRaw(rawUrl, authority, frameBytes, BULK_BYTES);
    note(runs, `bulk_raw_${frameBytes / 1_024}kib`, rate);
    raw.push(rate);
  }
  const best = Math.max(...raw);
  for (const mib of [8, 1]) {
    const rate = await bulk(node, "far", mib * MIB, false);
    note(runs, `bulk_${mib}mib`, rate);
    note(runs, `bulk_${mib}mib_vs_raw`, rate / best);
  }
}

/** Growth of a sender beyond the window of a receiver that takes nothing, and what of it is in use. */
async function stoppedReceiver(
  credentials: (name: string) => Credentials | null,
  runs: Runs,
): Promise<void> {
  for (const [name, lane, chunkBytes, warmMessages] of SENDERS) {
    await using far = new Child({ be: "node", credentials: credentials("far") });
    const url = String((await far.line())["url"]);
    await using near = new Child({
      be: "sender",
      credentials: credentials("near"),
      url,
      lane,
      chunkBytes,
      warmMessages,
    });
    const { grownBytes, inUseBytes } = await near.line();
    note(runs, `stopped_receiver_${name}`, (Number(grownBytes) - WINDOW_BYTES[lane]) / 1e6);
    note(runs, `stopped_receiver_${name}_in_use`, Number(inUseBytes) / 1e6);
  }
}

const SENDERS = [
  ["bulk_8mib", "bulk", 8 * MIB, 0],
  ["bulk_1mib", "bulk", MIB, 0],
  ["small", "message", 0, 200_000],
  ["small_first", "message", 0, 0],
] as const;

const UNITS: readonly (readonly [RegExp, string, string | null])[] = [
  [/^small_one_way$/, "msg/s", ">=500000"],
  [/^small_both_ways$/, "msg/s", null],
  [/^small_cpu/, "us/msg", null],
  [/^ask_p50$/, "us", "<200"],
  [/^ask_(p99|raw_p50)$/, "us", null],
  [/^ask_p50_to_raw$/, "ratio", null],
  [/^ask_/, "ask/s", null],
  [/_vs_raw$/, "ratio", ">=0.85"],
  [/^bulk_/, "MB/s", null],
  [/^stopped_receiver.*(_first|_in_use)$/, "MB", null],
  [/^stopped_receiver/, "MB", "<=10"],
];

function show(report: Report, prefix: string, runs: Runs): void {
  for (const [name, values] of Object.entries(runs)) {
    const [, unit, aim] = UNITS.find(([pattern]) => pattern.test(name))!;
    const isAim = aim !== null && prefix === "";
    report({ bench: NAME, measure: prefix + name, unit, values, ...(isAim ? { aim } : {}) });
  }
}

/** What is measured over one kind of socket; `only` names some of it. */
async function overSockets(
  report: Report,
  prefix: string,
  credentials: (name: string) => Credentials | null,
  only: (part: string) => boolean,
): Promise<void> {
  const runs: Runs = {};
  await using far = new Child({ be: "node", credentials: credentials("far") });
  await using raw = new Child({ be: "raw", credentials: credentials("far") });
  const [url, rawUrl] = [(await far.line())["url"], (await raw.line())["url"]].map(String);
  await using near = new Near(credentials("near"));
  const { node } = near;
  await node.links.connect({ node: "far", url: url! });
  await pour(sinkOf(node, "far"), MESSAGES / 10); // compiled, and measured from then on
  const authority = credentials("near")?.authority ?? null;
  for (let run = 0; run < RUNS; run += 1) {
    if (only("small")) await small(node, "far", MESSAGES, runs);
    if (only("both")) await smallBothWays(node, "near", "far", MESSAGES / 2, runs);
    if (only("ask")) await asksBesideRaw(node, rawUrl!, authority, runs);
    if (only("bulk")) await bulkBesideRaw(node, rawUrl!, authority, runs);
    if (only("memory")) await stoppedReceiver(credentials, runs);
  }
  show(report, prefix, runs);
}

async function inWorker(report: Report, only: (part: string) => boolean): Promise<void> {
  const runs: Runs = {};
  await using near = new Near(null);
  const { node } = near;
  const specifier = new URL("./actors_remote_worker.ts", import.meta.url);
  const worker = await node.worker(specifier, { name: "worker" });
  for (let run = 0; run < RUNS; run += 1) {
    if (only("small")) await small(node, "worker", MESSAGES, runs);
    if (only("ask")) await asks(node, "worker", runs);
    if (!only("bulk")) continue;
    note(runs, "bulk_8mib", await bulk(node, "worker", 8 * MIB, true));
    note(runs, "bulk_1mib", await bulk(node, "worker", MIB, true));
  }
  await worker.stop();
  delete runs["small_cpu_sender"]; // the process is one
  delete runs["small_cpu_receiver"];
  show(report, "worker_", runs);
}

/** Prints every figure; BENCH_PARTS names some (`plain,small,bulk`), for work on one of them. */
export async function bench(report: Report): Promise<void> {
  const parts = Deno.env.get("BENCH_PARTS")?.split(",") ?? null;
  const kinds = ["plain", "tls", "worker"];
  const kind = (name: string): boolean => {
    const chosen = parts?.filter((part) => kinds.includes(part)) ?? [];
    return chosen.length === 0 || chosen.includes(name);
  };
  const only = (part: string): boolean => {
    const chosen = parts?.filter((name) => !kinds.includes(name)) ?? [];
    return chosen.length === 0 || chosen.includes(part);
  };
  if (kind("plain")) await overSockets(report, "", () => null, only);
  if (kind("tls")) {
    const authority = makeAuthority("Authority of the benchmark");
    const credentials = (name: string): Credentials => ({
      identity: nodeIdentity(authority, name),
      authority: authority.cert,
    });
    await overSockets(report, "tls_", credentials, only);
  }
  if (kind("worker")) await inWorker(report, only);
}
