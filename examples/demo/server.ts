/**
 * The demo's origin: HTTP on loopback with ETag and ranges, as fast as a good line, and one connection
 * that breaks.
 */

import { bytesOf, FILES } from "./files.ts";

/** What the server saw of one file. */
export interface Traffic {
  sentBytes: number;
  connectionsCut: number;
}

/** How it behaves. */
export interface ServerOptions {
  /** The first connection for this path ends after so many bytes. */
  readonly cut: { readonly path: string; readonly afterBytes: number };
  /** Of each connection. */
  readonly bytesPerSecond: number;
}

/** Serves until it is shut down. */
export function startServer({ cut, bytesPerSecond }: ServerOptions) {
  const traffic = new Map<string, Traffic>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const path = new URL(request.url).pathname;
    const size = FILES.get(path);
    if (size === undefined) return new Response(null, { status: 404 });
    const seen = traffic.getOrInsert(path, { sentBytes: 0, connectionsCut: 0 });
    const start = startOf(request);
    const headers = new Headers({
      "Accept-Ranges": "bytes",
      "Content-Length": String(size - start),
      ETag: `"${path}-${size}"`,
    });
    if (start > 0) headers.set("Content-Range", `bytes ${start}-${size - 1}/${size}`);
    if (request.method === "HEAD") return new Response(null, { headers });
    const breaks = path === cut.path && seen.connectionsCut === 0;
    const breakAt = breaks ? cut.afterBytes : Infinity;
    const body = paced(bytesOf(path, start, size), { seen, breakAt, bytesPerSecond });
    return new Response(body, { status: start > 0 ? 206 : 200, headers });
  });
  return { origin: `http://127.0.0.1:${server.addr.port}`, traffic, stop: () => server.shutdown() };
}

/** Of `Range: bytes=START-`; the files never change, so If-Range always holds. */
function startOf(request: Request): number {
  return Number(/^bytes=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
}

function paced(
  parts: Iterator<Uint8Array>,
  { seen, breakAt, bytesPerSecond }: {
    readonly seen: Traffic;
    readonly breakAt: number;
    readonly bytesPerSecond: number;
  },
): ReadableStream<Uint8Array> {
  const startedMs = performance.now();
  let sentBytes = 0;
  return new ReadableStream({
    async pull(controller) {
      const earlyMs = startedMs + sentBytes / bytesPerSecond * 1_000 - performance.now();
      if (earlyMs > 0) await new Promise((resolve) => setTimeout(resolve, earlyMs));
      if (sentBytes >= breakAt) {
        seen.connectionsCut += 1;
        return controller.close(); // Short of the length it announced: the connection breaks.
      }
      const { value, done } = parts.next();
      if (done) return controller.close();
      sentBytes += value.length;
      seen.sentBytes += value.length;
      controller.enqueue(value);
    },
  });
}
