/** Many HTTP clients of one server, each on a connection of its own: asks, waits for the answer, asks again. */

/** What was measured. */
export interface LoadResult {
  readonly perSecond: number;
  /** Of all answers, in ms. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** How a server is asked. */
export interface LoadOptions {
  readonly url: string;
  readonly path: string;
  readonly key: string;
  readonly clients: number;
  readonly seconds: number;
}

/** Asks for so many seconds; the first second of it is not counted. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const { url, path, key, clients, seconds } = options;
  const { hostname, port, host } = new URL(url);
  const head = `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${key}\r\n\r\n`;
  const request = new TextEncoder().encode(head);
  const connections = await Promise.all(
    Array.from({ length: clients }, () => Deno.connect({ hostname, port: Number(port) })),
  );
  const fromMs = performance.now() + 1_000;
  const endMs = fromMs + seconds * 1_000;
  const latencies: number[] = [];
  let errors = 0;
  await Promise.all(connections.map(async (connection) => {
    const into = new Uint8Array(16 * 1_024);
    while (performance.now() < endMs) {
      const askedMs = performance.now();
      await connection.write(request);
      if (!await answered(connection, into)) errors += 1;
      if (askedMs >= fromMs) latencies.push(performance.now() - askedMs);
    }
    connection.close();
  }));
  latencies.sort((a, b) => a - b);
  const at = (part: number) => latencies[Math.floor((latencies.length - 1) * part)] ?? NaN;
  return { perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), errors };
}

const decoder = new TextDecoder("latin1");

/** Reads one answer; whether it was a 200. */
async function answered(connection: Deno.Conn, into: Uint8Array): Promise<boolean> {
  let length = 0;
  for (;;) {
    const read = await connection.read(into.subarray(length));
    if (read === null) throw new Error("ask the gateway: it has closed the connection");
    length += read;
    const text = decoder.decode(into.subarray(0, length));
    const headEnd = text.indexOf("\r\n\r\n");
    if (headEnd < 0) continue;
    const bytes = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0);
    if (length >= headEnd + 4 + bytes) return text.startsWith("HTTP/1.1 200");
  }
}
