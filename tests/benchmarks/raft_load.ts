/** Load on one server by so many askers, each of whom asks again as soon as it has its answer. */

import { Connection, type Place, type Question, questionBytes } from "../real/raft/connection.ts";
import { bytesField, Call, GrpcConnection } from "./raft_grpc.ts";

/** Asks one thing at a time; `number` says which of those that are asked in turn. */
export interface Asker {
  /** Rejects unless it was done. */
  ask(number: number): Promise<void>;
  close(): void;
}

/** What is asked, and by how many. */
export interface Load {
  open(count: number): Promise<readonly Asker[]>;
  readonly inFlight: number;
  readonly ms: number;
  /** Ends it before its time. */
  readonly isOver?: () => boolean;
  /** Before anything is measured. */
  readonly warmUpMs: number;
  /** Whose CPU time is looked at, beside this process's. */
  readonly processIds: readonly number[];
}

/** What came of it. */
export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Questions without success: leaders change. */
  readonly failed: number;
  /** CPU of this process, in cores: near 1, the client is the bottleneck. */
  readonly clientCores: number;
  readonly serverCores: number;
}

/** The value below which `share` of the sorted `values` are. */
export function percentile(values: ArrayLike<number>, share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN;
}

/** Of a run; more, and nothing was measured. */
const FAILED_AT_MOST = 5_000;

/** Runs a load; an Error if too much of it is not answered with success. */
export async function run(load: Load): Promise<Measured> {
  const { isOver = () => false } = load;
  const askers = await load.open(load.inFlight);
  const latencies: number[] = [];
  const startMs = performance.now() + load.warmUpMs;
  const endMs = startMs + load.ms;
  let [next, failed, lastMs] = [0, 0, startMs];
  const loop = async (asker: Asker): Promise<void> => {
    for (;;) {
      const askedMs = performance.now();
      if (askedMs >= endMs || isOver()) return;
      try {
        await asker.ask(next++);
      } catch (error) {
        failed += 1;
        if (failed > FAILED_AT_MOST) throw error;
        continue;
      }
      const nowMs = performance.now();
      if (nowMs < startMs || nowMs >= endMs) continue;
      latencies.push(nowMs - askedMs);
      lastMs = nowMs;
    }
  };
  const cpu = watchCpu(startMs, load.processIds);
  try {
    await Promise.all(askers.map(loop));
  } finally {
    for (const asker of askers) asker.close();
  }
  const sorted = Float64Array.from(latencies).sort();
  return {
    perSecond: sorted.length * 1_000 / (isOver() ? lastMs - startMs : load.ms),
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    maxMs: sorted.at(-1) ?? NaN,
    failed,
    ...cpu(),
  };
}

/**
 * Questions by number over HTTP/1.1, each asker on a keep-alive connection of its own. The first
 * `prepared` are made before anything is measured, and asked in turn.
 */
export function overHttp(
  place: Place,
  question: (number: number) => Question,
  prepared = 0,
): Load["open"] {
  const ready = Array.from({ length: prepared }, (_, number) => questionBytes(question(number)));
  const bytesOf = (number: number) => ready[number % prepared] ?? questionBytes(question(number));
  const opened = async (): Promise<Asker> => {
    const connection = await Connection.open(place);
    return {
      async ask(number) {
        const { status, head, body } = await connection.ask(bytesOf(number));
        if (status !== 200) throw new Error(`${head} ${new TextDecoder().decode(body)}`);
      },
      close: () => connection.close(),
    };
  };
  return async (count) => {
    const askers: Asker[] = [];
    // A few at a time: a server's queue of those who connect is short.
    while (askers.length < count) {
      const missing = Math.min(CONNECTING, count - askers.length);
      askers.push(...await Promise.all(Array.from({ length: missing }, opened)));
    }
    return askers;
  };
}

const CONNECTING = 50;
/** As etcd's own benchmark has it: 1,000 clients on 100 connections. */
const CALLS_PER_CONNECTION = 10;

/** Calls in turn over gRPC. */
export function overGrpc(place: Place, calls: readonly Call[]): Load["open"] {
  return async (count) => {
    const connections: GrpcConnection[] = [];
    while (connections.length * CALLS_PER_CONNECTION < count) {
      connections.push(await GrpcConnection.open(place));
    }
    return Array.from({ length: count }, (_, index) => {
      const connection = connections[index % connections.length]!;
      const isFirst = index < connections.length;
      return {
        ask: (number) => connection.call(calls[number % calls.length]!),
        close: () => isFirst ? connection.close() : undefined,
      };
    });
  };
}

/** etcd's write of a key. */
export function putCall(key: string, value: string): Call {
  return new Call("/etcdserverpb.KV/Put", bytesField(1, key), bytesField(2, value));
}

/** etcd's linearizable read of a key. */
export function rangeCall(key: string): Call {
  return new Call("/etcdserverpb.KV/Range", bytesField(1, key));
}

/** Begins at `startMs`; the shares are up to when they are asked for. */
function watchCpu(
  startMs: number,
  processIds: readonly number[],
): () => Pick<Measured, "clientCores" | "serverCores"> {
  const own = () => cpuMs(Deno.pid);
  const theirs = () => processIds.reduce((sum, id) => sum + cpuMs(id), 0);
  let before = { atMs: performance.now(), own: own(), theirs: theirs() };
  const timer = setTimeout(() => {
    before = { atMs: performance.now(), own: own(), theirs: theirs() };
  }, Math.max(0, startMs - performance.now()));
  return () => {
    clearTimeout(timer);
    const wallMs = performance.now() - before.atMs;
    return {
      clientCores: (own() - before.own) / wallMs,
      serverCores: (theirs() - before.theirs) / wallMs,
    };
  };
}

/** CPU time of a process and all its threads so far; 0 where there is none. Ticks are 10 ms on Linux. */
export function cpuMs(processId: number): number {
  try {
    const text = Deno.readTextFileSync(`/proc/${processId}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return 10 * (Number(fields[11]) + Number(fields[12]));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return 0;
    throw error;
  }
}
