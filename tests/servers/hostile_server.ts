/** A server that misbehaves by path: `/truncates`, `/stalls-in-headers`, ...; see {@link HOSTILE}. */

import {
  type Connection,
  type Handler,
  type RawServer,
  type RequestHead,
  serveRaw,
} from "./http_connection.ts";
import { bytesOf, generatedFile } from "./pattern.ts";

/** The bytes that every path would serve if it were honest. */
export const HOSTILE_FILE = generatedFile(200_000, 7, { etag: '"v1"' });

/** A running hostile server. */
export interface HostileServer {
  readonly port: number;
  readonly origin: string;
  /** Requests so far, in order. */
  readonly requests: readonly RequestHead[];
  close(): Promise<void>;
}

/** What a hostile server is told of its surroundings. */
export interface HostileOptions {
  /** Where `/redirects-elsewhere` leads, path included. */
  readonly elsewhere?: string;
  /** PEM texts: serves https. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

type Behaviour = (visit: Visit) => Promise<"keep" | "close">;

interface Visit {
  readonly request: RequestHead;
  readonly connection: Connection;
  readonly options: HostileOptions;
  /** How often this path was asked for before. */
  readonly earlier: number;
}

const SIZE = HOSTILE_FILE.size;
const HALF = SIZE / 2;

