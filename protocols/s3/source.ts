/** Reading an object: whole, or ranges of it side by side, all of one version. */

import type { NetResponse } from "../../runtime/env/env.ts";
import { splitPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { fingerprintChange } from "../fingerprint.ts";
import { parseContentRange } from "../http/fields.ts";
import { EmptyReader, ObjectReader } from "../objects/reader.ts";
import { checkOfWhole } from "./checksums.ts";
import type { S3Client } from "./client.ts";
import { keyOf } from "./endpoint.ts";
import type { S3Exchange } from "./exchange.ts";
import { isUnmet, S3Refusal } from "./failure.ts";
import { fingerprintOf, headObject, objectOf, type S3Object } from "./objects.ts";
import { shown } from "./uploads.ts";

/** What every object can do. */
export const S3_SOURCE_CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: true,
  mtime: true,
  permissions: false,
};

/** One object. */
export class S3Source implements Source {
  readonly capabilities = S3_SOURCE_CAPABILITIES;
  readonly #client: S3Client;
  readonly #key: string;

  constructor(client: S3Client) {
    this.#client = client;
    splitPath(client.place.path);
    this.#key = keyOf(client.place.path);
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const action = `look at ${this.#shown}`;
    const { versionId } = this.#client.place;
    const object = await headObject(this.#client, this.#key, action, signal, versionId);
    if (object !== null) return factsOf(object, object.size);
    const message = `cannot ${action}: there is no such object; check the URI`;
    throw new ProtocolError("notFound", message, { definite: true });
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const isEmpty = range.end !== null && range.end <= range.start;
    if (isEmpty || expected?.size === range.start) {
      return await this.#openNothing(range, expected, signal);
    }
    const action = `read ${this.#shown}`;
    try {
      const { exchange, response } = await this.#get(range, expected, action, signal);
      try {
        return this.#reader(range, expected, action, exchange, response, signal);
      } catch (thrown) {
        await exchange.end();
        throw thrown;
      }
    } catch (thrown) {
      if (isUnmet(thrown)) throw changed(action, "its entity tag is another one");
      const isBeyond = thrown instanceof S3Refusal && thrown.status === 416;
      if (isBeyond) return await this.#openNothing(range, expected, signal);
      throw thrown;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  get #shown(): string {
    return shown(this.#client, this.#key);
  }

  #get(
    { start, end }: ByteRange,
    expected: Fingerprint | null,
    action: string,
    signal: AbortSignal,
  ): Promise<{ exchange: S3Exchange; response: NetResponse }> {
    const { versionId } = this.#client.place;
    const isWhole = start === 0 && end === null;
    const range = isWhole ? {} : { range: `bytes=${start}-${end === null ? "" : end - 1}` };
    const etag = expected?.etag ?? null;
    return this.#client.open({
      method: "GET",
      ...{ key: this.#key, action, signal },
      query: versionId === null ? {} : { versionId },
      headers: {
        ...this.#client.place.keyHeaders,
        ...(etag === null ? {} : { "if-match": etag }),
        ...(isWhole ? { "x-amz-checksum-mode": "ENABLED" } : range),
      },
    });
  }

  /** What cannot be asked for as a range: the end, or none of the bytes. */
  async #openNothing(
    { start, end }: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const action = `read ${this.#shown}`;
    const facts = await this.stat(signal);
    assertExpected(action, expected, facts.fingerprint);
    const { size } = facts.fingerprint;
    if ((size !== null && start > size) || (start !== size && end === null)) {
      const message = `cannot ${action}: it has ${size} bytes and none from ${start} on`;
      throw new ProtocolError("rangeNotSupported", message, { definite: true });
    }
    return new EmptyReader(facts);
  }

  #reader(
    range: ByteRange,
    expected: Fingerprint | null,
    action: string,
    exchange: S3Exchange,
    { status, headers }: NetResponse,
    signal: AbortSignal,
  ): SourceReader {
    const object = objectOf(headers);
    const { size, bytes } = status === 206
      ? partOf(action, range, headers.get("content-range") ?? "", object.size)
      : wholeOf(action, range, object.size);
    const isPart = status === 206;
    // Of a range that is just a part of an upload, the sum may be that part's.
    const facts = factsOf(isPart ? { ...object, sha256: null } : object, size);
    assertExpected(action, expected, facts.fingerprint);
    return new ObjectReader(exchange, {
      facts,
      announced: bytes,
      check: isPart ? null : checkOfWhole(this.#client.env, headers),
      again: async () => (await this.stat(signal)).fingerprint,
    });
  }
}

interface Coming {
  /** Of the whole object. */
  readonly size: number;
  /** That will come. */
  readonly bytes: number;
}

function wholeOf(action: string, { start, end }: ByteRange, size: number | null): Coming {
  if (start > 0 || end !== null) {
    if (start === 0 && size !== null && end !== null && end >= size) return { size, bytes: size };
    const message = `cannot ${action}: the server sends the whole object instead of a range`;
    throw new ProtocolError("rangeNotSupported", message, { definite: true });
  }
  if (size === null) throw bad(action, "the answer does not tell its length");
  return { size, bytes: size };
}

function partOf(action: string, asked: ByteRange, text: string, length: number | null): Coming {
  const part = parseContentRange(text);
  if (part?.range === null || part?.range === undefined || part.total === null) {
    throw bad(action, "the answer does not tell its range");
  }
  const { range: { start, end }, total } = part;
  const last = Math.min(asked.end ?? total, total);
  if (start !== asked.start || end !== last || (length !== null && length !== end - start)) {
    throw bad(
      action,
      `asked for bytes from ${asked.start} to ${last}, it sends ${start} to ${end}`,
    );
  }
  return { size: total, bytes: end - start };
}

function factsOf(object: S3Object, size: number | null): SourceFacts {
  return {
    fingerprint: fingerprintOf({ ...object, size }),
    ranges: true,
    mode: null,
    sha256: object.sha256,
  };
}

function assertExpected(action: string, expected: Fingerprint | null, seen: Fingerprint): void {
  const change = expected === null ? null : fingerprintChange(expected, seen);
  if (change !== null) throw changed(action, change);
}

function changed(action: string, what: string): ProtocolError {
  const message = `cannot ${action}: the object is another version now (${what}); start over`;
  return new ProtocolError("changed", message, { definite: true });
}

function bad(action: string, reason: string): ProtocolError {
  return new ProtocolError("badResponse", `cannot ${action}: ${reason}`);
}
