/** The durable log of a Raft member: persists of 256 B a second, by how many wait at once, on a real disk. */

import { MIB } from "../../runtime/base/units.ts";
import type { Env } from "../../runtime/env/env.ts";
import { realEnv } from "../../runtime/env/real.ts";
import type { Entry } from "../../runtime/raft/core/entry.ts";
import { raftLimits } from "../../runtime/raft/limits.ts";
import type { RaftLogStore } from "../../runtime/raft/storage.ts";
import {
  decodeEntries,
  encodeEntries,
  ENTRY_HEAD_BYTES,
} from "../../runtime/raft/wal/entry_codec.ts";
import { openRaftLog } from "../../runtime/raft/wal/open.ts";
import type { Report } from "./report.ts";

const BENCH = "raft-log";
const RUNS = 5;
const RUN_MS = 600;
const ENTRY_BYTES = 256;
const BARE_FILE_BYTES = 16 * MIB;

/** What the measurements of FACTS.md came to, at their lowest. */
const AIMS: ReadonlyMap<number, string> = new Map([[1, ">=1400"], [10, ">=11000"], [
  100,
  ">=126000",
], [1_000, ">=500000"]]);

/** Persists one order after the other from `writers` at once; gives orders a second. */
class Writers {
  readonly #log: RaftLogStore;
  readonly #data = new Uint8Array(ENTRY_BYTES).fill(7);
  #index = 0;

  constructor(log: RaftLogStore) {
    this.#log = log;
  }

  async run(writers: number): Promise<number> {
    const beganMs = performance.now();
    const from = this.#index;
    const write = async () => {
      while (performance.now() - beganMs < RUN_MS) {
        this.#index += 1;
        const entry = this.#entry(this.#index);
        const number = this.#index;
        await this.#log.persist({ number, reset: null, entries: [entry], hardState: null });
      }
    };
    await Promise.all(Array.from({ length: writers }, write));
    const rate = (this.#index - from) * 1_000 / (performance.now() - beganMs);
    await this.#log.compact(this.#index - 1);
    return rate;
  }

  #entry(index: number): Entry {
    return { index, term: 1, stampMs: 1_790_000_000_000, kind: "command", data: this.#data };
  }
}

/** The same bytes written and synced by nothing but two calls: what the disk gives at this moment. */
async function bareRate(env: Env, path: string, atOnce: number): Promise<number> {
  const file = await env.disk.open(path, { write: true, create: true });
  const bytes = new Uint8Array(atOnce * (ENTRY_BYTES + ENTRY_HEAD_BYTES));
  await file.write(new Uint8Array(BARE_FILE_BYTES), 0);
  await file.sync();
  const beganMs = performance.now();
  let batches = 0;
  let at = 0;
  for (; performance.now() - beganMs < RUN_MS; batches += 1) {
    if (at + bytes.length > BARE_FILE_BYTES) at = 0;
    await file.write(bytes, at);
    await file.syncData();
    at += bytes.length;
  }
  const rate = batches * atOnce * 1_000 / (performance.now() - beganMs);
  await file.close();
  return rate;
}

/** Encoding and decoding of a block of 100 entries, in entries a second. */
function codecRates(): { encode: number; decode: number } {
  const data = new Uint8Array(ENTRY_BYTES).fill(7);
  const entries = Array.from(
    { length: 100 },
    (_, at): Entry => ({ index: at + 1, term: 3, stampMs: 5, kind: "command", data }),
  );
  const block = encodeEntries(entries);
  const rate = (work: () => void) => {
    const beganMs = performance.now();
    let count = 0;
    for (; performance.now() - beganMs < RUN_MS / 4; count += 1) work();
    return count * entries.length * 1_000 / (performance.now() - beganMs);
  };
  return { encode: rate(() => encodeEntries(entries)), decode: rate(() => decodeEntries(block)) };
}

/** Prints the figures. */
export async function bench(report: Report): Promise<void> {
  const env = realEnv({ log: { write: () => {} } });
  const folder = await Deno.makeTempDir({ dir: Deno.cwd(), prefix: ".bench-raft-log-" });
  const values = new Map([...AIMS.keys()].map((writers) => [writers, [] as number[]]));
  const bare = new Map([...AIMS.keys()].map((writers) => [writers, [] as number[]]));
  const codec = { encode: [] as number[], decode: [] as number[] };
  try {
    const log = await openRaftLog(env, {
      folder,
      identity: { group: "bench", member: "a" },
      limits: raftLimits(),
      first: {
        index: 0,
        term: 0,
        stampMs: 0,
        configuration: { members: [], outgoing: null },
        configurationIndex: 0,
      },
      create: true,
      newest: null,
    });
    const writers = new Writers(log);
    for (let run = 0; run < RUNS; run += 1) {
      for (const [count, rates] of values) {
        rates.push(await writers.run(count));
        bare.get(count)!.push(await bareRate(env, `${folder}/bare`, count));
      }
      const { encode, decode } = codecRates();
      codec.encode.push(encode);
      codec.decode.push(decode);
    }
    await log.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
    env.close();
  }
  for (const [count, rates] of values) {
    const measure = `persist_256B_${count}_at_once`;
    report({ bench: BENCH, measure, unit: "order/s", values: rates, aim: AIMS.get(count)! });
  }
  for (const [count, rates] of bare) {
    report({ bench: BENCH, measure: `bare_disk_${count}_at_once`, unit: "order/s", values: rates });
  }
  for (const [measure, rates] of Object.entries(codec)) {
    report({ bench: BENCH, measure: `${measure}_entries`, unit: "entry/s", values: rates });
  }
}
