/** The machine that the members of a simulated cluster replicate: a chain of hashes over all entries. */

import { crc32 } from "node:zlib";
import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { SnapshotFile } from "../../../../runtime/raft/core/messages.ts";

/** A durable snapshot with its bytes. */
export interface HeldSnapshot {
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  readonly bytes: Uint8Array;
}

/** The chain after one more entry (FNV-1a over term, index and data). */
export function chained(chain: number, entry: Entry): number {
  let hash = Math.imul(chain ^ entry.term, 0x01000193);
  hash = Math.imul(hash ^ entry.index, 0x01000193);
  const { data } = entry;
  for (let place = 0; place < data.length; place += 1) {
    hash = Math.imul(hash ^ data[place]!, 0x01000193);
  }
  return hash >>> 0;
}

export function fileOf(bytes: Uint8Array): SnapshotFile {
  return { bytes: bytes.length, crc: crc32(bytes) };
}

export function isSameFile(left: SnapshotFile, right: SnapshotFile): boolean {
  return left.bytes === right.bytes && left.crc === right.crc;
}

export function parsedConfiguration(data: Uint8Array): Configuration {
  return JSON.parse(new TextDecoder().decode(data)) as Configuration;
}

/** State at `index`: the chain, and what a snapshot must say. */
export class ChainMachine {
  index: number;
  chain: number;
  #term: number;
  #stampMs: number;
  #configuration: Configuration;
  #configurationIndex: number;

  constructor(snapshot: SnapshotMeta, bytes: Uint8Array | null) {
    this.index = snapshot.index;
    this.chain = bytes === null || bytes.length === 0
      ? 0
      : Number(new TextDecoder().decode(bytes).split(" ")[1]);
    this.#term = snapshot.term;
    this.#stampMs = snapshot.stampMs;
    this.#configuration = snapshot.configuration;
    this.#configurationIndex = snapshot.configurationIndex;
  }

  apply(entry: Entry): void {
    this.index = entry.index;
    this.chain = chained(this.chain, entry);
    this.#term = entry.term;
    this.#stampMs = entry.stampMs;
    if (entry.kind !== "config") return;
    this.#configuration = parsedConfiguration(entry.data);
    this.#configurationIndex = entry.index;
  }

  /** A snapshot of now; `padding` makes files of one index differ between members. */
  capture(padding: number): HeldSnapshot {
    const bytes = new TextEncoder().encode(`${this.index} ${this.chain} ${"x".repeat(padding)}`);
    return { snapshot: this.meta(), file: fileOf(bytes), bytes };
  }

  meta(): SnapshotMeta {
    return {
      index: this.index,
      term: this.#term,
      stampMs: this.#stampMs,
      configuration: this.#configuration,
      configurationIndex: this.#configurationIndex,
    };
  }
}
