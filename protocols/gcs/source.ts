/** Reading objects of Google's store. */

import { assertNotAborted } from "../aborting.ts";
import { shownPath, splitPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { crc32c, crc32cBase64 } from "../objects/crc32c.ts";
import { guarded } from "../objects/exchange.ts";
import { assertWithin, isEmpty, isWhole, judgeRange, rangeField } from "../objects/range.ts";
import { type ContentCheck, EmptyReader, ObjectReader } from "../objects/reader.ts";
import type { GcsClient } from "./client.ts";
import { objectOf } from "./endpoint.ts";
import { type GcsObject, OBJECT_FIELDS, objectIn, sourceFactsOf } from "./facts.ts";

/** What an object can do as a source. */
export const GCS_SOURCE: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: false,
  mtime: true,
  permissions: false,
};

/**
 * With `gzip` an object that is stored compressed comes as it is stored; with anything else the service
 * would decompress it, and neither size nor ranges nor checksum would be the object's.
 */
const AS_STORED = { "accept-encoding": "gzip", "cache-control": "no-transform" };

/** An object, or one generation of it. */
export class GcsSource implements Source {
  readonly capabilities = GCS_SOURCE;
  readonly #client: GcsClient;
  readonly #object: string;
  readonly #action: string;

  constructor(client: GcsClient) {
    const { label, path } = client.place;
    splitPath(path);
    this.#client = client;
    this.#object = objectOf(path);
    this.#action = `read ${label}${shownPath(path)}`;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    return sourceFactsOf(await this.#look(signal));
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    assertNotAborted(this.#action, signal);
    const object = knownPart(range, expected) ?? await this.#look(signal);
    const facts = "name" in object ? sourceFactsOf(object) : object.facts;
    if (expected !== null) assertSameVersion(this.#action, expected, facts.fingerprint);
    assertWithin(this.#action, range, object.size);
    if (isEmpty(range) || (range.start === object.size && object.size > 0)) {
      return new EmptyReader(facts);
    }
    const request = {
      method: "GET",
      target: this.#client.resource(this.#object),
      query: { alt: "media", generation: object.generation },
      headers: { ...AS_STORED, ...(isWhole(range) ? {} : { range: rangeField(range) }) },
      action: this.#action,
    } as const;
    const opened = await this.#client.open(request, [200, 206], signal).catch((thrown: unknown) => {
      throw replaced(this.#action, thrown);
    });
    const { exchange, status, headers } = opened;
    return await guarded(exchange, () => {
      if ("name" in object) assertStored(this.#action, object, headers);
      const { size, announced } = judgeRange(this.#action, range, { status, headers });
      if (size !== object.size) {
        const message = `cannot ${this.#action}: ${size} bytes are announced, not ${object.size}`;
        throw new ProtocolError("changed", message);
      }
      const check = isWhole(range) && "name" in object ? checkOf(object) : null;
      const again = async () => (await this.stat(signal)).fingerprint;
      return Promise.resolve(new ObjectReader(exchange, { facts, announced, check, again }));
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #look(signal: AbortSignal): Promise<GcsObject> {
    assertNotAborted(this.#action, signal);
    const { generation } = this.#client.place.options;
    const value = await this.#client.json({
      method: "GET",
      target: this.#client.resource(this.#object),
      query: { fields: OBJECT_FIELDS, ...(generation === undefined ? {} : { generation }) },
      action: this.#action,
    }, signal);
    return objectIn(this.#action, value);
  }
}

/** What has to be known of an object to read a part of it. */
interface KnownObject {
  readonly size: number;
  readonly generation: string;
  readonly facts: SourceFacts;
}

/** A part of a version that is known already: it needs no look before it is read. */
function knownPart(range: ByteRange, expected: Fingerprint | null): KnownObject | null {
  if (expected === null || isWhole(range)) return null;
  const { size, version: generation } = expected;
  if (size === null || generation === null) return null;
  const facts = { fingerprint: expected, ranges: true, mode: null, sha256: null };
  return { size, generation, facts };
}

/** The generation that was seen a moment ago is gone: another one took its place, or none. */
function replaced(action: string, thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError) || thrown.code !== "notFound") return thrown;
  const message = `cannot ${action}: it was replaced or removed meanwhile; start over`;
  return new ProtocolError("changed", message, { cause: thrown });
}

function assertStored(
  action: string,
  object: GcsObject,
  headers: ReadonlyMap<string, string>,
): void {
  const told = headers.get("content-encoding") ?? "";
  const stored = object.contentEncoding ?? "";
  if (told === stored || told === "" || told === "identity") return;
  const message = `cannot ${action}: its bytes come encoded, although they are not stored so; ` +
    "remove what encodes them on the way";
  throw new ProtocolError("badResponse", message, { retryable: false });
}

function checkOf(object: GcsObject): ContentCheck | null {
  const told = object.crc32c;
  if (told === undefined) return null;
  let crc = 0;
  return {
    update: (bytes) => void (crc = crc32c(bytes, crc)),
    fault: () => crc32cBase64(crc) === told ? null : "its bytes have another CRC-32C than was told",
  };
}
