/** Reads that wait until this member's state is fresh enough. Those of one turn share one question. */

import { WheelEntry } from "../actor/wheel.ts";
import type { Deadlines } from "../actor/deadlines.ts";
import type { Env, TimerHandle } from "../env/env.ts";
import type { ReadAnswer } from "./core/outputs.ts";
import { RaftError } from "./errors.ts";

/** What reads need. */
export interface ReadsParts {
  readonly timers: Env["timers"];
  readonly deadlines: Deadlines;
  /** Unique for ever: node and incarnation. */
  readonly origin: string;
  /** Pause before a question that nobody could answer is asked again. */
  readonly pauseMs: number;
  /** Until a question without an answer counts as lost. */
  readonly lostMs: number;
  readonly ask: (context: string, byClock: boolean) => void;
  readonly appliedIndex: () => number;
}

class Waiter extends WheelEntry {
  isSettled = false;

  constructor(
    private readonly deadlines: Deadlines,
    private readonly resolve: () => void,
    private readonly reject: (error: RaftError) => void,
  ) {
    super();
  }

  settle(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.deadlines.cancel(this);
    this.resolve();
  }

  fail(error: RaftError): void {
    if (this.isSettled) return;
    this.isSettled = true;
    this.deadlines.cancel(this);
    this.reject(error);
  }

  override expire(): void {
    this.fail(
      new RaftError(
        "NoLeader",
        "read the latest state: no leader confirmed it in time; ask for `stale` or try again",
        { retryable: true },
      ),
    );
  }
}

interface Batch {
  readonly byClock: boolean;
  readonly waiters: Waiter[];
  /** Gives a question up for lost. */
  lost?: TimerHandle;
}

/** See the head of this file. */
export class Reads {
  readonly #parts: ReadsParts;
  /** What this turn's reads will ask together, clock-bound ones apart. */
  readonly #gathering = new Map<boolean, Batch>();
  /** Asked and not answered, by context. */
  readonly #asked = new Map<string, Batch>();
  /** Answered: fresh once this index is applied. */
  readonly #applying: { readonly index: number; readonly batch: Batch }[] = [];
  /** Waiting to be asked again. */
  readonly #paused = new Map<TimerHandle, Batch>();
  #counter = 0;
  #stopped: RaftError | null = null;

  constructor(parts: ReadsParts) {
    this.#parts = parts;
  }

  /** Resolves once this member's state holds everything that was committed when this was called. */
  fresh(byClock: boolean, withinMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== null) return reject(this.#stopped);
      const waiter = new Waiter(this.#parts.deadlines, resolve, reject);
      this.#parts.deadlines.set(waiter, withinMs);
      this.#gather({ byClock, waiters: [waiter] });
    });
  }

  answered({ context, index }: ReadAnswer): void {
    const batch = this.#asked.get(context);
    if (batch === undefined) return;
    this.#asked.delete(context);
    batch.lost?.cancel();
    if (index === null) return this.#again(batch);
    if (index <= this.#parts.appliedIndex()) return settle(batch);
    this.#applying.push({ index, batch });
  }

  applied(index: number): void {
    if (this.#applying.length === 0) return;
    const waiting = this.#applying.splice(0);
    for (const one of waiting) {
      if (one.index <= index) settle(one.batch);
      else this.#applying.push(one);
    }
  }

  /** Everything that waits is refused. */
  stop(error: RaftError): void {
    this.#stopped = error;
    for (const pause of this.#paused.keys()) pause.cancel();
    const batches = [
      ...this.#gathering.values(),
      ...this.#asked.values(),
      ...this.#paused.values(),
      ...this.#applying.map(({ batch }) => batch),
    ];
    for (const { waiters, lost } of batches) {
      lost?.cancel();
      for (const waiter of waiters) waiter.fail(error);
    }
    this.#gathering.clear();
    this.#asked.clear();
    this.#paused.clear();
    this.#applying.length = 0;
  }

  #gather({ byClock, waiters }: Batch): void {
    const open = this.#gathering.get(byClock);
    if (open !== undefined) return void open.waiters.push(...waiters);
    const batch = { byClock, waiters };
    this.#gathering.set(byClock, batch);
    this.#parts.timers.soon(() => {
      if (this.#gathering.get(byClock) !== batch) return;
      this.#gathering.delete(byClock);
      this.#counter += 1;
      this.#ask(`${this.#parts.origin}/${this.#counter}`, batch);
    });
  }

  /** A question may get lost on its way to the leader. */
  #ask(context: string, batch: Batch): void {
    this.#asked.set(context, batch);
    batch.lost = this.#parts.timers.after(this.#parts.lostMs, () => {
      if (this.#asked.delete(context)) this.#again(batch);
    });
    this.#parts.ask(context, batch.byClock);
  }

  /** Nobody leads, or the leader is too new: that passes, or time does. */
  #again({ byClock, waiters }: Batch): void {
    const left = waiters.filter(({ isSettled }) => !isSettled);
    if (left.length === 0) return;
    const pause = this.#parts.timers.after(this.#parts.pauseMs, () => {
      this.#paused.delete(pause);
      this.#gather({ byClock, waiters: left });
    });
    this.#paused.set(pause, { byClock, waiters: left });
  }
}

function settle({ waiters }: Batch): void {
  for (const waiter of waiters) waiter.settle();
}
