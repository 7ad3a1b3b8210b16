/**
 * Carries out what the core wants: the disk, the clock and the messages of one member. It knows neither
 * actors nor the machine; `DriverHost` does.
 */

import type { Env, TimerHandle } from "../env/env.ts";
import { messageOf } from "../base/errors.ts";
import type { Entry, MemberId, SnapshotMeta } from "./core/entry.ts";
import type { Input, Moment } from "./core/input.ts";
import type { Message } from "./core/messages.ts";
import type { RaftOptions } from "./core/options.ts";
import type { Answer, Outputs, RaftEvent, ReadAnswer } from "./core/outputs.ts";
import {
  createRaft,
  type Raft,
  type RaftStatus,
  snapshotMetaAt,
  statusOf,
  step,
} from "./core/raft.ts";
import { CommitNews } from "./commit_news.ts";
import type { Engine } from "./engine.ts";
import { RaftError } from "./errors.ts";
import type { RaftLimits } from "./limits.ts";
import { PersistLine } from "./persist_line.ts";
import { PieceSender } from "./snapshots/piece_sender.ts";
import type { RaftLogStore, SnapshotPieces, SnapshotStore, StoredSnapshot } from "./storage.ts";

/** Nobody waits for a transfer that the driver asks for. */
const OWN_TRANSFER = -1;

/** What a driver tells whoever runs it. None of these may throw. */
export interface DriverHost {
  /** False where it certainly went nowhere. */
  send(message: Message): boolean;
  /** Committed entries, to be applied in order and confirmed by `applied`. */
  apply(entries: readonly Entry[]): void;
  /** Replace the state by this snapshot, in line with `apply`; confirmed by `applied`. */
  restore(stored: StoredSnapshot): void;
  answered(answer: Answer): void;
  readAnswered(answer: ReadAnswer): void;
  happened(event: RaftEvent): void;
  /** The disk failed: this member has stopped, and nothing more comes. */
  failed(error: RaftError): void;
}

/** What a driver needs. */
export interface DriverParts {
  readonly env: Pick<Env, "clock" | "timers" | "random" | "log">;
  readonly options: RaftOptions;
  readonly log: RaftLogStore;
  readonly snapshots: SnapshotStore;
  readonly limits: Pick<
    RaftLimits,
    "chunkBytes" | "chunkWindow" | "commitNewsMs" | "fullDiskPauseMs"
  >;
  /** Entries after which a witness forgets those before; members with state say when by `snapshot`. */
  readonly witnessEntries: number;
  readonly host: DriverHost;
  /** False while whoever applies and answers hears nothing: such a member does not lead. Always true if left out. */
  readonly isServing?: () => boolean;
}

/** See the head of this file. */
export class Driver implements Engine {
  readonly #parts: DriverParts;
  readonly #raft: Raft;
  /** Inputs that came while another one was being carried out. */
  readonly #inbox: Input[] = [];
  #busy = false;
  #stopped = false;
  #timer: TimerHandle | null = null;
  #takingSnapshot = false;
  readonly #line: PersistLine;
  readonly #pieces: PieceSender;
  readonly #news: CommitNews;

