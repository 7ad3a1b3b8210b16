/**
 * A WebDAV server in memory (RFC 4918 as far as files go, RFC 9110), as a handler of simulated requests:
 * in a world of virtual time, or over real sockets by `serveNet`.
 */

import type { NetRequest } from "../../runtime/env/env.ts";
import type { SimHandler, SimReply } from "../../runtime/sim/hosts.ts";
import { wholeOf } from "../../runtime/sim/http_server.ts";

/** How it differs from a server that can do everything. */
export interface DavQuirks {
  /** How it goes on with a file; `none`: it takes every PUT for the whole. */
  readonly partial?: "none" | "range" | "patch";
  /** `false`: PROPFIND is not allowed, as with a plain nginx. */
  readonly properties?: boolean;
  /** When conditions of PUT are judged; `end` unless set. */
  readonly conditions?: "start" | "end" | "never";
  /** Bytes of all files together; more is 507. */
  readonly quotaBytes?: number;
  /** `false`: PUT without a Content-Length is 411. */
  readonly chunked?: boolean;
  /** Basic credentials without which everything is 401. */
  readonly authorization?: string;
}

interface PaperFile {
  readonly bytes: Uint8Array;
  readonly mtimeMs: number;
  readonly etag: string;
}

interface Reply extends SimReply {
  readonly headers?: Record<string, string>;
}

const START_MS = 1_700_000_000_000;

/** One server; its files are there to be looked at. */
export class DavPaper {
  readonly files = new Map<string, PaperFile>();
  readonly directories = new Set<string>(["/"]);
  readonly requests: NetRequest[] = [];
  /** Asked first; what it answers is the answer. */
  intercept:
    | ((request: NetRequest, path: string) => SimReply | null | Promise<SimReply | null>)
    | null = null;
  readonly #quirks: DavQuirks;
  #changes = 0;

  constructor(quirks: DavQuirks = {}) {
    this.#quirks = quirks;
  }

  /** Puts a file there, directories made on the way. */
  put(path: string, bytes: Uint8Array): void {
    this.makeDirectory(parentOf(path));
    this.#changes += 1;
    const mtimeMs = START_MS + this.#changes * 1_000;
    this.files.set(path, { bytes, mtimeMs, etag: `"${this.#changes}"` });
  }

  makeDirectory(path: string): void {
    for (let at = path; at !== "/"; at = parentOf(at)) this.directories.add(at);
  }

  /** Methods and decoded paths, in order. */
  asked(): string[] {
    return this.requests.map(({ method, url }) => `${method} ${pathOf(url)}`);
  }

  readonly handle: SimHandler = async (request) => {
    this.requests.push(request);
    const path = pathOf(request.url);
    const intercepted = await this.intercept?.(request, path) ?? null;
    if (intercepted !== null) return intercepted;
    const { authorization } = this.#quirks;
    if (authorization !== undefined && request.headers.authorization !== authorization) {
      return { status: 401, headers: { "www-authenticate": 'Basic realm="paper"' } };
    }
    const reply = await this.#answer(request, path.replace(/(.)\/$/, "$1"));
    return { ...reply, headers: { date: new Date(START_MS * 2).toUTCString(), ...reply.headers } };
  };

