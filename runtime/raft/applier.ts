/**
 * The replicated state of one member: applies what was committed, in order, in slices of a few
 * milliseconds, and takes snapshots back in.
 */

import { assert } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import type { Env } from "../env/env.ts";
import { DiskError } from "../env/errors.ts";
import type { Entry } from "./core/entry.ts";
import { decodeCommand } from "./command_codec.ts";
import { RaftError } from "./errors.ts";
import type { RaftLimits } from "./limits.ts";
import type { LogMachine } from "./machine.ts";
import type { SnapshotStore, StoredSnapshot } from "./storage.ts";

/** What an applier tells. */
export interface ApplierEvents<Result> {
  /** State has moved on to `index`. */
  applied(index: number): void;
  /** The result of a command. */
  result(index: number, term: number, result: Result): void;
  /** An entry that is no command. */
  passed(index: number): void;
  /** State now comes from a snapshot: results up to `index` will not be known here. */
  skipped(index: number): void;
  failed(error: RaftError): void;
}

/** What an applier needs. */
export interface ApplierParts<State, Command, Result> {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly machine: LogMachine<State, Command, Result>;
  readonly snapshots: Pick<SnapshotStore, "pieces">;
  readonly limits: Pick<RaftLimits, "snapshotSliceMs" | "applyEntries">;
  readonly events: ApplierEvents<Result>;
}

type Work =
  | { readonly do: "apply"; readonly entries: readonly Entry[]; next: number }
  | { readonly do: "restore"; readonly stored: StoredSnapshot };

/** See the head of this file. */
export class Applier<State, Command, Result> {
  readonly #parts: ApplierParts<State, Command, Result>;
  readonly #work: Work[] = [];
  #state: State;
  #index = 0;
  #nowMs = 0;
  /** Somebody goes on with the work: a later turn, or the reader of a snapshot. */
  #waiting = false;
  #working = false;
  /** The first of the work is a snapshot that is being read. */
  #isRestoring = false;
  #stopped = false;

  constructor(parts: ApplierParts<State, Command, Result>) {
    this.#parts = parts;
    this.#state = parts.machine.initial();
  }

  get state(): State {
    return this.#state;
  }
  /** The last entry that is in the state. */
  get index(): number {
    return this.#index;
  }
  /** The stamp of that entry, in ms since 1970. */
  get nowMs(): number {
    return this.#nowMs;
  }

  apply(entries: readonly Entry[]): void {
    this.#work.push({ do: "apply", entries, next: 0 });
    this.#go();
  }

  /** What waits before it would be replaced by it; the store may have let go of an older snapshot. */
  restore(stored: StoredSnapshot): void {
    this.#work.splice(this.#isRestoring ? 1 : 0, Infinity, { do: "restore", stored });
    this.#go();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Works until nothing is left or somebody else has to have a turn. */
  #go(): void {
    // Telling what was applied brings more to apply.
    if (this.#waiting || this.#working || this.#stopped) return;
    this.#working = true;
    try {
      this.#workOn();
    } finally {
      this.#working = false;
    }
  }

  #workOn(): void {
    const { env: { clock }, limits } = this.#parts;
    const until = clock.monotonic() + limits.snapshotSliceMs;
    while (this.#work.length > 0 && !this.#stopped) {
      const work = this.#work[0]!;
      if (work.do === "restore") return void this.#restore(work.stored);
      const isDone = this.#applySome(work, until);
      if (isDone) this.#work.shift();
      this.#parts.events.applied(this.#index);
      if (!isDone) return this.#goLater();
    }
  }

  #goLater(): void {
    this.#waiting = true;
    this.#parts.env.timers.soon(() => {
      this.#waiting = false;
      this.#go();
    });
  }

  /** False if time was over before the last entry. */
  #applySome(work: Work & { do: "apply" }, until: number): boolean {
    const { env: { clock }, limits: { applyEntries } } = this.#parts;
    const { entries } = work;
    while (work.next < entries.length) {
      if (!this.#applyOne(entries[work.next]!)) return true;
      work.next += 1;
      if (work.next % applyEntries === 0 && clock.monotonic() > until) {
        return work.next === entries.length;
      }
    }
    return true;
  }

  #applyOne(entry: Entry): boolean {
    if (this.#stopped) return false;
    assert(entry.index === this.#index + 1, "entries are applied one after the other");
    const { index, term, stampMs } = entry;
    this.#nowMs = Math.max(this.#nowMs, stampMs);
    if (entry.kind === "command") {
      try {
        const command = decodeCommand(entry.data) as Command;
        const applying = { index, term, nowMs: this.#nowMs };
        const { state, result } = this.#parts.machine.apply(this.#state, command, applying);
        this.#state = state;
        this.#index = index;
        this.#parts.events.result(index, term, result);
        return true;
      } catch (error) {
        this.#fail("MachineFailed", `apply entry ${index} of term ${term}`, error);
        return false;
      }
    }
    this.#index = index;
    this.#parts.events.passed(index);
    return true;
  }

  async #restore(stored: StoredSnapshot): Promise<void> {
    this.#waiting = true;
    this.#isRestoring = true;
    const { index, stampMs } = stored.snapshot;
    try {
      const state = await this.#read(stored);
      if (this.#stopped) return;
      this.#work.shift();
      this.#isRestoring = false;
      this.#state = state;
      this.#index = index;
      this.#nowMs = stampMs;
      this.#waiting = false;
      this.#parts.events.skipped(index);
      this.#parts.events.applied(index);
      this.#go();
    } catch (error) {
      this.#fail("SnapshotCorrupt", `restore the snapshot at ${index}`, error);
    }
  }

  /** Piece by piece, with turns of the event loop in between. */
  async #read(stored: StoredSnapshot): Promise<State> {
    const { env: { clock, timers }, limits, machine, snapshots } = this.#parts;
    const restoring = machine.restore();
    let until = clock.monotonic() + limits.snapshotSliceMs;
    for await (const piece of snapshots.pieces(stored)) {
      restoring.write(piece);
      if (clock.monotonic() <= until) continue;
      await new Promise<void>((resolve) => timers.soon(resolve));
      until = clock.monotonic() + limits.snapshotSliceMs;
    }
    return restoring.end();
  }

  #fail(code: "MachineFailed" | "SnapshotCorrupt", doing: string, cause: unknown): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#parts.events.failed(failure(code, doing, cause));
  }
}

/** A disk that cannot be read says nothing about the snapshot on it. */
function failure(code: "MachineFailed" | "SnapshotCorrupt", doing: string, cause: unknown) {
  if (cause instanceof RaftError) return cause;
  const isDisk = cause instanceof DiskError;
  return new RaftError(isDisk ? "DiskFailed" : code, `${doing}: ${messageOf(cause)}`, { cause });
}
