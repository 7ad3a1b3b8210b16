/**
 * A bucket of Google's store in this process, written from its public documentation: metadata, media,
 * uploads in one request and in resumable sessions, conditions on generations, listings and rewrites.
 * No emulator of the service exists that could be asked instead.
 */

import { Buffer } from "node:buffer";
import { crc32c, crc32cBase64 } from "../../../protocols/objects/crc32c.ts";

/** An object. */
export interface PaperObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly generation: number;
  readonly created: string;
  metadata: Record<string, string>;
  readonly resource: Record<string, unknown>;
}

/** A resumable session. */
export interface PaperSession {
  readonly name: string;
  readonly condition: string | null;
  readonly resource: Record<string, unknown>;
  bytes: Uint8Array;
  isOver: boolean;
}

/** What a test wants otherwise: an answer instead of the bucket's own, `null` to let it be. */
export type Forge = (
  request: Request,
  url: URL,
  body: Uint8Array,
) => Response | Promise<Response> | null;

/** The bucket `paper`, open to the token `good`. */
export class PaperBucket {
  readonly objects = new Map<string, PaperObject>();
  readonly sessions = new Map<string, PaperSession>();
  readonly requests: string[] = [];
  readonly tokens = new Set(["good"]);
  /** Forms that asked for a token. */
  readonly signIns: URLSearchParams[] = [];
  forge: Forge = () => null;
  pageSize = 1_000;
  /** How much of a chunk is kept at most; then the client sends the rest again. */
  keptBytes = Infinity;
  /** Steps that a rewrite takes. */
  rewriteSteps = 1;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();
  #generation = 1_700_000_000_000_000;
  #rewrites = 0;

  constructor() {
    const options = {
      port: 0,
      hostname: "127.0.0.1",
      onListen: () => {},
      signal: this.#stop.signal,
    };
    this.#server = Deno.serve(options, (request) => this.#answer(request));
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  put(name: string, bytes: Uint8Array, resource: Record<string, unknown> = {}): PaperObject {
    this.#generation += 1;
    const created = new Date(1_770_000_000_000 + this.#generation % 1_000_000 * 1_000);
    const metadata = (resource.metadata ?? {}) as Record<string, string>;
    const object = {
      ...{ bytes: new Uint8Array(bytes), generation: this.#generation, resource },
      ...{ created: created.toISOString(), metadata },
    };
    this.objects.set(name, object);
    return object;
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    const forged = await this.forge(request, url, body);
    if (forged !== null) return forged;
    if (url.pathname === "/token") return this.#token(body);
    const session = this.sessions.get(url.searchParams.get("upload_id") ?? "");
    if (url.searchParams.has("upload_id")) return this.#inSession(request, session, body);
    const told = request.headers.get("authorization")?.replace("Bearer ", "") ?? "";
    if (!this.tokens.has(told)) return failed(401);
    if (url.pathname.startsWith("/upload/storage/v1/b/paper/o")) {
      return this.#upload(request, url, body);
    }
    const rest = /^\/storage\/v1\/b\/paper\/o(?:\/(.*))?$/.exec(url.pathname);
    if (rest === null) return failed(404);
    if (rest[1] === undefined) return this.#list(url.searchParams);
    const [name, to] = rest[1].split("/rewriteTo/b/paper/o/").map(decodeURIComponent);
    if (to !== undefined) return this.#rewrite(name!, to, url.searchParams);
    return this.#object(request, name!, url.searchParams, body);
  }

  #token(body: Uint8Array): Response {
    const form = new URLSearchParams(new TextDecoder().decode(body));
    this.signIns.push(form);
    this.tokens.add(`token-${this.signIns.length}`);
    return Response.json({
      access_token: `token-${this.signIns.length}`,
      expires_in: 3_599,
      token_type: "Bearer",
    });
  }

  #object(
    request: Request,
    name: string,
    query: URLSearchParams,
    body: Uint8Array,
  ): Response {
    const object = this.objects.get(name);
    const wanted = query.get("generation");
    if (object === undefined || (wanted !== null && wanted !== String(object.generation))) {
      return failed(404);
    }
    const condition = query.get("ifGenerationMatch");
    if (condition !== null && condition !== String(object.generation)) return failed(412);
    if (request.method === "DELETE") {
      this.objects.delete(name);
      return new Response(null, { status: 204 });
    }
    if (request.method === "PATCH") {
      const { metadata } = JSON.parse(new TextDecoder().decode(body));
      object.metadata = { ...object.metadata, ...metadata };
    }
    if (query.get("alt") === "media") return media(request, object);
    return Response.json(resourceOf(name, object));
  }

  #upload(request: Request, url: URL, body: Uint8Array): Response {
    const condition = url.searchParams.get("ifGenerationMatch");
    if (url.searchParams.get("uploadType") === "resumable") {
      const resource = JSON.parse(new TextDecoder().decode(body));
      if (this.#isUnmet(resource.name, condition)) return failed(412);
      const id = `session-${this.sessions.size + 1}`;
      const { name } = resource;
      this.sessions.set(id, { name, condition, resource, bytes: new Uint8Array(0), isOver: false });
      const location = `${url.origin}${url.pathname}?uploadType=resumable&upload_id=${id}`;
      return new Response(null, { headers: { location } });
    }
    const boundary = /boundary=(.+)$/.exec(request.headers.get("content-type") ?? "")![1]!;
    const text = Buffer.from(body).toString("latin1");
    const [, head = "", rest = ""] = text.split(`--${boundary}\r\n`);
    const resource = JSON.parse(
      Buffer.from(head.slice(head.indexOf("\r\n\r\n") + 4), "latin1").toString(),
    );
    const foot = `\r\n--${boundary}--\r\n`;
    const content = rest.slice(rest.indexOf("\r\n\r\n") + 4, rest.length - foot.length);
    return this.#make(resource, condition, new Uint8Array(Buffer.from(content, "latin1")));
  }

  #isUnmet(name: string, condition: string | null): boolean {
    return condition !== null && condition !== String(this.objects.get(name)?.generation ?? 0);
  }

