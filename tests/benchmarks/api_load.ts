/**
 * Questions at a rate of their own, whatever the server does with them: from many connections, each asked
 * in turn. An answer's latency counts from the moment at which its question was due, so that what waits
 * behind a slow answer is not left out.
 */

/** What was measured; latencies in ms. */
export interface OpenLoad {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How late questions left this process at the 99th percentile: its own share of the latency. */
  readonly lateP99Ms: number;
}

/** How a server is asked. */
export interface OpenLoadOptions {
  readonly url: string;
  readonly paths: readonly string[];
  readonly key: string;
  readonly connections: number;
  readonly perSecond: number;
  readonly seconds: number;
}

/** Not counted, at the beginning. */
const WARM_MS = 1_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** Asks for so many seconds; an Error where an answer is no 200. */
export async function openLoad(options: OpenLoadOptions): Promise<OpenLoad> {
  const { url, connections, perSecond, seconds } = options;
  const { hostname, port } = new URL(url);
  const clients = await Promise.all(Array.from({ length: connections }, async (_, at) => {
    const connection = await Deno.connect({ hostname, port: Number(port) });
    return new Client(connection, at, options);
  }));
  const startMs = performance.now();
  const fromMs = startMs + WARM_MS;
  const endMs = fromMs + seconds * 1_000;
  let due = 0;
  for (let nowMs = startMs; nowMs < endMs; nowMs = performance.now()) {
    for (; startMs + due * 1_000 / perSecond <= nowMs; due += 1) {
      clients[due % connections]!.ask(startMs + due * 1_000 / perSecond);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await Promise.all(clients.map((client) => client.end()));
  const answers = clients.flatMap(({ answers }) => answers).filter(({ dueMs }) => dueMs >= fromMs);
  const latencies = answers.map(({ dueMs, endedMs }) => endedMs - dueMs).sort(byValue);
  const late = answers.map(({ dueMs, sentMs }) => sentMs - dueMs).sort(byValue);
  return {
    perSecond: answers.filter(({ endedMs }) => endedMs <= endMs).length / seconds,
    p50Ms: at(latencies, 0.5),
    p99Ms: at(latencies, 0.99),
    maxMs: at(latencies, 1),
    lateP99Ms: at(late, 0.99),
  };
}

interface Answer {
  readonly dueMs: number;
  readonly sentMs: number;
  readonly endedMs: number;
}

/** One connection; what is due while an answer is awaited is asked after it. */
class Client {
  readonly answers: Answer[] = [];
  readonly #connection: Deno.TcpConn;
  readonly #requests: readonly Uint8Array[];
  readonly #due: number[] = [];
  readonly #into = new Uint8Array(16 * 1_024);
  #next: number;
  #asking: Promise<void> | null = null;

  constructor(connection: Deno.TcpConn, index: number, { url, paths, key }: OpenLoadOptions) {
    this.#connection = connection;
    const { host } = new URL(url);
    this.#requests = paths.map((path) =>
      encoder.encode(
        `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\n\r\n`,
      )
    );
    this.#next = index;
  }

  ask(dueMs: number): void {
    this.#due.push(dueMs);
    this.#asking ??= this.#work().finally(() => this.#asking = null);
  }

  async end(): Promise<void> {
    await this.#asking;
    this.#connection.close();
  }

  async #work(): Promise<void> {
    for (let dueMs = this.#due.shift(); dueMs !== undefined; dueMs = this.#due.shift()) {
      const sentMs = performance.now();
      await this.#connection.write(this.#requests[this.#next++ % this.#requests.length]!);
      await this.#answered();
      this.answers.push({ dueMs, sentMs, endedMs: performance.now() });
    }
  }

  async #answered(): Promise<void> {
    let length = 0;
    for (;;) {
      const read = await this.#connection.read(this.#into.subarray(length));
      if (read === null) throw new Error("ask the gateway: it has closed the connection");
      length += read;
      const text = decoder.decode(this.#into.subarray(0, length));
      const headEnd = text.indexOf("\r\n\r\n");
      if (headEnd < 0) continue;
      const bytes = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
      if (length < headEnd + 4 + bytes) continue;
      if (text.startsWith("HTTP/1.1 200")) return;
      throw new Error(`ask the gateway: ${text.slice(0, 200)}`);
    }
  }
}

function byValue(a: number, b: number): number {
  return a - b;
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
}
