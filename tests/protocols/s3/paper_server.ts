/** An object store in memory: what S3 promises, and what lesser or hostile servers do instead. */

import { createHash } from "node:crypto";
import type { Env, NetRequest } from "../../../runtime/env/env.ts";
import type { SimReply } from "../../../runtime/sim/hosts.ts";
import { type AccessKey, signedHeaders } from "../../../protocols/s3/signing.ts";
import { childrenOf, parseXml, textOf, xml } from "../../../protocols/s3/xml.ts";
import { isRightSum, type PaperSums, partSum, sumOf, sumsOf, wholeSum } from "./paper_sums.ts";

export const KEY: AccessKey = {
  accessKeyId: "AKIDPAPER",
  secretAccessKey: "canary-of-the-secret-key",
  sessionToken: null,
};

/** How a server differs from S3. */
export interface PaperQuirks {
  /** Conditions of writes are ignored. */
  readonly ignoresConditions?: boolean;
  /** It knows no checksums: they are ignored, and its answers hold none. */
  readonly noChecksums?: boolean;
  /** The CRC of an object of parts is one of the parts' sums, as servers did before `FULL_OBJECT`. */
  readonly compositeOnly?: boolean;
  /** Its clock is so far ahead. */
  readonly aheadMs?: number;
  /** Session tokens that it takes. */
  readonly sessionToken?: string;
  /** Takes an answer of its own for a request; `null` for the usual one. */
  forge?(request: NetRequest, url: URL, count: number): SimReply | null;
  /** What it says instead of what it would. */
  alter?(reply: SimReply, request: NetRequest, url: URL): SimReply;
}

export interface PaperObject {
  readonly bytes: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  readonly etag: string;
  readonly versionId: string;
  readonly modifiedMs: number;
}

interface PaperUpload {
  readonly key: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly begunMs: number;
  readonly parts: Map<number, PaperPart>;
  /** How the sum of the whole is made; `null` without one. */
  readonly sums: PaperSums | null;
}

interface PaperPart {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

const KEPT = /^(x-amz-meta-|x-amz-storage-class|x-amz-server-side-encryption|content-type)/;

/** One server with one bucket. */
export class PaperServer {
  readonly objects = new Map<string, PaperObject>();
  /** Earlier versions too, by id. */
  readonly versions = new Map<string, PaperObject>();
  readonly uploads = new Map<string, PaperUpload>();
  /** `PUT key ?query`, in order. */
  readonly requests: string[] = [];
  readonly seen: NetRequest[] = [];
  readonly #env: Env;
  readonly #quirks: PaperQuirks;
  #counter = 0;

  constructor(env: Env, quirks: PaperQuirks = {}) {
    this.#env = env;
    this.#quirks = quirks;
  }

  get nowMs(): number {
    return this.#env.clock.now() + (this.#quirks.aheadMs ?? 0);
  }

  put(key: string, bytes: Uint8Array, headers: Record<string, string> = {}): PaperObject {
    const object = {
      bytes: bytes.slice(),
      headers,
      etag: `"${md5(bytes)}"`,
      versionId: `v${++this.#counter}`,
      modifiedMs: this.nowMs,
    };
    this.objects.set(key, object);
    this.versions.set(object.versionId, object);
    return object;
  }

  /** Answers a request for `/bucket/key`. */
  readonly answer = (request: NetRequest): SimReply => {
    const url = new URL(request.url);
    const key = decodeURIComponent(url.pathname.split("/").slice(2).join("/"));
    this.seen.push(request);
    this.requests.push(`${request.method} ${key}${url.search}`);
    const forged = this.#quirks.forge?.(request, url, this.requests.length);
    if (forged !== undefined && forged !== null) return this.#dated(forged);
    const reply = this.#refusal(request, url) ?? this.#act(request, url, key);
    return this.#dated(this.#quirks.alter?.(reply, request, url) ?? reply);
  };

  #dated(reply: SimReply): SimReply {
    return { ...reply, headers: { date: new Date(this.nowMs).toUTCString(), ...reply.headers } };
  }

