/**
 * Persist orders on their way to the disk. A disk without room stops the line, not the member: what was
 * refused is offered again, in order, and nothing behind it counts as durable before it is.
 */

import type { Env, TimerHandle } from "../env/env.ts";
import type { PersistOrder } from "./core/outputs.ts";
import { RaftError } from "./errors.ts";
import type { RaftLogStore } from "./storage.ts";

/** What a line tells. */
export interface PersistLineEvents {
  /** This order and all before it are durable. */
  persisted(number: number): void;
  failed(error: unknown): void;
}

/** See the head of this file. */
export class PersistLine {
  readonly #env: Pick<Env, "timers" | "log">;
  readonly #log: RaftLogStore;
  readonly #fullDiskPauseMs: number;
  readonly #events: PersistLineEvents;
  /** Orders that are not confirmed, by number, which is their order; the disk's verdict on each. */
  readonly #open = new Map<number, { readonly order: PersistOrder; state: Standing }>();
  #timer: TimerHandle | null = null;
  #stopped = false;

  constructor(
    env: Pick<Env, "timers" | "log">,
    log: RaftLogStore,
    fullDiskPauseMs: number,
    events: PersistLineEvents,
  ) {
    this.#env = env;
    this.#log = log;
    this.#fullDiskPauseMs = fullDiskPauseMs;
    this.#events = events;
  }

  /** A full disk holds it up. */
  get isStuck(): boolean {
    return this.#timer !== null;
  }

  persist(order: PersistOrder): void {
    this.#open.set(order.number, { order, state: "refused" });
    if (this.#timer === null) this.#offer(order);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #offer(order: PersistOrder): void {
    const entry = this.#open.get(order.number)!;
    entry.state = "writing";
    this.#log.persist(order).then(
      () => {
        entry.state = "durable";
        this.#confirm();
      },
      (error) => {
        if (!(error instanceof RaftError && error.code === "DiskFull")) {
          return this.#stopped ? undefined : this.#events.failed(error);
        }
        entry.state = "refused";
        this.#pause(error);
      },
    );
  }

  /** Confirms the longest durable beginning of the line at once. */
  #confirm(): void {
    if (this.#stopped) return;
    let last: number | null = null;
    for (const [number, { state }] of this.#open) {
      if (state !== "durable") break;
      last = number;
      this.#open.delete(number);
    }
    if (last !== null) this.#events.persisted(last);
  }

  #pause(error: RaftError): void {
    if (this.#stopped || this.#timer !== null) return;
    this.#env.log.write(
      "error",
      "the disk of a Raft log is full: nothing is confirmed until it has room",
      {
        reason: error.message,
      },
    );
    this.#timer = this.#env.timers.after(this.#fullDiskPauseMs, () => this.#again());
  }

  /** Only once nothing is being written, so that the order stays. */
  #again(): void {
    this.#timer = null;
    if (this.#stopped) return;
    const orders = [...this.#open.values()];
    if (orders.some(({ state }) => state === "writing")) {
      this.#timer = this.#env.timers.after(this.#fullDiskPauseMs, () => this.#again());
      return;
    }
    for (const { order, state } of orders) if (state === "refused") this.#offer(order);
  }
}

type Standing = "writing" | "durable" | "refused";
