/**
 * A temporary file: bytes gather until a part is full, parts go side by side, and what does not fill one
 * stays in memory until `sync` or publishing. A file shorter than a part never becomes an upload.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Block } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import { isMissing, isUnmet } from "./failure.ts";
import { type Marker, readMarker, type StandingMarker, writeMarker } from "./marker.ts";
import { FILE_ID_HEADER, headObject } from "./objects.ts";
import type { PartRoom } from "./part_room.ts";
import { bytesOfPart } from "./part_sizes.ts";
import { abortUpload, createUpload, type Part, shown, uploadPart } from "./uploads.ts";

const FIRST_TAIL_BYTES = 65_536;

/** A part that the service is to make of bytes of another object. */
export interface PartToMake {
  readonly uploadId: string;
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
}

/** Parts that the service is to make. */
export interface PartsToMake {
  readonly size: number;
  readonly partBytes: number;
  readonly make: (part: PartToMake) => Promise<Part>;
  readonly made: (bytes: number) => void;
}

/** Which file is written, and under which temporary name. */
export interface UploadFacts {
  /** Of the final name that it is begun for: an upload in parts is bound to it. */
  readonly key: string;
  readonly name: string;
  readonly markerKey: string;
  readonly temp: string;
  readonly fileId: string;
  readonly base: string | null;
  /** Of each part; `null`: they grow. */
  readonly partBytes: number | null;
}

/** What an upload works with. */
export interface UploadTools {
  readonly client: S3Client;
  /** Shared by all uploads. */
  readonly room: PartRoom;
  /** Called once an upload in parts was begun. */
  readonly began: () => Promise<void>;
}

/** One temporary file, whoever has it open. */
export class Upload {
  readonly facts: UploadFacts;
  readonly #client: S3Client;
  readonly #room: PartRoom;
  /** Aborted when the file is taken away from its writer. */
  readonly #taken = new AbortController();
  readonly #parts: Part[];
  readonly #flying = new Map<Promise<void>, number>();
  readonly #began: () => Promise<void>;
  #tail: Block;
  #tailBytes: number;
  /** Bytes in parts, sent or on their way. */
  #sentBytes: number;
  #nextPart: number;
  #uploadId: string | null;
  #markerEtag: string | null;
  /** What the marker at the server holds of the tail; `null`: there is no marker. */
  #markedBytes: number | null;
  /** Bytes that it holds were cut off since. */
  #isMarkStale = false;
  #error: { readonly why: unknown } | null = null;
  #isUnresolved = false;
  #beginning: Promise<string> | null = null;
  #marking: Promise<void> = Promise.resolve();

  /** `standing`: what an earlier process has left, with the parts that are there. */
  constructor(
    { client, room, began }: UploadTools,
    facts: UploadFacts,
    standing: StandingMarker | null = null,
    parts: readonly Part[] = [],
  ) {
    this.facts = facts;
    this.#client = client;
    this.#room = room;
    this.#began = began;
    this.#parts = [...parts];
    this.#nextPart = parts.length + 1;
    this.#sentBytes = parts.reduce((sum, { size }) => sum + size, 0);
    this.#uploadId = standing?.marker.uploadId ?? null;
    this.#markerEtag = standing?.etag ?? null;
    const tail = this.#uploadId === null ? standing?.tail ?? null : null;
    this.#markedBytes = standing === null ? null : tail?.length ?? 0;
    this.#tail = { bytes: tail?.slice() ?? new Uint8Array() };
    this.#tailBytes = tail?.length ?? 0;
  }

  get uploadId(): string | null {
    return this.#uploadId;
  }

  /** Something at the server speaks of it. */
  get isMarked(): boolean {
    return this.#markedBytes !== null || this.#beginning !== null;
  }

  /** The only name that it can still get; `null` while nothing was sent. */
  get boundTo(): string | null {
    return this.#uploadId === null && this.#beginning === null ? null : this.facts.name;
  }

