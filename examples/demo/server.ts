/** The demo's origin: HTTP on loopback with ETag and ranges, and one connection that breaks. */

import { bytesOf, FILES } from "./files.ts";

/** What the server saw of one file. */
export interface Traffic {
  /** Where the last request began to read: what came before had been kept. */
  keptBytes: number;
  sentBytes: number;
  connectionsCut: number;
  firstMs: number;
  lastMs: number;
}

/** Serves until it is shut down; `cut` ends the first connection for that path after so many bytes. */
export function startServer(cut: { path: string; afterBytes: number }) {
  const traffic = new Map<string, Traffic>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const path = new URL(request.url).pathname;
    const size = FILES.get(path);
    if (size === undefined) return new Response(null, { status: 404 });
    const seen = trafficOf(traffic, path);
    const start = startOf(request);
    const breaks = path === cut.path && seen.connectionsCut === 0;
    const headers = new Headers({
      "Accept-Ranges": "bytes",
      "Content-Length": String(size - start),
      ETag: `"${path}-${size}"`,
    });
    if (start > 0) headers.set("Content-Range", `bytes ${start}-${size - 1}/${size}`);
    if (request.method === "HEAD") return new Response(null, { headers });
    seen.keptBytes = start;
    const body = bodyOf(path, start, size, seen, breaks ? cut.afterBytes : Infinity);
    return new Response(body, { status: start > 0 ? 206 : 200, headers });
  });
  return { origin: `http://127.0.0.1:${server.addr.port}`, traffic, stop: () => server.shutdown() };
}

function trafficOf(traffic: Map<string, Traffic>, path: string): Traffic {
  const nowMs = performance.now();
  const none = { keptBytes: 0, sentBytes: 0, connectionsCut: 0, firstMs: nowMs, lastMs: nowMs };
  return traffic.getOrInsert(path, none);
}

/** Of `Range: bytes=START-`; the files never change, so If-Range always holds. */
function startOf(request: Request): number {
  return Number(/^bytes=(\d+)-/.exec(request.headers.get("range") ?? "")?.[1] ?? 0);
}

function bodyOf(
  path: string,
  start: number,
  end: number,
  seen: Traffic,
  breakAt: number,
): ReadableStream<Uint8Array> {
  const parts = bytesOf(path, start, end);
  return new ReadableStream({
    pull(controller) {
      if (seen.sentBytes >= breakAt) {
        seen.connectionsCut += 1;
        return controller.close(); // Short of the length it announced: the connection breaks.
      }
      const { value, done } = parts.next();
      if (done) return controller.close();
      seen.sentBytes += value.length;
      seen.lastMs = performance.now();
      controller.enqueue(value);
    },
  });
}