  #make(
    resource: Record<string, unknown>,
    condition: string | null,
    bytes: Uint8Array,
  ): Response {
    const name = resource.name as string;
    if (this.#isUnmet(name, condition)) return failed(412);
    if (resource.crc32c !== undefined && resource.crc32c !== crc32cBase64(crc32c(bytes))) {
      return failed(400);
    }
    return Response.json(resourceOf(name, this.put(name, bytes, resource)));
  }

  #inSession(
    request: Request,
    session: PaperSession | undefined,
    body: Uint8Array,
  ): Response {
    if (session === undefined) return failed(404);
    if (session.isOver) return failed(410);
    if (request.method === "DELETE") {
      session.isOver = true;
      return failed(499);
    }
    const range = /^bytes (?:(\d+)-(\d+)|\*)\/(\d+|\*)$/.exec(
      request.headers.get("content-range") ?? "",
    )!;
    if (range[1] !== undefined) {
      if (Number(range[1]) !== session.bytes.length) return failed(400);
      const isLast = range[3] !== "*";
      if (!isLast && body.length % 262_144 !== 0) return failed(400);
      const kept = isLast ? body : body.subarray(0, this.keptBytes);
      session.bytes = new Uint8Array(Buffer.concat([session.bytes, kept]));
    }
    if (range[3] === "*") {
      const { length } = session.bytes;
      const headers: Record<string, string> = length === 0
        ? {}
        : { range: `bytes=0-${length - 1}` };
      return new Response(null, { status: 308, headers });
    }
    if (Number(range[3]) !== session.bytes.length) return failed(400);
    const hash = request.headers.get("x-goog-hash");
    if (hash !== null && hash !== `crc32c=${crc32cBase64(crc32c(session.bytes))}`) {
      return failed(400);
    }
    session.isOver = true;
    return this.#make(session.resource, session.condition, session.bytes);
  }

  #list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const all = new Map<string, PaperObject | null>();
    for (const [name, object] of [...this.objects].sort(([a], [b]) => a < b ? -1 : 1)) {
      if (!name.startsWith(prefix)) continue;
      const slash = name.indexOf("/", prefix.length);
      if (slash < 0) all.set(name, object);
      else all.set(name.slice(0, slash + 1), null);
    }
    const from = Number(query.get("pageToken") ?? 0);
    const most = Math.min(Number(query.get("maxResults")), this.pageSize);
    const page = [...all].slice(from, from + most);
    const items = page.filter(([, object]) => object !== null)
      .map(([name, object]) => resourceOf(name, object!));
    const prefixes = page.filter(([, object]) => object === null).map(([name]) => name);
    return Response.json({
      ...(items.length === 0 ? {} : { items }),
      ...(prefixes.length === 0 ? {} : { prefixes }),
      ...(from + most < all.size ? { nextPageToken: String(from + most) } : {}),
    });
  }

  #rewrite(name: string, to: string, query: URLSearchParams): Response {
    const object = this.objects.get(name);
    if (object === undefined) return failed(404);
    const source = query.get("ifSourceGenerationMatch");
    if (source !== null && source !== String(object.generation)) return failed(412);
    if (this.#isUnmet(to, query.get("ifGenerationMatch"))) return failed(412);
    this.#rewrites += 1;
    if (this.#rewrites < this.rewriteSteps) {
      return Response.json({ done: false, rewriteToken: `token-${this.#rewrites}` });
    }
    this.put(to, object.bytes, { ...object.resource, metadata: object.metadata });
    return Response.json({ done: true });
  }
}

function media(request: Request, object: PaperObject): Response {
  const size = object.bytes.length;
  const headers = new Headers({ "x-goog-generation": String(object.generation) });
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("range") ?? "");
  if (range === null) {
    headers.set("content-length", String(size));
    return new Response(object.bytes, { headers });
  }
  const start = Number(range[1]);
  const end = Math.min(size, range[2] === "" ? size : Number(range[2]) + 1);
  if (start >= size) return failed(416);
  headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
  headers.set("content-length", String(end - start));
  return new Response(object.bytes.slice(start, end), { status: 206, headers });
}

function resourceOf(name: string, object: PaperObject): object {
  return {
    name,
    size: String(object.bytes.length),
    generation: String(object.generation),
    timeCreated: object.created,
    crc32c: crc32cBase64(crc32c(object.bytes)),
    metadata: object.metadata,
  };
}

/** The service's way to say no. */
export function failed(status: number, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ error: { code: status, message: "no" } }), {
    status,
    headers,
  });
}