  async #answer(request: NetRequest, path: string): Promise<Reply> {
    switch (request.method) {
      case "HEAD":
      case "GET":
        return this.#get(request, path);
      case "PUT":
      case "PATCH":
        return await this.#put(request, path);
      case "DELETE":
        return this.#delete(request, path);
      case "MKCOL":
        return this.#mkcol(path);
      case "COPY":
        return this.#copy(request, path);
      case "MOVE":
        return this.#move(request, path);
      case "PROPFIND":
        return this.#propfind(request, path);
      default:
        return { status: 405 };
    }
  }

  #get({ method, headers }: NetRequest, path: string): Reply {
    const file = this.files.get(path);
    if (file === undefined) return { status: this.directories.has(path) ? 403 : 404 };
    const facts: Record<string, string> = {
      "accept-ranges": "bytes",
      etag: file.etag,
      "last-modified": new Date(file.mtimeMs).toUTCString(),
    };
    const range = /^bytes=(\d+)-(\d*)$/.exec(headers.range ?? "");
    const isStale = headers["if-range"] !== undefined && headers["if-range"] !== file.etag;
    if (range === null || isStale || method === "HEAD") {
      return {
        status: 200,
        headers: { ...facts, "content-length": String(file.bytes.length) },
        body: file.bytes,
      };
    }
    const size = file.bytes.length;
    const start = Number(range[1]);
    const end = range[2] === "" ? size : Math.min(size, Number(range[2]) + 1);
    if (start >= size) return { status: 416, headers: { "content-range": `bytes */${size}` } };
    facts["content-range"] = `bytes ${start}-${end - 1}/${size}`;
    facts["content-length"] = String(end - start);
    return { status: 206, headers: facts, body: file.bytes.subarray(start, end) };
  }

  async #put(request: NetRequest, path: string): Promise<Reply> {
    const { conditions = "end", partial = "none", chunked, quotaBytes = Infinity } = this.#quirks;
    const { body = new Uint8Array(), headers, method } = request;
    if (method === "PATCH" && partial !== "patch") return { status: 405 };
    if (chunked === false && !(body instanceof Uint8Array) && body.length === null) {
      return { status: 411 };
    }
    if (this.directories.has(path)) return { status: 405 };
    if (conditions === "start" && !this.#holds(headers, path)) return { status: 412 };
    const announced = body.length;
    if (announced !== null && this.#used(path) + announced > quotaBytes) return { status: 507 };
    const bytes = await wholeOf(body);
    if (!this.directories.has(parentOf(path))) return { status: 409 };
    if (this.#used(path) + bytes.length > quotaBytes) return { status: 507 };
    if (conditions === "end" && !this.#holds(headers, path)) return { status: 412 };
    const standing = this.files.get(path);
    const from = this.#startOf(request);
    const kept = from === null ? new Uint8Array() : standing?.bytes ?? new Uint8Array();
    this.put(path, from === null ? bytes : overwritten(kept, bytes, from));
    return {
      status: standing === undefined ? 201 : 204,
      headers: { etag: this.files.get(path)!.etag },
    };
  }

  #startOf({ method, headers }: NetRequest): number | null {
    const range = method === "PATCH" ? headers["x-update-range"] : headers["content-range"];
    const match = /^bytes[= ](\d+)-/.exec(range ?? "");
    if (match === null || this.#quirks.partial === "none") return null;
    return Number(match[1]);
  }

  #used(except: string): number {
    let bytes = 0;
    for (const [path, file] of this.files) if (path !== except) bytes += file.bytes.length;
    return bytes;
  }

  #holds(headers: Readonly<Record<string, string>>, path: string): boolean {
    const file = this.files.get(path);
    if (headers["if-none-match"] === "*" && file !== undefined) return false;
    const match = headers["if-match"];
    return match === undefined || (file !== undefined && (match === "*" || match === file.etag));
  }

  #delete({ headers }: NetRequest, path: string): Reply {
    if (!this.files.has(path) && !this.directories.has(path)) return { status: 404 };
    if (!this.#holds(headers, path)) return { status: 412 };
    this.#removeAll(path);
    return { status: 204 };
  }

  #removeAll(path: string): void {
    for (const at of [...this.files.keys()]) if (isAtOrBelow(at, path)) this.files.delete(at);
    for (const at of [...this.directories]) if (isAtOrBelow(at, path)) this.directories.delete(at);
  }

  #mkcol(path: string): Reply {
    if (this.directories.has(path) || this.files.has(path)) return { status: 405 };
    if (!this.directories.has(parentOf(path))) return { status: 409 };
    this.directories.add(path);
    return { status: 201 };
  }

  /** Of files; a client that copies directories is none of ours. */
  #copy({ headers }: NetRequest, path: string): Reply {
    const target = pathOf(headers.destination ?? "");
    const file = this.files.get(path);
    if (file === undefined) return { status: 404 };
    if (!this.#holds(headers, path)) return { status: 412 };
    if (!this.directories.has(parentOf(target))) return { status: 409 };
    const isTaken = this.files.has(target);
    if (isTaken && headers.overwrite === "F") return { status: 412 };
    this.put(target, file.bytes);
    return { status: isTaken ? 204 : 201 };
  }

  #move({ headers }: NetRequest, path: string): Reply {
    const target = pathOf(headers.destination ?? "").replace(/(.)\/$/, "$1");
    if (!this.files.has(path) && !this.directories.has(path)) return { status: 404 };
    if (!this.#holds(headers, path)) return { status: 412 };
    if (!this.directories.has(parentOf(target))) return { status: 409 };
    const isTaken = this.files.has(target) || this.directories.has(target);
    if (isTaken && headers.overwrite === "F") return { status: 412 };
    this.#removeAll(target);
    for (const [at, file] of [...this.files]) {
      if (!isAtOrBelow(at, path)) continue;
      this.files.delete(at);
      this.files.set(target + at.slice(path.length), file);
    }
    for (const at of [...this.directories]) {
      if (!isAtOrBelow(at, path)) continue;
      this.directories.delete(at);
      this.directories.add(target + at.slice(path.length));
    }
    return { status: isTaken ? 204 : 201 };
  }

  #propfind({ headers }: NetRequest, path: string): Reply {
    if (this.#quirks.properties === false) return { status: 405 };
    if (!this.files.has(path) && !this.directories.has(path)) return { status: 404 };
    const paths = [path];
    if (headers.depth === "1") {
      for (const at of [...this.files.keys(), ...this.directories]) {
        if (at !== path && parentOf(at) === path) paths.push(at);
      }
    }
    const responses = paths.map((at) => this.#response(at)).join("\n");
    const text = `<?xml version="1.0" encoding="utf-8"?>\n` +
      `<D:multistatus xmlns:D="DAV:">\n${responses}\n</D:multistatus>\n`;
    return {
      status: 207,
      headers: { "content-type": "application/xml" },
      body: new TextEncoder().encode(text),
    };
  }

  #response(path: string): string {
    const file = this.files.get(path);
    const slash = file === undefined && path !== "/" ? "/" : "";
    const href = path.split("/").map(encodeURIComponent).join("/") + slash;
    const properties = file === undefined
      ? "<D:resourcetype><D:collection/></D:resourcetype>"
      : `<D:resourcetype/><D:getcontentlength>${file.bytes.length}</D:getcontentlength>` +
        `<D:getlastmodified>${new Date(file.mtimeMs).toUTCString()}</D:getlastmodified>` +
        `<D:getetag>${file.etag.replaceAll('"', "&quot;")}</D:getetag>`;
    return `<D:response><D:href>${href.replaceAll("&", "&amp;")}</D:href><D:propstat>` +
      `<D:prop>${properties}</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`;
  }
}

function overwritten(kept: Uint8Array, bytes: Uint8Array, from: number): Uint8Array {
  const whole = new Uint8Array(Math.max(kept.length, from + bytes.length));
  whole.set(kept);
  whole.set(bytes, from);
  return whole;
}

/** The decoded path of a URL. */
export function pathOf(url: string): string {
  return new URL(url).pathname.split("/").map(decodeURIComponent).join("/");
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
}

function isAtOrBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(root === "/" ? "/" : `${root}/`);
}
