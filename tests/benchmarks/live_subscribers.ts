/** The subscribers of `bench live`, in several processes, as their driver sees them. */

import { once } from "node:events";
import process from "node:process";
import { createInterface } from "node:readline";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { Latencies, type LatencyCounts } from "./latencies.ts";

/** Sockets that a process may have beside those of its streams. */
const SPARE_FILES = 256;

/** What one that read nothing for a while has found then. */
export interface SlowAccount {
  readonly got: number;
  readonly missed: number;
}

/** How they are started. */
export interface SubscriberOptions {
  readonly url: string;
  readonly kind: "live" | "events";
  readonly count: number;
  readonly processes: number;
  /** Others that read nothing before they are told to. */
  readonly slow: number;
}

/** One process. */
interface Part {
  readonly child: ChildProcessWithoutNullStreams;
  readonly lines: AsyncIterator<string>;
  /** Its subscribers are those from here on. */
  readonly from: number;
  readonly count: number;
  readonly opened: number;
}

/** See the file's comment. */
export class Subscribers {
  readonly slow: number;
  lost = 0;
  readonly #parts: readonly Part[];

  private constructor(parts: readonly Part[], slow: number) {
    this.#parts = parts;
    this.slow = slow;
  }

  /** Starts all processes, one after the other: each with as many files as the system lets it have. */
  static async start(options: SubscriberOptions): Promise<Subscribers> {
    demandFiles(options);
    const { count, processes } = options;
    const each = Math.ceil(count / processes);
    const parts: Part[] = [];
    let slow = 0;
    for (let from = 0; from < count; from += each) {
      const own = { from, count: Math.min(each, count - from) };
      const isLast = from + each >= count;
      const { sleepers, ...part } = await startPart(options, own, isLast ? options.slow : 0);
      parts.push(part);
      slow += sleepers;
    }
    return new Subscribers(parts, slow);
  }

  /** Streams that are open and read. */
  get count(): number {
    return this.#parts.reduce((sum, { opened }) => sum + opened, 0);
  }

  /** An event to everybody. */
  toAll(events: number): Promise<Latencies> {
    return this.#arrived(({ opened }) => events * opened);
  }

  /** Events `first` and following, each to one of all, in turn. */
  toEach(first: number, events: number): Promise<Latencies> {
    const count = this.#parts.reduce((sum, part) => sum + part.count, 0);
    return this.#arrived(({ from, count: own }) => {
      let expected = 0;
      for (let at = first; at < first + events; at += 1) {
        const index = at % count;
        if (index >= from && index < from + own) expected += 1;
      }
      return expected;
    });
  }

  /** The slow ones read now. */
  async read(): Promise<readonly SlowAccount[]> {
    const part = this.#parts.at(-1)!;
    part.child.stdin.write("read\n");
    return JSON.parse((await part.lines.next()).value ?? "[]");
  }

  async stop(): Promise<void> {
    for (const { child } of this.#parts) {
      child.kill();
      await once(child, "exit");
    }
  }

  /** Once all have come; `lost` counts those that never did. */
  async #arrived(expected: (part: Part) => number): Promise<Latencies> {
    const all = new Latencies();
    await Promise.all(this.#parts.map(async (part) => {
      const deliveries = expected(part);
      if (deliveries === 0) return;
      part.child.stdin.write(`expect ${deliveries}\n`);
      const counts: LatencyCounts = JSON.parse((await part.lines.next()).value ?? "[]");
      const came = counts.reduce((sum, [, times]) => sum + times, 0);
      this.lost += Math.max(0, deliveries - came);
      all.merge(counts);
    }));
    return all;
  }
}

async function startPart(
  { url, kind }: SubscriberOptions,
  { from, count }: Pick<Part, "from" | "count">,
  slow: number,
): Promise<Part & { readonly sleepers: number }> {
  const file = new URL("./live_clients.ts", import.meta.url).pathname;
  const args = [url, kind, from, count, slow].map(String);
  const child = spawn(Deno.execPath(), ["run", "-A", "--no-check", file, ...args]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const [opened = 0, sleepers = 0] = String((await lines.next()).value ?? "").split(" ").map(
    Number,
  );
  return { child, lines, from, count, opened, sleepers };
}

/** Deno raises its own soft limit; nobody but the system raises the hard one. */
function demandFiles({ count, slow }: SubscriberOptions): void {
  const most = Number(
    /^Max open files +\S+ +(\d+)/m.exec(Deno.readTextFileSync("/proc/self/limits"))?.[1] ??
      Infinity,
  );
  const needed = count + slow + SPARE_FILES;
  if (most >= needed) return;
  throw new Error(
    `open ${count} streams: a process may have ${most} files open, and ${needed} are needed; ` +
      `raise the hard limit (ulimit -Hn) first`,
  );
}
