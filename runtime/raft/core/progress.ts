/** How far a leader knows one member to be. */

import { assert } from "../../base/assert.ts";
import { DriftWatch } from "./drift.ts";
import type { MemberId, SnapshotMeta } from "./entry.ts";
import type { SnapshotFile } from "./messages.ts";

/**
 * `probe`: one append at a time until the logs meet. `replicate`: appends follow each other without
 * waiting. `snapshot`: the log no longer reaches the member. `lost`: it holds less than it had confirmed.
 */
export type ProgressState = "probe" | "replicate" | "snapshot" | "lost";

/** A snapshot that a member is being sent. */
export interface SendingSnapshot {
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  /** The piece under way; null: it is asked what it has. */
  offset: number | null;
  sentMs: number;
}

/** Bounds of what is under way to one member. */
export interface Window {
  readonly inflightMessages: number;
  readonly inflightBytes: number;
}

/** One member, seen by the leader, during one membership of it. */
export class Progress {
  state: ProgressState = "probe";
  /** Everything up to here is the leader's and durable there. */
  match = 0;
  /** The next entry to send. */
  next: number;
  /** The probe that is out has no answer yet. */
  probing = false;
  /** The last heartbeat round it has answered. */
  round = 0;
  lastHeardMs: number;
  /** Its wall clock less our monotonic one: so a jump of our own wall clock shows at once. */
  clockBaseMs: number | null = null;
  /** The highest version of the machine that it can apply; null: it has not told. */
  machineVersion: number | null = null;
  readonly drift = new DriftWatch();
  sending: SendingSnapshot | null = null;
  /** Since when it has had whatever was committed. */
  keptUpSinceMs: number | null = null;
  #inflight: { readonly lastIndex: number; readonly bytes: number }[] = [];
  #inflightBytes = 0;

  /** `session` is the membership: answers to another one count for nothing. */
  constructor(
    readonly id: MemberId,
    readonly session: number,
    readonly witness: boolean,
    next: number,
    nowMs: number,
  ) {
    this.next = next;
    this.lastHeardMs = nowMs;
  }

  get inflightMessages(): number {
    return this.#inflight.length;
  }

  get inflightBytes(): number {
    return this.#inflightBytes;
  }

  hasRoom(window: Window): boolean {
    return this.#inflight.length < window.inflightMessages &&
      this.#inflightBytes < window.inflightBytes;
  }

  probe(): void {
    this.#become("probe");
    this.next = this.match + 1;
  }

  replicate(): void {
    this.#become("replicate");
    this.next = this.match + 1;
  }

  install(snapshot: SnapshotMeta, file: SnapshotFile, nowMs: number): void {
    this.#become("snapshot");
    this.sending = { snapshot, file, offset: null, sentMs: nowMs };
  }

  /** Its disk was lost: what it had confirmed stands no longer. */
  lose(): void {
    this.#become("lost");
    this.match = 0;
  }

  #become(state: ProgressState): void {
    this.state = state;
    this.probing = false;
    this.sending = null;
    this.#inflight = [];
    this.#inflightBytes = 0;
  }

  /** Entries up to `lastIndex` have left. */
  sent(lastIndex: number, bytes: number): void {
    assert(lastIndex >= this.next, "entries were sent");
    this.next = lastIndex + 1;
    this.#inflight.push({ lastIndex, bytes });
    this.#inflightBytes += bytes;
  }

  /** It holds everything up to `match`; whether that is news. */
  acknowledge(match: number): boolean {
    let freed = 0;
    for (; freed < this.#inflight.length; freed++) {
      const message = this.#inflight[freed] as { lastIndex: number; bytes: number };
      if (message.lastIndex > match) break;
      this.#inflightBytes -= message.bytes;
    }
    if (freed > 0) this.#inflight.splice(0, freed);
    if (match <= this.match) return false;
    this.match = match;
    this.next = Math.max(this.next, match + 1);
    return true;
  }

  /**
   * An append whose predecessor was `rejected` did not fit; the logs may agree at `place`. False if that
   * was news long ago.
   */
  reject(rejected: number, place: number): boolean {
    if (rejected <= this.match) return false;
    if (this.state === "replicate") {
      this.probe();
      return true;
    }
    if (this.state !== "probe" || rejected !== this.next - 1) return false;
    this.next = Math.max(Math.min(rejected, place + 1), this.match + 1);
    this.probing = false;
    return true;
  }
}