  constructor(parts: DriverParts) {
    this.#parts = parts;
    this.#raft = createRaft(parts.options, parts.log.restored, this.#moment());
    this.#line = new PersistLine(parts.env, parts.log, parts.limits.fullDiskPauseMs, {
      persisted: (number) => this.input({ type: "persisted", number }),
      failed: (error) => this.#fail(error),
    });
    this.#pieces = new PieceSender({
      ...parts.limits,
      snapshots: parts.snapshots,
      from: parts.options.id,
      send: (message) => this.#send(message),
      lost: (to, index) => this.input({ type: "chunkNotSent", to, index }),
      failed: (error) => this.#fail(error),
    });
    const { timers } = parts.env;
    this.#news = new CommitNews(
      timers,
      parts.limits.commitNewsMs,
      (message) => void this.#send(message),
    );
  }

  /** The disk is full: nothing is confirmed until it has room again. */
  get isDiskFull(): boolean {
    return this.#line.isStuck;
  }

  /** Restores the newest snapshot, then lets time pass. */
  start(): void {
    const newest = this.#parts.snapshots.newest();
    // The snapshot of a witness has no state.
    if (newest !== null && newest.file.bytes > 0) this.#parts.host.restore(newest);
    this.#tick();
  }

  /** Anything that happened; order is kept. Ignored once it has stopped. */
  input(input: Input): void {
    if (this.#stopped) return;
    this.#inbox.push(input);
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let next = 0; next < this.#inbox.length && !this.#stopped; next += 1) {
        this.#carryOut(step(this.#raft, this.#inbox[next]!, this.#moment()));
      }
    } finally {
      this.#inbox.length = 0;
      this.#busy = false;
    }
  }

  status(): RaftStatus {
    return statusOf(this.#raft);
  }

  /** A snapshot of state that has applied `index`; null while one is being taken. */
  async snapshot(index: number, pieces: SnapshotPieces): Promise<SnapshotMeta | null> {
    if (this.#stopped || this.#takingSnapshot) return null;
    this.#takingSnapshot = true;
    try {
      await null; // the core has been told by then that `index` is applied
      // A snapshot of another member may be newer by now.
      if (index < this.status().firstIndex - 1) return null;
      const stored = await this.#parts.snapshots.take(snapshotMetaAt(this.#raft, index), pieces);
      this.input({ type: "snapshotTaken", ...stored });
      return stored.snapshot;
    } catch (error) {
      this.#snapshotFailed(error);
      throw error;
    } finally {
      this.#takingSnapshot = false;
    }
  }

  pieces(stored: StoredSnapshot): ReturnType<SnapshotStore["pieces"]> {
    return this.#parts.snapshots.pieces(stored);
  }

  /** Ends it; what is being written is written, and nobody is told. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#line.stop();
    this.#pieces.stop();
    this.#news.stop();
    await this.#parts.log.close();
  }

  #moment(): Moment {
    const { clock, random } = this.#parts.env;
    return { nowMs: clock.monotonic(), wallMs: clock.now(), random: random.next() };
  }

  /**
   * The tick after a stall of the event loop must not elect anybody while the leader's messages wait to
   * be read: they get half a heartbeat first.
   */
  #tick(isDraining = false): void {
    if (this.#stopped) return;
    const { clock, timers } = this.#parts.env;
    const pauseMs = this.#parts.options.heartbeatMs / 2;
    const dueMs = clock.monotonic() + pauseMs;
    this.#timer = timers.after(pauseMs, () => {
      const wasLate = clock.monotonic() - dueMs > pauseMs;
      if (wasLate && !isDraining) return this.#tick(true);
      timers.soon(() => {
        this.#pass();
        this.#tick();
      });
    });
  }

  /** Who can confirm or serve nothing does not campaign, and hands over where it leads. */
  #pass(): void {
    const { role, transferringTo, witness, applied, snapshotIndex } = this.status();
    if (witness && applied - snapshotIndex >= this.#parts.witnessEntries) {
      this.snapshot(applied, []).catch(() => {}); // it is in the log, and tried again
    }
    const mayLead = !this.isDiskFull && this.#parts.isServing?.() !== false;
    if (!mayLead && role === "leader" && transferringTo === null) {
      this.input({ type: "transfer", id: OWN_TRANSFER, to: null });
    }
    if (mayLead || role === "leader") this.input({ type: "tick" });
  }

  /** The order is that of `core/outputs.ts`. */
  #carryOut(outputs: Outputs): void {
    const { host } = this.#parts;
    for (const order of outputs.persist) this.#line.persist(order);
    this.#sendAll(outputs.send);
    if (outputs.restore !== null) this.#restore(outputs.restore);
    if (outputs.apply.length > 0) host.apply(outputs.apply);
    for (const chunk of outputs.sendChunks) this.#pieces.order(chunk);
    if (outputs.saveChunk !== null) void this.#saveChunk(outputs.saveChunk);
    if (outputs.compact !== null) void this.#compact(outputs.compact);
    for (const answer of outputs.answers) if (answer.id !== OWN_TRANSFER) host.answered(answer);
    for (const answer of outputs.reads) host.readAnswered(answer);
    for (const event of outputs.events) host.happened(event);
  }

  /** An append behind one that went nowhere would only leave a gap. */
  #sendAll(messages: readonly Message[]): void {
    const refused: MemberId[] = [];
    for (const message of messages) {
      if (this.#news.holds(message)) continue;
      if (message.type === "append" && refused.includes(message.to)) continue;
      if (!this.#send(message)) refused.push(message.to);
    }
  }

  #send(message: Message): boolean {
    const isSent = this.#parts.host.send(message);
    if (!isSent) this.input({ type: "unreachable", member: message.to });
    return isSent;
  }

  #restore(meta: SnapshotMeta): void {
    const newest = this.#parts.snapshots.newest();
    if (newest?.snapshot.index !== meta.index) {
      const what = `the snapshot at ${meta.index} is gone before it was restored`;
      return this.#fail(new RaftError("SnapshotCorrupt", `restore state: ${what}`));
    }
    this.#parts.host.restore(newest);
  }

  async #saveChunk(
    { snapshot, file, offset, bytes }: Outputs["saveChunk"] & object,
  ): Promise<void> {
    try {
      const saved = await this.#parts.snapshots.receive({ snapshot, file }, offset, bytes);
      this.input({ type: "chunkSaved", index: snapshot.index, ...saved });
    } catch (error) {
      // Without room, or with a damaged piece, the leader tries again later.
      this.#snapshotFailed(error);
    }
  }

  async #compact(index: number): Promise<void> {
    try {
      await this.#parts.log.compact(index);
    } catch (error) {
      this.#parts.env.log.write("warn", "old files of a Raft log could not be removed", {
        reason: messageOf(error),
      });
    }
  }

  #snapshotFailed(error: unknown): void {
    if (this.#stopped) return;
    this.#parts.env.log.write("warn", "a snapshot could not be written", {
      reason: messageOf(error),
    });
  }

  #fail(thrown: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    this.#line.stop();
    this.#pieces.stop();
    this.#news.stop();
    const error = thrown instanceof RaftError
      ? thrown
      : new RaftError("DiskFailed", `keep the Raft log: ${messageOf(thrown)}`, { cause: thrown });
    this.#parts.log.close().catch(() => {}); // its error has been told already
    this.#parts.host.failed(error);
  }
}