  #refusal(request: NetRequest, url: URL): SimReply | null {
    const given = request.headers;
    const at = Date.parse(
      (given["x-amz-date"] ?? "").replace(
        /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
        "$1-$2-$3T$4:$5:$6Z",
      ),
    );
    if (!(Math.abs(at - this.nowMs) <= 900_000)) return failed(403, "RequestTimeTooSkewed");
    const names = /SignedHeaders=([^,]+)/.exec(given.authorization ?? "")?.[1]?.split(";") ?? [];
    const unsigned = Object.keys(given).filter((name) =>
      /^(x-amz-|if-|content-)/.test(name) && !names.includes(name)
    );
    if (unsigned.length > 0) return failed(403, "AccessDenied");
    const headers = Object.fromEntries(
      Object.entries(given).filter(([name]) =>
        names.includes(name) && !["x-amz-date", "x-amz-content-sha256"].includes(name)
      ),
    );
    const { sessionToken } = this.#quirks;
    if (sessionToken !== undefined && given["x-amz-security-token"] !== sessionToken) {
      return failed(400, "ExpiredToken");
    }
    const payload = given["x-amz-content-sha256"] ?? "";
    const sha256 = createHash("sha256").update(bodyOf(request)).digest("hex");
    if (payload !== "UNSIGNED-PAYLOAD" && payload !== sha256) {
      return failed(400, "XAmzContentSHA256Mismatch");
    }
    const region = /Credential=[^/]+\/\d+\/([^/]+)\//.exec(given.authorization ?? "")?.[1] ?? "";
    const { method } = request;
    const scope = { region, service: "s3" };
    const signed = signedHeaders(
      this.#env.hash,
      { method, url, headers, payload },
      KEY,
      scope,
      at,
    );
    return signed.authorization === given.authorization
      ? null
      : failed(403, "SignatureDoesNotMatch");
  }

  #act(request: NetRequest, url: URL, key: string): SimReply {
    const query = url.searchParams;
    const uploadId = query.get("uploadId");
    if (uploadId !== null) return this.#ofUpload(request, query, uploadId, key);
    if (key === "") {
      return query.has("uploads") ? this.#listUploads(query) : this.#list(query);
    }
    switch (request.method) {
      case "POST":
        return this.#begin(request, key);
      case "PUT":
        return this.#put(request, key);
      case "DELETE": {
        const failure = this.#unmet(request, key);
        if (failure === null) this.objects.delete(key);
        return failure ?? { status: 204 };
      }
      default:
        return this.#get(request, query, key);
    }
  }

  #unmet({ headers }: NetRequest, key: string): SimReply | null {
    if (this.#quirks.ignoresConditions === true) return null;
    const standing = this.objects.get(key);
    if (headers["if-none-match"] === "*" && standing !== undefined) {
      return failed(412, "PreconditionFailed");
    }
    const wanted = headers["if-match"];
    if (wanted === undefined) return null;
    if (standing === undefined) return failed(404, "NoSuchKey");
    return standing.etag === wanted ? null : failed(412, "PreconditionFailed");
  }

  #get(request: NetRequest, query: URLSearchParams, key: string): SimReply {
    const versionId = query.get("versionId");
    const object = versionId === null ? this.objects.get(key) : this.versions.get(versionId);
    const isHead = request.method === "HEAD";
    if (object === undefined) return isHead ? { status: 404 } : failed(404, "NoSuchKey");
    const wanted = request.headers["if-match"];
    if (wanted !== undefined && wanted !== object.etag) return failed(412, "PreconditionFailed");
    const size = object.bytes.length;
    const isAsked = request.headers["x-amz-checksum-mode"] === "ENABLED";
    const headers = {
      ...Object.fromEntries(
        Object.entries(object.headers).filter(([name]) =>
          isAsked || !name.startsWith("x-amz-checksum-")
        ),
      ),
      etag: object.etag,
      "last-modified": new Date(object.modifiedMs).toUTCString(),
      "content-length": String(size),
      "x-amz-version-id": object.versionId,
    };
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    if (range === null) return { status: 200, headers, body: object.bytes };
    const start = Number(range[1]);
    if (start >= size) return failed(416, "InvalidRange");
    const end = range[2] === "" ? size : Math.min(size, Number(range[2]) + 1);
    const part = {
      ...headers,
      "content-length": String(end - start),
      "content-range": `bytes ${start}-${end - 1}/${size}`,
    };
    return { status: 206, headers: part, body: object.bytes.slice(start, end) };
  }

  #put(request: NetRequest, key: string): SimReply {
    const copied = this.#copied(request);
    if (copied !== null && "status" in copied) return copied;
    const failure = this.#unmet(request, key) ?? this.#wrongSum(request);
    if (failure !== null) return failure;
    const object = this.put(key, copied?.bytes ?? bodyOf(request), {
      ...copied?.headers,
      ...keptOf(request.headers),
      ...this.#checksums(request),
    });
    const headers = { etag: object.etag, "x-amz-version-id": object.versionId };
    if (copied !== null) {
      return { ...document("CopyObjectResult", [xml("ETag", object.etag)]), headers };
    }
    return { status: 200, headers: { ...headers, ...this.#checksums(request) } };
  }

  #copied({ headers }: NetRequest): PaperObject | SimReply | null {
    const from = headers["x-amz-copy-source"];
    if (from === undefined) return null;
    const object = this.objects.get(decodeURIComponent(from).split("/").slice(2).join("/"));
    if (object === undefined) return failed(404, "NoSuchKey");
    const wanted = headers["x-amz-copy-source-if-match"];
    if (wanted !== undefined && wanted !== object.etag) return failed(412, "PreconditionFailed");
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers["x-amz-copy-source-range"] ?? "");
    if (range === null) return object;
    return { ...object, bytes: object.bytes.slice(Number(range[1]), Number(range[2]) + 1) };
  }

  #checksums({ headers }: NetRequest): Record<string, string> {
    return this.#quirks.noChecksums === true ? {} : sumOf(headers);
  }

  #wrongSum(request: NetRequest): SimReply | null {
    const isKnown = this.#quirks.noChecksums !== true;
    return !isKnown || isRightSum(request.headers, bodyOf(request))
      ? null
      : failed(400, "BadDigest");
  }

  #begin(request: NetRequest, key: string): SimReply {
    const uploadId = `upload-${++this.#counter}`;
    const headers = keptOf(request.headers);
    const sums = this.#quirks.noChecksums === true
      ? null
      : sumsOf(request.headers, this.#quirks.compositeOnly === true);
    this.uploads.set(uploadId, { key, headers, begunMs: this.nowMs, parts: new Map(), sums });
    const answer = document("InitiateMultipartUploadResult", [xml("UploadId", uploadId)]);
    if (sums === null) return answer;
    return {
      ...answer,
      headers: {
        "x-amz-checksum-algorithm": sums.kind.toUpperCase(),
        "x-amz-checksum-type": sums.type,
      },
    };
  }

  #ofUpload(
    request: NetRequest,
    query: URLSearchParams,
    uploadId: string,
    key: string,
  ): SimReply {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined || upload.key !== key) return failed(404, "NoSuchUpload");
    if (request.method === "DELETE") {
      this.uploads.delete(uploadId);
      return { status: 204 };
    }
    if (request.method === "GET") return listedParts(upload, query);
    if (request.method === "POST") return this.#complete(request, upload, uploadId);
    const copied = this.#copied(request);
    if (copied !== null && "status" in copied) return copied;
    const wrong = this.#wrongSum(request);
    if (wrong !== null) return wrong;
    const bytes = (copied?.bytes ?? bodyOf(request)).slice();
    const etag = `"${md5(bytes)}"`;
    upload.parts.set(Number(query.get("partNumber")), { bytes, etag });
    if (copied !== null) {
      const { sums } = upload;
      const sum = sums === null ? [] : [xml(sums.element, partSum(sums, bytes))];
      return document("CopyPartResult", [xml("ETag", etag), ...sum]);
    }
    return { status: 200, headers: { etag, ...this.#checksums(request) } };
  }

  #complete(request: NetRequest, upload: PaperUpload, uploadId: string): SimReply {
    const failure = this.#unmet(request, upload.key);
    if (failure !== null) return failure;
    const listed = childrenOf(parseXml(new TextDecoder().decode(bodyOf(request))), "Part");
    const parts: Uint8Array[] = [];
    const { sums } = upload;
    for (const [index, part] of listed.entries()) {
      const kept = upload.parts.get(Number(textOf(part, "PartNumber")));
      if (kept === undefined || kept.etag !== textOf(part, "ETag")) {
        return failed(400, "InvalidPart");
      }
      if (sums !== null && textOf(part, sums.element) !== partSum(sums, kept.bytes)) {
        return failed(400, "InvalidPart");
      }
      if (index < listed.length - 1 && kept.bytes.length < 5_242_880) {
        return failed(400, "EntityTooSmall");
      }
      parts.push(kept.bytes);
    }
    const whole = sums === null ? null : wholeSum(sums, parts);
    const told = sums === null ? undefined : request.headers[sums.header];
    if (told !== undefined && told !== whole) return failed(400, "BadDigest");
    this.uploads.delete(uploadId);
    const object = this.put(upload.key, new Uint8Array(joined(parts)), {
      ...upload.headers,
      ...(sums === null ? {} : { [sums.header]: whole!, "x-amz-checksum-type": sums.type }),
    });
    return {
      ...document("CompleteMultipartUploadResult", [
        xml("ETag", object.etag),
        ...(sums === null ? [] : [xml(sums.element, whole!), xml("ChecksumType", sums.type)]),
      ]),
      headers: { "x-amz-version-id": object.versionId },
    };
  }

  #list(query: URLSearchParams): SimReply {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const most = Number(query.get("max-keys") ?? 1_000);
    const names = new Map<string, PaperObject | null>();
    for (const [key, object] of this.objects) {
      if (!key.startsWith(prefix)) continue;
      const slash = query.get("delimiter") === "/" ? key.indexOf("/", prefix.length) : -1;
      if (slash < 0) names.set(key, object);
      else names.set(key.slice(0, slash + 1), null);
    }
    const sorted = [...names].sort(([a], [b]) => a < b ? -1 : 1).filter(([name]) => name > after);
    const page = sorted.slice(0, most);
    const isTruncated = sorted.length > most;
    const encoded = (name: string) => encodeURIComponent(name).replaceAll("%20", "+");
    return document("ListBucketResult", [
      xml("EncodingType", "url"),
      xml("IsTruncated", String(isTruncated)),
      ...(isTruncated ? [xml("NextContinuationToken", page.at(-1)![0])] : []),
      ...page.map(([name, object]) =>
        object === null ? xml("CommonPrefixes", [xml("Prefix", encoded(name))]) : xml("Contents", [
          xml("Key", encoded(name)),
          xml("Size", String(object.bytes.length)),
          xml("ETag", object.etag),
          xml(
            "LastModified",
            new Date(Math.floor(object.modifiedMs / 1_000) * 1_000).toISOString(),
          ),
        ])
      ),
    ]);
  }

  #listUploads(query: URLSearchParams): SimReply {
    const prefix = query.get("prefix") ?? "";
    const listed = [...this.uploads].filter(([, { key }]) => key.startsWith(prefix));
    return document(
      "ListMultipartUploadsResult",
      listed.map(([uploadId, { key, begunMs }]) =>
        xml("Upload", [
          xml("Key", key),
          xml("UploadId", uploadId),
          xml("Initiated", new Date(begunMs).toISOString()),
        ])
      ),
    );
  }
}

