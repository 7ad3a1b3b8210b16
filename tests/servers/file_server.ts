/**
 * A well-behaved HTTP/1.1 file server with faults to order: ETag, Last-Modified, single ranges,
 * If-Range, HEAD, keep-alive; throttled, cut or refusing where a test says so; every byte counted.
 */

import { type Connection, type Handler, type RequestHead, serveRaw } from "./http_connection.ts";
import { type ServedFile, sha256Of } from "./pattern.ts";

/** How files are served. */
export interface Serving {
  /** `false`: every GET answers 200 with the whole file, and `Accept-Ranges: none`. */
  readonly ranges?: boolean;
  /** `false`: HEAD answers 405. */
  readonly head?: boolean;
  /** `false`: bodies are chunked, no length is announced. */
  readonly announceLength?: boolean;
  /** `true`: sends `Repr-Digest` with the file's SHA-256 (which is computed for each request). */
  readonly digest?: boolean;
  /** Body bytes per second and connection. */
  readonly throttleBytesPerSecond?: number;
  /** Sends that many body bytes and then nothing, the connection left open. */
  readonly stallAfterBytes?: number;
}

/** How a server behaves for all its files. */
export interface FileServerOptions extends Serving {
  /** By decoded path, e.g. `/a b.bin`; or a function, for very many files. */
  readonly files: ReadonlyMap<string, ServedFile> | ((path: string) => ServedFile | null);
  /** PEM texts: serves https. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly hostname?: string;
  readonly port?: number;
}

/** A running file server. */
export interface FileServer {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string;
  /** The URL of a decoded path, every odd character encoded. */
  url(path: string): string;
  /** Adds or replaces a file from the next request on. */
  put(path: string, file: ServedFile): void;
  remove(path: string): void;
  /** What is served at `path` now. */
  file(path: string): ServedFile | null;
  /** Serves this path otherwise than the rest, from the next request on. */
  serve(path: string, serving: Serving): void;
  /** Cuts the connection after that many body bytes of a response for `path`, `times` times. */
  cut(path: string, afterBytes: number, times?: number): void;
  /** Answers the next `times` requests for `path` with this status and no body. */
  refuse(
    path: string,
    status: number,
    headers?: Readonly<Record<string, string>>,
    times?: number,
  ): void;
  /** Body bytes sent for `path`, or in all. */
  bytesServed(path?: string): number;
  /** Requests that came for `path`, or all, in order. */
  requests(path?: string): readonly RequestHead[];
  /** Connections accepted so far. */
  connections(): number;
  close(): Promise<void>;
}

interface Cut {
  readonly afterBytes: number;
  left: number;
}

interface Refusal {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  left: number;
}

interface State {
  readonly options: FileServerOptions;
  readonly added: Map<string, ServedFile | null>;
  readonly servings: Map<string, Serving>;
  readonly cuts: Map<string, Cut>;
  readonly refusals: Map<string, Refusal>;
  readonly served: Map<string, number>;
  readonly requests: RequestHead[];
}

/** Starts a server on a free port (unless `port` is given) of the loopback interface. */
export function startFileServer(options: FileServerOptions): FileServer {
  const { hostname = "127.0.0.1", port = 0, tls } = options;
  const listener = tls === undefined
    ? Deno.listen({ hostname, port })
    : Deno.listenTls({ hostname, port, ...tls });
  const state: State = {
    options,
    added: new Map(),
    servings: new Map(),
    cuts: new Map(),
    refusals: new Map(),
    served: new Map(),
    requests: [],
  };
  const server = serveRaw(listener, handler(state));
  const origin = `${tls === undefined ? "http" : "https"}://${hostname}:${server.port}`;
  return {
    port: server.port,
    origin,
    url: (path) => origin + path.split("/").map(encodeURIComponent).join("/"),
    put: (path, file) => void state.added.set(path, file),
    file: (path) => lookUp(state, path),
    remove: (path) => void state.added.set(path, null),
    serve: (path, serving) => void state.servings.set(path, serving),
    cut: (path, afterBytes, times = 1) => void state.cuts.set(path, { afterBytes, left: times }),
    refuse: (path, status, headers = {}, times = 1) =>
      void state.refusals.set(path, { status, headers, left: times }),
    bytesServed: (path) =>
      path === undefined
        ? [...state.served.values()].reduce((sum, count) => sum + count, 0)
        : state.served.get(path) ?? 0,
    requests: (path) =>
      path === undefined
        ? state.requests
        : state.requests.filter((request) => request.path === path),
    connections: server.accepted,
    close: server.close,
  };
}

function handler(state: State): Handler {
  return async (request, connection) => {
    state.requests.push(request);
    const refusal = state.refusals.get(request.path);
    if (refusal !== undefined && refusal.left > 0) {
      refusal.left -= 1;
      await connection.write(head(refusal.status, { ...refusal.headers, "Content-Length": "0" }));
      return "keep";
    }
    const file = lookUp(state, request.path);
    const serving = { ...state.options, ...state.servings.get(request.path) };
    if (request.method !== "GET" && (request.method !== "HEAD" || serving.head === false)) {
      await connection.write(head(405, { Allow: "GET", "Content-Length": "0" }));
      return "keep";
    }
    if (file === null) {
      await connection.write(head(404, { "Content-Length": "0" }));
      return "keep";
    }
    return await answer({ state, file, request, connection, serving });
  };
}

function lookUp(state: State, path: string): ServedFile | null {
  const added = state.added.get(path);
  if (added !== undefined) return added;
  const { files } = state.options;
  return typeof files === "function" ? files(path) : files.get(path) ?? null;
}

interface Visit {
  readonly state: State;
  readonly file: ServedFile;
  readonly request: RequestHead;
  readonly connection: Connection;
  readonly serving: Serving;
}

async function answer(visit: Visit): Promise<"keep" | "close"> {
  const { file, request, connection, serving } = visit;
  const headers = factHeaders(file, serving);
  const range = serving.ranges === false ? null : requestedRange(file, request);
  if (range === "unsatisfiable") {
    const empty = { "Content-Range": `bytes */${file.size}`, "Content-Length": "0" };
    await connection.write(head(416, empty));
    return "keep";
  }
  const { start, end } = range ?? { start: 0, end: file.size };
  if (range !== null) headers["Content-Range"] = `bytes ${start}-${end - 1}/${file.size}`;
  if (serving.announceLength === false) headers["Transfer-Encoding"] = "chunked";
  else headers["Content-Length"] = String(end - start);
  await connection.write(head(range === null ? 200 : 206, headers));
  if (request.method === "HEAD") return "keep";
  return await sendBody(visit, start, end);
}

function factHeaders(file: ServedFile, options: Serving): Record<string, string> {
  const headers: Record<string, string> = {
    "Accept-Ranges": options.ranges === false ? "none" : "bytes",
  };
  if (file.etag !== null) headers.ETag = file.etag;
  if (file.mtimeMs !== null) headers["Last-Modified"] = new Date(file.mtimeMs).toUTCString();
  if (options.digest === true) {
    const base64 = btoa(String.fromCharCode(...Uint8Array.fromHex(sha256Of(file))));
    headers["Repr-Digest"] = `sha-256=:${base64}:`;
  }
  return headers;
}

function requestedRange(
  file: ServedFile,
  request: RequestHead,
): { start: number; end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (match === null || request.method !== "GET") return null;
  const condition = request.headers.get("if-range");
  const date = file.mtimeMs === null ? null : new Date(file.mtimeMs).toUTCString();
  if (condition !== undefined && condition !== file.etag && condition !== date) return null;
  const [, first, last] = match;
  const start = first === "" ? Math.max(0, file.size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? file.size : Math.min(file.size, Number(last) + 1);
  return start >= file.size || end <= start ? "unsatisfiable" : { start, end };
}

function head(status: number, headers: Readonly<Record<string, string>>): string {
  const fields = Object.entries({ Date: new Date().toUTCString(), ...headers });
  return `HTTP/1.1 ${status} Status\r\n` +
    fields.map(([name, value]) => `${name}: ${value}\r\n`).join("") + "\r\n";
}

const SEND_BYTES = 262_144;
const THROTTLE_STEP_MS = 50;

function stepBytes(rate: number | undefined): number {
  if (rate === undefined) return SEND_BYTES;
  return Math.min(SEND_BYTES, Math.max(1, Math.floor(rate * THROTTLE_STEP_MS / 1_000)));
}

async function sendBody(visit: Visit, start: number, end: number): Promise<"keep" | "close"> {
  const { state: { served }, file, request: { path }, connection, serving } = visit;
  const chunked = serving.announceLength === false;
  const rate = serving.throttleBytesPerSecond;
  const step = stepBytes(rate);
  const stall = start + (serving.stallAfterBytes ?? Infinity);
  const stop = Math.min(stall, cutPosition(visit.state, path, start, end));
  const buffer = new Uint8Array(Math.min(step, Math.max(1, stop - start)));
  for (let at = start; at < stop; at += step) {
    const part = buffer.subarray(0, Math.min(step, stop - at));
    file.fill(part, at);
    if (chunked) await connection.write(part.length.toString(16) + "\r\n");
    await connection.write(part);
    if (chunked) await connection.write("\r\n");
    served.set(path, (served.get(path) ?? 0) + part.length);
    if (rate !== undefined && at + step < stop) await delay(part.length / rate * 1_000);
  }
  if (stop < end) {
    if (stop === stall) await connection.gone();
    return "close";
  }
  if (chunked) await connection.write("0\r\n\r\n");
  return "keep";
}

function cutPosition(state: State, path: string, start: number, end: number): number {
  const cut = state.cuts.get(path);
  if (cut === undefined || cut.left <= 0 || start + cut.afterBytes >= end) return end;
  cut.left -= 1;
  return start + cut.afterBytes;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