function answer(status: string, headers: Readonly<Record<string, string | number>>): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${fields.join("")}\r\n`;
}

/** Sends a head and some of the file, and ends the connection. */
async function send(
  { connection }: Visit,
  status: string,
  headers: Readonly<Record<string, string | number>>,
  start = 0,
  end = 0,
): Promise<"close"> {
  await connection.write(answer(status, headers));
  if (end > start) await connection.write(bytesOf(HOSTILE_FILE, start, end));
  return "close";
}

const WHOLE = { "Content-Length": SIZE, ETag: '"v1"', "Accept-Ranges": "bytes" };

function redirect(visit: Visit, location: string): Promise<"close"> {
  return send(visit, "302 Found", { Location: location, "Content-Length": 0 });
}

/** 206 with this `Content-Range`, whatever was asked. */
function part(visit: Visit, contentRange: string, length: number, etag = '"v1"') {
  const headers = { "Content-Range": contentRange, "Content-Length": length, ETag: etag };
  return send(visit, "206 Partial Content", headers, 0, length);
}

async function stall(visit: Visit, before: string): Promise<"close"> {
  await visit.connection.write(before);
  await visit.connection.gone();
  return "close";
}

async function endlessHeaders({ connection }: Visit): Promise<"close"> {
  await connection.write("HTTP/1.1 200 OK\r\n");
  const line = `X-Filler: ${"x".repeat(8_000)}\r\n`;
  for (let sent = 0; sent < 64 * 2 ** 20; sent += line.length) await connection.write(line);
  return "close";
}

async function slowDrip({ connection }: Visit): Promise<"close"> {
  await connection.write(answer("200 OK", { "Content-Length": 10 }));
  for (const byte of bytesOf(HOSTILE_FILE, 0, 10)) {
    await connection.write(Uint8Array.of(byte));
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return "close";
}

async function cutsChunks(visit: Visit, last: string): Promise<"close"> {
  await visit.connection.write(answer("200 OK", { "Transfer-Encoding": "chunked" }));
  await visit.connection.write(`5\r\nhello\r\n${last}`);
  return "close";
}

/** Every kind of misbehaviour, by path. */
export const HOSTILE: Readonly<Record<string, Behaviour>> = {
  "/truncates": (visit) => send(visit, "200 OK", WHOLE, 0, HALF),
  "/truncates-chunks": (visit) => cutsChunks(visit, ""),
  "/truncates-in-chunk": (visit) => cutsChunks(visit, "9\r\nhel"),
  "/chunked": (visit) => cutsChunks(visit, "0\r\n\r\n"),
  "/sends-more": (visit) =>
    send(visit, "200 OK", { ...WHOLE, "Content-Length": SIZE - 1 }, 0, SIZE),
  "/part-sends-more": async (visit) => {
    const headers = { "Content-Range": `bytes 10-19/${SIZE}`, "Transfer-Encoding": "chunked" };
    await visit.connection.write(answer("206 Partial Content", headers));
    await visit.connection.write("b\r\nhello hello\r\n0\r\n\r\n");
    return "close";
  },
  "/wrong-length": (visit) =>
    send(
      visit,
      "206 Partial Content",
      {
        "Content-Range": `bytes 10-19/${SIZE}`,
        "Content-Length": 11,
      },
      0,
      11,
    ),
  "/wrong-range-start": (visit) => part(visit, `bytes 0-9/${SIZE}`, 10),
  "/wrong-range-end": (visit) => part(visit, `bytes 10-14/${SIZE}`, 5),
  "/wrong-range-syntax": (visit) => part(visit, "lines 10-19", 10),
  "/two-lengths": (visit) =>
    visit.connection.write(
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    ).then(() => "close"),
  "/part-unasked": (visit) => part(visit, `bytes 0-9/${SIZE}`, 10),
  "/refuses-ranges": (visit) => send(visit, "200 OK", WHOLE, 0, SIZE),
  "/changed-etag": (visit) => part(visit, `bytes 10-19/${SIZE}`, 10, '"v2"'),
  "/changed-size": (visit) => part(visit, `bytes 10-19/${SIZE + 1}`, 10),
  "/changed-whole": (visit) => send(visit, "200 OK", { ...WHOLE, ETag: '"v2"' }, 0, SIZE),
  "/changed-unsatisfiable": (visit) =>
    send(visit, "416 Range Not Satisfiable", {
      "Content-Range": "bytes */5",
      "Content-Length": 0,
    }),
  "/unsatisfiable": (visit) => send(visit, "416 Range Not Satisfiable", { "Content-Length": 0 }),
  "/stalls-in-headers": (visit) => stall(visit, "HTTP/1.1 200 OK\r\nETag: "),
  "/stalls-at-once": (visit) => stall(visit, ""),
  "/stalls-in-body": (visit) => stall(visit, answer("200 OK", WHOLE) + "some bytes"),
  "/drips": slowDrip,
  "/endless-headers": endlessHeaders,
  "/garbage": (visit) => visit.connection.write("SSH-2.0-OpenSSH_9.2\r\n").then(() => "close"),
  "/closes": () => Promise.resolve("close"),
  "/gzip": (visit) =>
    send(visit, "200 OK", { "Content-Encoding": "gzip", "Content-Length": 20 }, 0, 20),
  "/redirects-to-itself": (visit) => redirect(visit, visit.request.target),
  "/redirects-in-a-circle": (visit) => redirect(visit, "/redirects-back"),
  "/redirects-back": (visit) => redirect(visit, "/redirects-in-a-circle"),
  "/redirects-forever": (visit) => redirect(visit, `/redirects-forever?n=${visit.earlier}`),
  "/redirects-to-file": (visit) => redirect(visit, "file:///etc/passwd"),
  "/redirects-with-user": (visit) => redirect(visit, "http://user:secret@127.0.0.1/x"),
  "/redirects-nowhere": (visit) => send(visit, "302 Found", { "Content-Length": 0 }),
  "/redirects-elsewhere": (visit) => redirect(visit, visit.options.elsewhere ?? "/honest"),
  "/redirects-here": (visit) => redirect(visit, "/honest"),
  "/busy-seconds": (visit) => busy(visit, "7"),
  "/busy-forever": (visit) => busy(visit, "99999999999999999999"),
  "/busy-date": (visit) => busy(visit, "Sun, 06 Nov 1994 08:49:50 GMT"),
  "/maintenance": (visit) =>
    send(visit, "503 Service Unavailable", { "Retry-After": "3", "Content-Length": 0 }),
  "/error-body-stalls": (visit) => stall(visit, answer("404 Not Found", { "Content-Length": 50 })),
  "/honest": (visit) => send(visit, "200 OK", WHOLE, 0, SIZE),
};

function busy(visit: Visit, retryAfter: string): Promise<"close"> {
  return send(visit, "429 Too Many Requests", {
    "Retry-After": retryAfter,
    Date: "Sun, 06 Nov 1994 08:49:37 GMT",
    "Content-Length": 0,
  });
}

/** `/status/NNN` answers with that status and no body; any other path that is unknown is a 404. */
function behaviourFor(path: string): Behaviour {
  const status = /^\/status\/(\d{3})$/.exec(path)?.[1] ?? "404";
  return HOSTILE[path] ??
    ((visit) => send(visit, `${status} Status`, { "Content-Length": 0 }));
}

/** Starts a hostile server on a free port of the loopback interface. */
export function startHostileServer(options: HostileOptions = {}): HostileServer {
  const address = { hostname: "127.0.0.1", port: 0 };
  const listener = options.tls === undefined
    ? Deno.listen(address)
    : Deno.listenTls({ ...address, ...options.tls });
  const requests: RequestHead[] = [];
  const handle: Handler = (request, connection) => {
    const earlier = requests.filter(({ path }) => path === request.path).length;
    requests.push(request);
    return behaviourFor(request.path)({ request, connection, options, earlier });
  };
  const server: RawServer = serveRaw(listener, handle);
  const scheme = options.tls === undefined ? "http" : "https";
  return {
    port: server.port,
    origin: `${scheme}://127.0.0.1:${server.port}`,
    requests,
    close: server.close,
  };
}