function listedParts(upload: PaperUpload, query: URLSearchParams): SimReply {
  const after = Number(query.get("part-number-marker") ?? 0);
  const all = [...upload.parts].sort(([a], [b]) => a - b).filter(([number]) => number > after);
  const page = all.slice(0, 2);
  return document("ListPartsResult", [
    xml("IsTruncated", String(all.length > page.length)),
    ...page.map(([number, { bytes, etag }]) =>
      xml("Part", [
        xml("PartNumber", String(number)),
        xml("Size", String(bytes.length)),
        xml("ETag", etag),
        ...(upload.sums === null ? [] : [xml(upload.sums.element, partSum(upload.sums, bytes))]),
      ])
    ),
  ]);
}

/** The document of an error. */
export function failed(
  status: number,
  code: string,
  headers: Record<string, string> = {},
): SimReply {
  return { ...document("Error", [xml("Code", code), xml("Message", "paper")]), status, headers };
}

export function document(name: string, content: Parameters<typeof xml>[1]): SimReply {
  const text = `<?xml version="1.0" encoding="UTF-8"?>\n${xml(name, content).markup}`;
  return { status: 200, body: new TextEncoder().encode(text) };
}

/** What came with a request, whole. */
export function bodyOf({ body }: NetRequest): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  throw new Error("the paper server takes bodies that are bytes");
}

function keptOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => KEPT.test(name)));
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
