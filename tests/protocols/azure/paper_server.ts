/**
 * A storage account in this process, written from the documentation of the service: block blobs, their
 * uncommitted blocks, conditions, listings and copies. It checks every signature, and can be told to
 * answer otherwise.
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac } from "node:crypto";

export const ACCOUNT = "paperaccount";
export const ACCOUNT_KEY = btoa("a key of a paper account, no secret at all");

/** A committed blob. */
export interface PaperBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly modified: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly headers: ReadonlyMap<string, string>;
}

/** What a test wants otherwise: an answer instead of the account's own, `null` to let it be. */
export type Forge = (
  request: Request,
  url: URL,
) => Response | Promise<Response | null> | null;

/** One account. */
export class PaperAccount {
  readonly containers = new Set(["box"]);
  /** By `container/name`. */
  readonly blobs = new Map<string, PaperBlob>();
  readonly uncommitted = new Map<string, Map<string, Uint8Array>>();
  readonly requests: string[] = [];
  /** What came with the request that is being answered. */
  lastBody = new Uint8Array();
  forge: Forge = () => null;
  pageSize = 1_000;
  /** How often a copy is told to be under way before it is done. */
  pendingCopies = 0;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();
  #writes = 0;

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

  put(path: string, bytes: Uint8Array, metadata: Record<string, string> = {}): void {
    this.#commit(path, bytes, new Map(Object.entries(metadata)), new Map());
  }

  async close(): Promise<void> {
    // Answers that never come are cut off.
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const body = new Uint8Array(await request.arrayBuffer());
    this.requests.push(`${request.method} ${url.pathname}${url.search}`);
    this.lastBody = body;
    const forged = await this.forge(request, url);
    if (forged !== null) return forged;
    const refused = this.#unauthorized(request, url, body.length);
    if (refused !== null) return refused;
    const path = decodeURIComponent(url.pathname.slice(1));
    const container = path.split("/")[0]!;
    if (!this.containers.has(container)) return failed(404, "ContainerNotFound");
    const comp = url.searchParams.get("comp");
    if (comp === "list") return this.#list(container, url.searchParams);
    if (request.method === "PUT") return this.#write(request, path, comp, url, body);
    if (request.method === "DELETE") return this.#delete(request, path);
    if (comp === "blocklist") return this.#blockList(path);
    return this.#read(request, path);
  }

