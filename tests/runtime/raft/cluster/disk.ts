/**
 * The disk of one simulated member. Persist orders become durable late and in order; at a crash any
 * number of the waiting ones has survived, and the next of them may be torn in the middle.
 */

import type {
  Entry,
  HardState,
  MemberId,
  SnapshotMeta,
} from "../../../../runtime/raft/core/entry.ts";
import type { SnapshotFile } from "../../../../runtime/raft/core/messages.ts";
import type { Restored } from "../../../../runtime/raft/core/options.ts";
import type { PersistOrder, SaveChunk } from "../../../../runtime/raft/core/outputs.ts";
import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import { LogShadow } from "./log_shadow.ts";
import { fileOf, type HeldSnapshot, isSameFile } from "./machine.ts";
import { holds } from "./violation.ts";

const SNAPSHOTS_KEPT = 2;

/** A snapshot that is being received. */
interface Receiving {
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  readonly bytes: Uint8Array;
  length: number;
}

/** What survives a crash, and what may. */
export class Disk {
  readonly log = new LogShadow();
  hardState: HardState = { term: 0, vote: null, commit: 0 };
  /** Whom it durably voted for, by term, for ever. */
  readonly votes = new Map<number, MemberId>();
  /** By index, the oldest first. */
  snapshots: HeldSnapshot[] = [];
  readonly #initial: SnapshotMeta;
  #waiting: PersistOrder[] = [];
  #receiving: Receiving | null = null;
  /** How often another file took the place of one that was being received. */
  replaced = 0;

  constructor(initial: SnapshotMeta) {
    this.#initial = initial;
    this.log.reset(initial);
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  get newest(): HeldSnapshot | undefined {
    return this.snapshots[this.snapshots.length - 1];
  }

  /** The highest index that is durable, in a snapshot or in the log. */
  get durableIndex(): number {
    return Math.max(this.log.lastIndex, this.newest?.snapshot.index ?? 0);
  }

  /** Whether `index` is durable here as the entry of `term`. */
  holdsEntry(index: number, term: number): boolean {
    return (this.newest?.snapshot.index ?? 0) >= index || this.log.termAt(index) === term;
  }

  write(order: PersistOrder): void {
    this.#waiting.push(order);
  }

  /** Orders up to `number` are now durable. */
  completeThrough(number: number): void {
    let done = 0;
    for (const order of this.#waiting) {
      if (order.number > number) break;
      this.#carryOut(order, Infinity);
      done += 1;
    }
    if (done > 0) this.#waiting.splice(0, done);
  }

  /** What was not confirmed has survived as far as chance wants. True if an order was torn. */
  crash(random: SeededRandom): boolean {
    const waiting = this.#waiting;
    this.#waiting = [];
    const survivors = waiting.length === 0 ? 0 : random.integer(0, waiting.length);
    for (const order of waiting.slice(0, survivors)) this.#carryOut(order, Infinity);
    if (this.#receiving !== null) {
      this.#receiving.length = random.integer(0, this.#receiving.length);
    }
    const torn = waiting[survivors];
    if (torn === undefined) return false;
    const parts = (torn.reset === null ? 0 : 1) + torn.entries.length;
    this.#carryOut(torn, random.integer(0, parts));
    return parts > 0;
  }

  /** The first `parts` of reset, entries one by one, hard state. */
  #carryOut(order: PersistOrder, parts: number): void {
    let left = parts;
    if (order.reset !== null && left > 0) {
      this.log.reset(order.reset);
      left -= 1;
    }
    for (const entry of order.entries) {
      if (left <= 0) return;
      this.#put(entry);
      left -= 1;
    }
    if (order.hardState === null || left <= 0) return;
    this.hardState = order.hardState;
    const { term, vote } = order.hardState;
    if (vote !== null) this.votes.set(term, vote);
  }

  #put(entry: Entry): void {
    const { log } = this;
    const fits = entry.index > log.base && entry.index <= log.lastIndex + 1;
    holds(fits, "order of outputs", () => {
      return `entry ${entry.index} does not follow a log of ${log.base + 1}..${log.lastIndex}`;
    });
    log.put(entry);
  }

  /** One more snapshot is durable: it stays, beside the newest other one. */
  keep(held: HeldSnapshot): void {
    const others = this.snapshots.filter(({ snapshot }) => snapshot.index !== held.snapshot.index);
    this.snapshots = [...others.slice(1 - SNAPSHOTS_KEPT), held]
      .sort((left, right) => left.snapshot.index - right.snapshot.index);
  }

  find(snapshot: SnapshotMeta, file: SnapshotFile): HeldSnapshot | undefined {
    return this.snapshots.find((held) => {
      return held.snapshot.index === snapshot.index && isSameFile(held.file, file);
    });
  }

  /** Keeps a piece that came, at the place where it belongs or not at all. */
  receive(chunk: SaveChunk): { readonly nextOffset: number; readonly complete: boolean } {
    if (this.find(chunk.snapshot, chunk.file) !== undefined) {
      return { nextOffset: chunk.file.bytes, complete: true };
    }
    const receiving = this.#receivingOf(chunk);
    if (chunk.offset <= receiving.length) {
      receiving.bytes.set(chunk.bytes, chunk.offset);
      receiving.length = Math.max(receiving.length, chunk.offset + chunk.bytes.length);
    }
    if (receiving.length < receiving.file.bytes) {
      return { nextOffset: receiving.length, complete: false };
    }
    this.#receiving = null;
    const { snapshot, file, bytes } = receiving;
    holds(isSameFile(fileOf(bytes), file), "snapshots arrive whole", () => {
      return `the file at index ${snapshot.index} has other bytes than its sender's`;
    });
    this.keep({ snapshot, file, bytes });
    return { nextOffset: file.bytes, complete: true };
  }

  #receivingOf({ snapshot, file }: SaveChunk): Receiving {
    const current = this.#receiving;
    const isSame = current !== null && current.snapshot.index === snapshot.index &&
      isSameFile(current.file, file);
    if (isSame) return current;
    if (current !== null) this.replaced += 1;
    this.#receiving = { snapshot, file, bytes: new Uint8Array(file.bytes), length: 0 };
    return this.#receiving;
  }

  compact(index: number): void {
    this.log.compact(Math.min(index, this.newest?.snapshot.index ?? 0));
  }

  /** What a member starts from; the log may not go with the snapshot, if a crash came between them. */
  restored(): Restored {
    const held = this.newest;
    return {
      hardState: this.hardState,
      snapshot: held?.snapshot ?? this.#initial,
      file: held?.file ?? null,
      entries: this.log.entries.slice(),
    };
  }
}
