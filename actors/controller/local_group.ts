/**
 * The group of an embedded run: one member, a durable local journal in the place of Raft's log.
 * Commands are applied in the order of the journal once they are durable; many share one sync.
 */

import { messageOf, QuorusError } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Journal } from "../../runtime/store/journal.ts";
import { apply } from "./apply.ts";
import type { Effect } from "./applied.ts";
import { type Command, type LogEntry, logEntry } from "./commands.ts";
import { EntryEncoder } from "./entry_encoder.ts";
import { versionFor } from "./entry_version.ts";
import type { Group } from "./group.ts";
import { INITIAL_STATE, type State } from "./state.ts";

interface Pending {
  readonly entry: LogEntry;
  readonly index: number;
  readonly settled: PromiseWithResolvers<readonly string[]>;
}

/** The log cannot be read back or written. */
export class GroupError extends QuorusError<"badEntry" | "lost"> {
  override readonly name = "GroupError";
}

/** A local group over an opened journal; everything in it has been applied when this resolves. */
export async function openLocalGroup(
  env: Env,
  journal: Journal,
  epoch: number,
): Promise<LocalGroup> {
  let state: State = { ...INITIAL_STATE, epoch };
  for await (const { index, bytes } of journal.replay) {
    state = apply(state, decode(bytes, index), index).state;
  }
  return new LocalGroup(env, journal, state);
}

/** See {@link openLocalGroup}. */
export class LocalGroup implements Group {
  readonly #env: Env;
  readonly #journal: Journal;
  readonly #listeners = new Set<(effects: readonly Effect[]) => void>();
  readonly #encoder = new EntryEncoder();
  #state: State;
  #pending: Pending[] = [];
  #pumping: Promise<void> | null = null;
  readonly #lost = Promise.withResolvers<never>();

  constructor(env: Env, journal: Journal, state: State) {
    this.#env = env;
    this.#journal = journal;
    this.#state = state;
    this.#lost.promise.catch(() => {});
  }

  /** Rejects if the log cannot be written any more: nothing can be decided then. */
  get lost(): Promise<never> {
    return this.#lost.promise;
  }

  get state(): State {
    return this.#state;
  }

  propose(command: Command): Promise<readonly string[]> {
    const entry: LogEntry = { version: versionFor(command), atMs: this.#env.clock.now(), command };
    const settled = Promise.withResolvers<readonly string[]>();
    try {
      const index = this.#journal.append(this.#encoder.encode(entry));
      this.#pending.push({ entry, index, settled });
    } catch (error) {
      settled.reject(error);
      return settled.promise;
    }
    this.#pumping ??= this.#pump();
    return settled.promise;
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that was proposed is settled; then closes the journal. */
  async close(): Promise<void> {
    while (this.#pumping !== null) await this.#pumping;
    await this.#journal.close();
  }

  /** Waits for durability and applies, batch after batch. */
  async #pump(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending;
      this.#pending = [];
      const last = batch[batch.length - 1] as Pending;
      try {
        await this.#journal.durable(last.index);
      } catch (error) {
        for (const { settled } of batch) settled.reject(lost(error));
        this.#lost.reject(lost(error));
        continue;
      }
      this.#applyBatch(batch);
    }
    // In the same step as the last look at the queue: who proposes from now on starts a new pump.
    this.#pumping = null;
  }

  #applyBatch(batch: readonly Pending[]): void {
    const effects: Effect[] = [];
    for (const { entry, index, settled } of batch) {
      const applied = apply(this.#state, entry, index);
      this.#state = applied.state;
      for (const effect of applied.effects) effects.push(effect);
      settled.resolve(applied.refused);
    }
    if (effects.length === 0) return;
    for (const listener of this.#listeners) listener(effects);
  }
}

function decode(bytes: Uint8Array, index: number): LogEntry {
  try {
    return logEntry.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    throw new GroupError(
      "badEntry",
      `entry ${index} of the run's log is not one that this version writes: ${messageOf(cause)}; ` +
        "run it with the version that wrote it, or remove the run's folder to start anew",
      { cause },
    );
  }
}

function lost(cause: unknown): GroupError {
  return new GroupError("lost", `the run's log cannot be written: ${messageOf(cause)}`, {
    cause,
    definite: false,
  });
}
