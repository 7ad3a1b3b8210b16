/**
 * The bytes of one simulated file: what reads see (the page cache) and what a power loss leaves.
 *
 * The unit of durability is a sector. Between two syncs each written sector may or may not reach the
 * device, in any order, and the size may grow before the data (then zeros are seen).
 */

import { limitValues } from "../base/limits.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SeededRandom } from "./random.ts";

const SECTOR = limitValues(SIM_LIMITS).sectorBytes;

/** Bytes that grow; what was never written is zero. */
class Content {
  #bytes = new Uint8Array(0);
  size = 0;

  read(into: Uint8Array, position: number): number {
    const part = this.#bytes.subarray(position, Math.min(this.size, position + into.length));
    into.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, position: number): void {
    this.resize(Math.max(this.size, position + bytes.length));
    this.#bytes.set(bytes, position);
  }

  resize(size: number): void {
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, this.size));
      this.#bytes = grown;
    }
    this.size = size;
  }

  /** A copy of one sector, as long as the file reaches into it. */
  sector(index: number): Uint8Array {
    return this.#bytes.slice(index * SECTOR, Math.min(this.size, (index + 1) * SECTOR));
  }

  /** Overwrites what of a sector lies within the file. */
  setSector(index: number, bytes: Uint8Array): void {
    const room = this.size - index * SECTOR;
    if (room <= 0) return;
    this.#bytes.set(bytes.subarray(0, room), index * SECTOR);
  }

  flip(position: number, bit: number): void {
    this.#bytes[position]! ^= 1 << bit;
  }
}

/** What a sync that has begun will make durable. */
export interface SyncPoint {
  readonly size: number;
  /** The smallest size since the device last agreed: what lay beyond was cut off. */
  readonly lowestSize: number;
  readonly truncations: number;
  readonly metadata: Metadata | null;
  readonly sectors: readonly { index: number; bytes: Uint8Array; write: number }[];
}

interface Metadata {
  readonly mode: number;
  readonly mtimeMs: number;
}

/** A simulated regular file, whatever names it has. */
export class FileInode {
  readonly kind = "file";
  readonly ino: number;
  metadata: Metadata;
  #durableMetadata: Metadata;
  readonly #cache = new Content();
  readonly #device = new Content();
  /** Sectors that the device may lack, with the number of their last write. */
  readonly #dirty = new Map<number, number>();
  #writes = 0;
  /** The smallest size that the device has not seen yet; what lay beyond was cut off. */
  #lowestSize = Infinity;
  #truncations = 0;

  constructor(ino: number, mode: number, mtimeMs: number) {
    this.ino = ino;
    this.metadata = { mode, mtimeMs };
    this.#durableMetadata = this.metadata;
  }

  get size(): number {
    return this.#cache.size;
  }

  read(into: Uint8Array, position: number): number {
    return this.#cache.read(into, position);
  }

  write(bytes: Uint8Array, position: number, mtimeMs: number): void {
    if (bytes.length === 0) return;
    this.#cache.write(bytes, position);
    this.#touch(position, position + bytes.length);
    this.metadata = { ...this.metadata, mtimeMs };
  }

  truncate(size: number, mtimeMs: number): void {
    const before = this.#cache.size;
    this.#cache.resize(size);
    if (size < before) {
      this.#truncations += 1;
      this.#lowestSize = Math.min(this.#lowestSize, size);
      this.#touch(size, Math.min(before, (Math.floor(size / SECTOR) + 1) * SECTOR));
    }
    this.metadata = { ...this.metadata, mtimeMs };
  }

  /** What is to be durable once this sync ends: later writes are not part of it. */
  beginSync(withMetadata: boolean): SyncPoint {
    const sectors = [...this.#dirty].map(([index, write]) => ({
      index,
      write,
      bytes: this.#cache.sector(index),
    }));
    return {
      size: this.size,
      lowestSize: this.#lowestSize,
      truncations: this.#truncations,
      metadata: withMetadata ? this.metadata : null,
      sectors,
    };
  }

  endSync(point: SyncPoint): void {
    if (point.truncations === this.#truncations) this.#cutDevice();
    else this.#device.resize(Math.min(this.#device.size, point.lowestSize));
    // Only ever longer: the device may have written back what was appended since.
    this.#device.resize(Math.max(this.#device.size, point.size));
    for (const { index, bytes, write } of point.sectors) {
      this.#device.setSector(index, bytes);
      if (this.#dirty.get(index) === write) this.#dirty.delete(index);
    }
    if (point.metadata !== null) this.#durableMetadata = point.metadata;
  }

  /**
   * A sync that failed, as on Linux: the pages count as clean, so no later sync writes them, and
   * reads give either version.
   */
  failSync(random: SeededRandom): void {
    for (const index of this.#dirty.keys()) {
      const fate = random.next();
      if (fate < 0.33) this.#cache.setSector(index, this.#deviceSector(index));
      else if (fate < 0.66) this.#device.setSector(index, this.#cache.sector(index));
    }
    this.#dirty.clear();
  }

  /** The device writes one sector back on its own. */
  writeBack(random: SeededRandom): void {
    if (this.#dirty.size === 0) return;
    const index = [...this.#dirty.keys()][random.integer(0, this.#dirty.size - 1)]!;
    this.#cutDevice();
    const reach = Math.min(this.#cache.size, (index + 1) * SECTOR);
    if (this.#device.size < reach) this.#device.resize(reach);
    this.#device.setSector(index, this.#cache.sector(index));
    this.#dirty.delete(index);
  }

  /** What the device has after the power went: a subset of the unsynced sectors, perhaps torn. */
  losePower(random: SeededRandom, tornWrites: boolean): void {
    if (random.chance(0.5)) this.#cutDevice();
    this.#device.resize(this.#sizeAfterLoss(random));
    for (const index of this.#dirty.keys()) {
      if (random.chance(0.5)) continue;
      const whole = this.#cache.sector(index);
      const torn = tornWrites && random.chance(0.3);
      const kept = torn ? whole.subarray(0, random.integer(0, whole.length)) : whole;
      this.#device.setSector(index, kept);
    }
    this.#dirty.clear();
    if (random.chance(0.5)) this.#durableMetadata = this.metadata;
    this.metadata = this.#durableMetadata;
    this.#lowestSize = Infinity;
    this.#cache.resize(0);
    const content = new Uint8Array(this.#device.size);
    this.#device.read(content, 0);
    this.#cache.write(content, 0);
  }

  /** Damages one bit, in the cache and on the device alike. */
  flipBit(position: number, bit: number): void {
    if (position < this.#cache.size) this.#cache.flip(position, bit);
    if (position < this.#device.size) this.#device.flip(position, bit);
  }

  #cutDevice(): void {
    this.#device.resize(Math.min(this.#device.size, this.#lowestSize));
    this.#lowestSize = Infinity;
  }

  #sizeAfterLoss(random: SeededRandom): number {
    const [durable, cached] = [this.#device.size, this.#cache.size];
    const fate = random.integer(0, 2);
    if (fate === 0) return durable;
    if (fate === 1 || cached <= durable) return cached;
    const sectors = Math.floor((cached - durable) / SECTOR);
    return durable + random.integer(0, sectors) * SECTOR;
  }

  #deviceSector(index: number): Uint8Array {
    const bytes = new Uint8Array(SECTOR);
    bytes.set(this.#device.sector(index));
    return bytes;
  }

  #touch(from: number, to: number): void {
    this.#writes += 1;
    for (let index = Math.floor(from / SECTOR); index * SECTOR < to; index += 1) {
      this.#dirty.set(index, this.#writes);
    }
  }
}
