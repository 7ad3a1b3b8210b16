/**
 * `deno task bench link`: two links over a connection in memory, in one thread: what packing, frames
 * and precedence cost without a network. `credit` adds the windows of both sides.
 */

import { realEnv } from "../../runtime/env/real.ts";
import type { Env } from "../../runtime/env/env.ts";
import { SendCredit } from "../../runtime/remote/credit.ts";
import { ReceiveCredit } from "../../runtime/remote/credit_receive.ts";
import { packRecord } from "../../runtime/remote/frames.ts";
import { Handover } from "../../runtime/remote/handover.ts";
import { remoteLimits } from "../../runtime/remote/limits.ts";
import { Link } from "../../runtime/remote/link.ts";
import type { Lane, WireRecord } from "../../runtime/remote/wire.ts";
import { socketPair } from "../runtime/remote/socket_pair.ts";
import type { Report } from "./report.ts";

const RUNS = 5;
const RECORDS = 500_000;
/** What a turn of actors sends before the event loop has its turn. */
const BURST = 1_000;
const ASKS = 20_000;
const CHUNKS = 64;
const LIMITS = remoteLimits();

type Receive = (lane: Lane, records: unknown[], recordBytes: number[]) => void;

function link(env: Env, socket: ConstructorParameters<typeof Handover>[0], receive: Receive): Link {
  const made = new Link(env, new Handover(socket), LIMITS, {
    records: receive,
    sent: () => {},
    drained: () => {},
    closed: () => {},
  });
  made.start();
  return made;
}

function small(seq: number): WireRecord {
  return { v: 1, type: "bench.sink/add", to: "sink", from: "quorus://a/source", body: { seq } };
}

/** Records per second one way. */
function oneWay(env: Env): Promise<number> {
  const { client, server } = socketPair(env, { ...LIMITS, own: false });
  const { promise, resolve } = Promise.withResolvers<number>();
  let received = 0;
  const beganMs = env.clock.monotonic();
  link(env, server, (_lane, records) => {
    received += records.length;
    if (received === RECORDS) resolve(RECORDS / (env.clock.monotonic() - beganMs) * 1_000);
  });
  const near = link(env, client, () => {});
  let sent = 0;
  const burst = (): void => {
    for (let count = 0; count < BURST; count += 1) near.push("message", packRecord(small(sent++)));
    if (sent < RECORDS) env.timers.soon(burst);
  };
  burst();
  return promise.finally(() => near.destroy());
}

/** The same under credit of one actor, as an association does it. */
function withCredit(env: Env): Promise<number> {
  const { client, server } = socketPair(env, { ...LIMITS, own: false });
  const { promise, resolve } = Promise.withResolvers<number>();
  const [send, receive] = [new SendCredit(LIMITS), new ReceiveCredit(LIMITS)];
  let [received, sent] = [0, 0];
  const beganMs = env.clock.monotonic();
  const far = link(env, server, (_lane, records, recordBytes) => {
    for (const [index] of records.entries()) {
      receive.received("message", "sink", recordBytes[index]!);
      received += 1;
      if (!receive.processed("message", "sink", recordBytes[index]!)) continue;
      far.push("control", packRecord({ c: "credit", processed: receive.collect() }));
    }
    if (received === RECORDS) resolve(RECORDS / (env.clock.monotonic() - beganMs) * 1_000);
  });
  const pushAll = (): void => {
    while (sent < RECORDS) {
      const packed = packRecord(small(sent));
      if (!send.take("message", "sink", packed.bytes)) return;
      near.push("message", packed);
      sent += 1;
    }
  };
  const near: Link = link(env, client, (_lane, records) => {
    for (const record of records) {
      send.give((record as { processed: Parameters<SendCredit["give"]>[0] }).processed);
    }
    pushAll();
  });
  pushAll();
  return promise.finally(() => near.destroy());
}

/** Milliseconds of each of many round trips, one at a time, sorted. */
function roundTrips(env: Env): Promise<number[]> {
  const { client, server } = socketPair(env, { ...LIMITS, own: false });
  const { promise, resolve } = Promise.withResolvers<number[]>();
  const times: number[] = [];
  let beganMs = 0;
  const far = link(env, server, (_lane, records) => {
    for (const record of records as { id: number }[]) {
      far.push("reply", packRecord({ re: record.id, body: null }));
    }
  });
  const ask = (): void => {
    beganMs = env.clock.monotonic();
    near.push("message", packRecord({ ...small(1), id: times.length, budgetMs: 5_000 } as never));
  };
  const near: Link = link(env, client, () => {
    times.push(env.clock.monotonic() - beganMs);
    if (times.length < ASKS) ask();
    else resolve(times.sort((a, b) => a - b));
  });
  ask();
  return promise.finally(() => near.destroy());
}

/** MB/s of chunks of 8 MiB. */
function bulk(env: Env): Promise<number> {
  const { client, server } = socketPair(env, { ...LIMITS, own: false });
  const { promise, resolve } = Promise.withResolvers<number>();
  const chunk = new Uint8Array(8 * 2 ** 20);
  let received = 0;
  const beganMs = env.clock.monotonic();
  link(env, server, (_lane, records) => {
    received += records.length;
    const seconds = (env.clock.monotonic() - beganMs) / 1_000;
    if (received === CHUNKS) resolve(CHUNKS * chunk.length / 1e6 / seconds);
    else next();
  });
  const near = link(env, client, () => {});
  const next = (): void => {
    near.push("bulk", packRecord({ v: 1, type: "bench.sink/chunk", to: "sink", body: chunk }));
  };
  for (let count = 0; count < 3; count += 1) next();
  return promise.finally(() => near.destroy());
}

/** Measures links over memory. */
export async function bench(report: Report): Promise<void> {
  const env = realEnv({ log: { write: () => {} } });
  const figures = { oneWay: [], withCredit: [], p50: [], p99: [], bulk: [] } as Record<
    string,
    number[]
  >;
  for (let run = 0; run < RUNS; run += 1) {
    figures["oneWay"]!.push(await oneWay(env));
    figures["withCredit"]!.push(await withCredit(env));
    const times = await roundTrips(env);
    figures["p50"]!.push(times[Math.floor(ASKS * 0.5)]! * 1_000);
    figures["p99"]!.push(times[Math.floor(ASKS * 0.99)]! * 1_000);
    figures["bulk"]!.push(await bulk(env));
  }
  const figure = (measure: string, unit: string, values: readonly number[]): void =>
    report({ bench: "link", measure, unit, values });
  figure("small records one way", "msg/s", figures["oneWay"]!);
  figure("small records with credit", "msg/s", figures["withCredit"]!);
  figure("ask round trip p50", "us", figures["p50"]!);
  figure("ask round trip p99", "us", figures["p99"]!);
  figure("bulk in 8 MiB chunks", "MB/s", figures["bulk"]!);
  env.close();
}