  #unauthorized(request: Request, url: URL, bodyBytes: number): Response | null {
    const told = request.headers.get("authorization") ?? "";
    if (url.searchParams.get("sig") === "good" || told === "Bearer good") return null;
    const header = (name: string) => request.headers.get(name) ?? "";
    const ms = [...request.headers].filter(([name]) => name.startsWith("x-ms-")).sort()
      .map(([name, value]) => `${name}:${value}\n`).join("");
    const query = [...url.searchParams].sort().map(([name, value]) => `\n${name}:${value}`).join(
      "",
    );
    const text = [
      request.method,
      header("content-encoding"),
      header("content-language"),
      bodyBytes === 0 ? "" : String(bodyBytes),
      header("content-md5"),
      header("content-type"),
      "",
      "",
      header("if-match"),
      header("if-none-match"),
      "",
      header("range"),
      `${ms}/${ACCOUNT}${url.pathname}${query}`,
    ].join("\n");
    const key = Uint8Array.fromBase64(ACCOUNT_KEY);
    const signature = createHmac("sha256", key).update(text).digest("base64");
    const isGood = told === `SharedKey ${ACCOUNT}:${signature}` &&
      header("x-ms-version") === "2023-11-03";
    return isGood ? null : failed(403, "AuthenticationFailed");
  }

  #read(request: Request, path: string): Response {
    const blob = this.blobs.get(path);
    if (blob === undefined) return failed(404, "BlobNotFound");
    const match = request.headers.get("if-match");
    if (match !== null && match !== blob.etag) return failed(412, "ConditionNotMet");
    const headers = new Headers({
      etag: blob.etag,
      "last-modified": blob.modified,
      "accept-ranges": "bytes",
      "x-ms-blob-type": "BlockBlob",
    });
    for (const [name, value] of blob.metadata) headers.set(`x-ms-meta-${name}`, value);
    for (const [name, value] of blob.headers) headers.set(name, value);
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("x-ms-range") ?? "");
    const size = blob.bytes.length;
    if (range === null) {
      headers.set("content-md5", md5(blob.bytes));
      headers.set("content-length", String(size));
      return new Response(request.method === "HEAD" ? null : blob.bytes, { headers });
    }
    const start = Number(range[1]);
    const end = Math.min(size, range[2] === "" ? size : Number(range[2]) + 1);
    if (start >= size) {
      return failed(416, "InvalidRange", { "content-range": `bytes */${size}` });
    }
    const part = blob.bytes.slice(start, end);
    headers.set("content-range", `bytes ${start}-${end - 1}/${size}`);
    headers.set("content-length", String(part.length));
    if (request.headers.has("x-ms-range-get-content-md5")) headers.set("content-md5", md5(part));
    return new Response(part, { status: 206, headers });
  }

  #write(
    request: Request,
    path: string,
    comp: string | null,
    url: URL,
    body: Uint8Array,
  ): Response {
    const told = request.headers.get("content-md5");
    if (told !== null && told !== md5(body)) return failed(400, "Md5Mismatch");
    if (comp === "block") {
      const blocks = this.uncommitted.get(path) ?? new Map<string, Uint8Array>();
      this.uncommitted.set(path, blocks);
      const id = url.searchParams.get("blockid")!;
      if ([...blocks.keys()].some((other) => other.length !== id.length)) {
        return failed(400, "InvalidBlobOrBlock");
      }
      blocks.set(id, body);
      return new Response(null, { status: 201 });
    }
    const unmet = this.#unmet(request, path);
    if (unmet !== null) return unmet;
    const source = request.headers.get("x-ms-copy-source");
    if (source !== null) return this.#copy(request, path, source);
    if (comp !== "blocklist") return this.#committed(request, path, body);
    const blocks = this.uncommitted.get(path) ?? new Map<string, Uint8Array>();
    const listed = new TextDecoder().decode(body).matchAll(/<Uncommitted>([^<]+)<\/Uncommitted>/g);
    const parts: Uint8Array[] = [];
    for (const [, id = ""] of listed) {
      const bytes = blocks.get(id);
      if (bytes === undefined) return failed(400, "InvalidBlockList");
      parts.push(bytes);
    }
    return this.#committed(request, path, new Uint8Array(Buffer.concat(parts)));
  }

  #unmet(request: Request, path: string): Response | null {
    const standing = this.blobs.get(path);
    const match = request.headers.get("if-match");
    if (request.headers.get("if-none-match") === "*" && standing !== undefined) {
      return failed(409, "BlobAlreadyExists");
    }
    return match === null || standing?.etag === match ? null : failed(412, "ConditionNotMet");
  }

  #committed(request: Request, path: string, bytes: Uint8Array): Response {
    const fields = [...request.headers];
    const metadata = fields.filter(([name]) => name.startsWith("x-ms-meta-"))
      .map(([name, value]) => [name.slice("x-ms-meta-".length), value] as const);
    const kept = fields.filter(([name]) =>
      name === "x-ms-access-tier" || name === "x-ms-encryption-scope"
    );
    const blob = this.#commit(path, bytes, new Map(metadata), new Map(kept));
    const headers = { etag: blob.etag, "last-modified": blob.modified };
    return new Response(null, { status: 201, headers });
  }

  #commit(
    path: string,
    bytes: Uint8Array,
    metadata: ReadonlyMap<string, string>,
    headers: ReadonlyMap<string, string>,
  ): PaperBlob {
    this.#writes += 1;
    const modified = new Date(Date.UTC(2026, 1, 3) + this.#writes * 1_000).toUTCString();
    const etag = `"0x8D${this.#writes.toString(16).toUpperCase().padStart(12, "0")}"`;
    const blob = { bytes: new Uint8Array(bytes), etag, modified, metadata, headers };
    this.blobs.set(path, blob);
    this.uncommitted.delete(path);
    return blob;
  }

  #blockList(path: string): Response {
    const blocks = this.uncommitted.get(path);
    if (blocks === undefined && !this.blobs.has(path)) return failed(404, "BlobNotFound");
    const listed = [...blocks ?? []].map(([id, { length }]) =>
      `<Block><Name>${id}</Name><Size>${length}</Size></Block>`
    );
    return new Response(
      `<?xml version="1.0"?><BlockList><CommittedBlocks/><UncommittedBlocks>${
        listed.join("")
      }</UncommittedBlocks></BlockList>`,
    );
  }

  #delete(request: Request, path: string): Response {
    if (!this.blobs.has(path)) return failed(404, "BlobNotFound");
    const unmet = this.#unmet(request, path);
    if (unmet !== null) return unmet;
    this.blobs.delete(path);
    return new Response(null, { status: 202 });
  }

  #copy(request: Request, path: string, source: string): Response {
    const from = this.blobs.get(decodeURIComponent(new URL(source).pathname.slice(1)));
    if (from === undefined) return failed(404, "BlobNotFound");
    const match = request.headers.get("x-ms-source-if-match");
    if (match !== null && match !== from.etag) return failed(412, "SourceConditionNotMet");
    const status = this.pendingCopies > 0 ? "pending" : "success";
    const copy = new Map([["x-ms-copy-id", "copy-1"], ["x-ms-copy-status", status]]);
    const headers = new Map(copy);
    // Each look at the blob takes one off.
    if (status === "pending") {
      const { forge } = this;
      this.forge = (asked, url) => {
        if (asked.method !== "HEAD" || decodeURIComponent(url.pathname.slice(1)) !== path) {
          return null;
        }
        this.pendingCopies -= 1;
        if (this.pendingCopies > 0) return null;
        headers.set("x-ms-copy-status", "success");
        this.forge = forge;
        return null;
      };
    }
    this.#commit(path, from.bytes, from.metadata, headers);
    return new Response(null, { status: 202, headers: Object.fromEntries(copy) });
  }

  #list(container: string, query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const most = Math.min(Number(query.get("maxresults") ?? 5_000), this.pageSize);
    const items = new Map<string, string>();
    for (const path of [...this.blobs.keys()].sort()) {
      if (!path.startsWith(`${container}/${prefix}`)) continue;
      const name = path.slice(container.length + 1);
      const slash = name.indexOf("/", prefix.length);
      const item = slash < 0 ? name : name.slice(0, slash + 1);
      items.set(item, slash < 0 ? blobXml(name, this.blobs.get(path)!) : prefixXml(item));
    }
    const from = Number(query.get("marker") ?? 0);
    const page = [...items.values()].slice(from, from + most);
    const next = from + most < items.size ? String(from + most) : "";
    return new Response(
      `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="${container}">` +
        `<Blobs>${page.join("")}</Blobs><NextMarker>${next}</NextMarker></EnumerationResults>`,
      { headers: { "content-type": "application/xml" } },
    );
  }
}

function blobXml(name: string, blob: PaperBlob): string {
  const metadata = [...blob.metadata].map(([key, value]) => `<${key}>${escaped(value)}</${key}>`);
  return `<Blob><Name>${escaped(name)}</Name><Properties><Last-Modified>${blob.modified}` +
    `</Last-Modified><Etag>${blob.etag.replaceAll('"', "")}</Etag><Content-Length>` +
    `${blob.bytes.length}</Content-Length></Properties><Metadata>${
      metadata.join("")
    }</Metadata></Blob>`;
}

function prefixXml(name: string): string {
  return `<BlobPrefix><Name>${escaped(name)}</Name></BlobPrefix>`;
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("base64");
}

/** The account's way to say no. */
export function failed(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): Response {
  const text = status === 304 ? null : `<Error><Code>${code}</Code><Message>no</Message></Error>`;
  return new Response(text, { status, headers: { "x-ms-error-code": code, ...headers } });
}