  /** The one request that publishes it was sent, and nobody has answered: it may still be carried out. */
  get isUnresolved(): boolean {
    return this.#isUnresolved;
  }

  leaveUnresolved(): void {
    this.#isUnresolved = true;
  }

  /** Its marker was removed, so that none says of a file which may be published that it is not. */
  unmark(): void {
    assert(this.#uploadId === null, "the marker of an upload in parts stays until it is published");
    this.#markedBytes = null;
    this.#markerEtag = null;
  }

  get size(): number {
    return this.#sentBytes + this.#tailBytes;
  }

  get isTaken(): boolean {
    return this.#taken.signal.aborted;
  }

  /** A part of it is lost: it cannot be published. */
  get isBroken(): boolean {
    return this.#error !== null;
  }

  /** Takes it away from its writer: what is on its way is given up. */
  take(): void {
    this.#taken.abort(new Error("a later attempt has taken over"));
  }

  /** Adds bytes at the end, which is all that an upload can; they are copied. */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#throwIfLost("write to");
    if (at !== this.size) {
      throw unsupported(`write at ${at} of`, this, `it ends at ${this.size}, and only there`);
    }
    for (let from = 0; from < bytes.length;) {
      const partBytes = this.#partBytes(this.#nextPart);
      const count = Math.min(bytes.length - from, partBytes - this.#tailBytes);
      this.#grow(this.#tailBytes + count, partBytes);
      this.#tail.bytes.set(bytes.subarray(from, from + count), this.#tailBytes);
      this.#tailBytes += count;
      from += count;
      if (this.#tailBytes === partBytes) await this.#send();
    }
  }

  /**
   * Has the service make the parts from its end on, up to `size`, several at once. `made` is told how many
   * bytes from the start are there.
   */
  async fill(
    { size, partBytes, make, made }: PartsToMake,
  ): Promise<void> {
    this.#throwIfLost("copy to");
    if (this.#tailBytes > 0) {
      throw unsupported("copy to", this, "its end is in memory, and shorter than a part");
    }
    const uploadId = await this.#begun();
    while (this.#sentBytes < size) {
      while (this.#flying.size >= protocolLimits.s3PartsAtOnce) {
        await Promise.race(this.#flying.keys());
      }
      this.#throwIfLost("copy to");
      const start = this.#sentBytes;
      const end = Math.min(size, start + partBytes);
      const number = this.#nextPart++;
      this.#sentBytes = end;
      const flight = make({ uploadId, number, start, end, signal: this.#taken.signal }).then(
        (part) => {
          this.#parts.push(part);
          made(this.#leadingBytes());
        },
        (why: unknown) => void (this.#error ??= { why }),
      ).finally(() => this.#flying.delete(flight));
      this.#flying.set(flight, 0);
    }
    await this.landed();
    this.#throwIfLost("copy to");
  }

  #leadingBytes(): number {
    let bytes = 0;
    for (const [index, { number, size }] of this.#sorted().entries()) {
      if (number !== index + 1) break;
      bytes += size;
    }
    return bytes;
  }

  /** Cuts it at `size`, or where the part before ends: what was sent cannot be cut. */
  truncate(size: number): Promise<void> {
    return this.#settledThen(() => {
      if (size > this.size) throw unsupported("lengthen", this, "it has no gaps");
      this.#isMarkStale = true;
      if (size >= this.#sentBytes) this.#tailBytes = size - this.#sentBytes;
      else this.#dropParts(size);
    });
  }

  /**
   * Waits for what was sent, and leaves at the server what a process that comes later needs to go on: the
   * upload's name, or all bytes of a file that is shorter than a part. What is gone shows when the file
   * is opened again.
   */
  async sync(): Promise<void> {
    if (this.isTaken) throw taken("sync", this);
    // Those that are on their way now: while they land, others start.
    await Promise.allSettled([...this.#flying.keys()]);
    if (this.isBroken || this.#uploadId !== null || this.#beginning !== null) return;
    const isMarked = this.#markedBytes === this.#tailBytes && !this.#isMarkStale;
    if (isMarked || this.#tailBytes > protocolLimits.s3PartBytes) return;
    await this.#mark(null, this.#tail.bytes.slice(0, this.#tailBytes));
  }

  /** Everything was sent; the parts, or, of a file without an upload, its bytes. */
  async finished(): Promise<{ readonly parts: readonly Part[]; readonly tail: Block }> {
    this.#throwIfLost("publish");
    if (this.#uploadId !== null || this.#beginning !== null) {
      if (this.#tailBytes > 0) await this.#send();
      await this.landed();
      this.#throwIfLost("publish");
    }
    return { parts: this.#sorted(), tail: this.#tail };
  }

  get tailBytes(): number {
    return this.#tailBytes;
  }

  /** Resolves when nothing is on its way any more; never rejects. */
  async landed(): Promise<void> {
    while (this.#flying.size > 0) await Promise.allSettled(this.#flying.keys());
  }

  async #settledThen(act: () => void): Promise<void> {
    await this.landed();
    this.#throwIfLost("cut");
    act();
  }

  #dropParts(size: number): void {
    let [kept, bytes] = [0, 0];
    for (const part of this.#sorted()) {
      if (bytes + part.size > size) break;
      bytes += part.size;
      kept += 1;
    }
    this.#parts.splice(0, this.#parts.length, ...this.#sorted().slice(0, kept));
    this.#nextPart = kept + 1;
    this.#sentBytes = bytes;
    this.#tailBytes = 0;
  }

  #sorted(): Part[] {
    return [...this.#parts].sort((a, b) => a.number - b.number);
  }

  #partBytes(number: number): number {
    if (number <= protocolLimits.s3PartsMax) {
      return bytesOfPart(number, this.facts.partBytes);
    }
    throw unsupported("write on to", this, 'it has 10,000 parts; raise option "partSize"');
  }

  /** Grows the tail; to a part's size at once when it is more than a small file. */
  #grow(bytes: number, partBytes: number): void {
    if (bytes <= this.#tail.bytes.length) return;
    const doubled = Math.max(FIRST_TAIL_BYTES, this.#tail.bytes.length * 4, bytes);
    const larger = doubled >= partBytes ? this.#room.memory(partBytes) : new Uint8Array(doubled);
    larger.set(this.#tail.bytes.subarray(0, this.#tailBytes));
    this.#tail = { bytes: larger };
  }

  async #send(): Promise<void> {
    const uploadId = await this.#begun();
    const length = this.#tailBytes;
    const { s3PartsAtOnce, s3PartsWindowBytes } = protocolLimits;
    while (
      this.#flying.size >= s3PartsAtOnce ||
      (this.#flying.size > 0 && this.#flyingBytes() + length > s3PartsWindowBytes)
    ) {
      await Promise.race(this.#flying.keys());
    }
    await this.#room.enter(length);
    const [block, number] = [this.#tail, this.#nextPart];
    if (this.isTaken || this.isBroken) {
      this.#room.leave(length, null);
      return this.#throwIfLost("write to");
    }
    this.#tail = { bytes: new Uint8Array() };
    this.#tailBytes = 0;
    this.#sentBytes += length;
    this.#nextPart += 1;
    this.#fly(uploadId, number, block, length);
  }

  #fly(uploadId: string, number: number, block: Block, length: number): void {
    const { key } = this.facts;
    const { checksum } = this.#client.place;
    const { signal } = this.#taken;
    const flight = uploadPart(
      this.#client,
      { key, uploadId },
      number,
      block,
      length,
      checksum,
      signal,
    ).then(
      (part) => void this.#parts.push(part),
      (why: unknown) => void (this.#error ??= { why }),
    ).finally(() => {
      this.#flying.delete(flight);
      this.#room.leave(length, block);
    });
    this.#flying.set(flight, length);
  }

  #flyingBytes(): number {
    let bytes = 0;
    for (const length of this.#flying.values()) bytes += length;
    return bytes;
  }

  #begun(): Promise<string> {
    if (this.#uploadId !== null) return Promise.resolve(this.#uploadId);
    this.#beginning ??= this.#begin().finally(() => this.#beginning = null);
    return this.#beginning;
  }

  /** The marker first: an upload whose name nobody knows could not be found again. */
  async #begin(): Promise<string> {
    const { place } = this.#client;
    const { key, fileId } = this.facts;
    if (this.#markedBytes === null) await this.#mark(null, new Uint8Array());
    const headers = { ...place.makingHeaders, [FILE_ID_HEADER]: fileId };
    const { signal } = this.#taken;
    const uploadId = await createUpload(this.#client, key, headers, place.checksum, signal);
    try {
      await this.#mark(uploadId, new Uint8Array());
    } catch (thrown) {
      await abortUpload(this.#client, { key, uploadId }, null).catch(() => {});
      throw thrown;
    }
    this.#uploadId = uploadId;
    await this.#began();
    return uploadId;
  }

  /** One at a time: `sync` may come while a part is being sent. */
  #mark(uploadId: string | null, tail: Uint8Array): Promise<void> {
    const mark = this.#marking.then(() => this.#markNow(uploadId, tail));
    this.#marking = mark.catch(() => {});
    return mark;
  }

  /** Only where none stands, or over the one that this file has put there. */
  async #markNow(uploadId: string | null, tail: Uint8Array): Promise<void> {
    const { markerKey, key, fileId, base, temp, partBytes } = this.facts;
    const { abilities } = this.#client.service;
    const { signal } = this.#taken;
    const marker: Marker = {
      ...{ key, fileId, base, uploadId, partBytes },
      createdMs: Math.round(this.#client.env.clock.now()),
    };
    const isFirst = this.#markedBytes === null;
    if (isFirst && abilities.createsOnly !== true) await this.#assertNone(markerKey);
    const condition: Record<string, string> = isFirst
      ? (abilities.createsOnly === true ? { "if-none-match": "*" } : {})
      : abilities.replacesOnly === true && this.#markerEtag !== null
      ? { "if-match": this.#markerEtag }
      : {};
    try {
      this.#markerEtag = await writeMarker(
        this.#client,
        markerKey,
        marker,
        tail,
        condition,
        signal,
      );
    } catch (thrown) {
      const isGone = isUnmet(thrown) || (!isFirst && isMissing(thrown));
      if (!isGone) throw thrown;
      // The refusal may be of a try that came after the one that did it.
      const standing = await readMarker(this.#client, markerKey, signal);
      const isOurs = standing?.marker.fileId === fileId && standing.marker.uploadId === uploadId;
      if (!isOurs) throw isFirst ? exists(temp) : taken("write to", this);
      this.#markerEtag = standing.etag;
    }
    this.#markedBytes = tail.length;
    this.#isMarkStale = false;
  }

  async #assertNone(markerKey: string): Promise<void> {
    const action = `look for ${shown(this.#client, markerKey)}`;
    const standing = await headObject(this.#client, markerKey, action, this.#taken.signal);
    if (standing !== null) throw exists(this.facts.temp);
  }

  #throwIfLost(verb: string): void {
    if (this.isTaken) throw taken(verb, this);
    if (this.#error !== null) throw this.#error.why;
  }
}

/** The error of a file that somebody else has taken away or published. */
export function taken(verb: string, { facts }: Upload): ProtocolError {
  const message = `cannot ${verb} ${facts.temp}: it is gone; a later attempt has taken over`;
  return new ProtocolError("notFound", message, { definite: true });
}

function exists(temp: string): ProtocolError {
  const message = `cannot create ${temp}: an object of that name exists`;
  return new ProtocolError("exists", message, { definite: true });
}

function unsupported(verb: string, { facts }: Upload, reason: string): ProtocolError {
  return new ProtocolError("unsupported", `cannot ${verb} ${facts.temp}: ${reason}`);
}
