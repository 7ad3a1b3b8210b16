/** The machine that simulated groups replicate: the example's store, lists, and a proof of its own past. */

import { type Command, type Outcome, type Store, store } from "../../../examples/13_kv/store.ts";
import { crc32 } from "../../../runtime/env/sha256.ts";
import type { Applied, Applying, Machine, Restoring } from "../../../runtime/raft/machine.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";

/** What clients ask for; `append` puts a text behind the list that a key holds. */
export type LedgerCommand =
  | Command
  | { readonly do: "append"; readonly key: string; readonly value: string };

/** The store, and a checksum over every command that has made it. */
export interface LedgerState {
  readonly store: Store;
  readonly chain: number;
  readonly nowMs: number;
}

export type LedgerMachine = Machine<LedgerState, LedgerCommand, Outcome>;

/** Chain and stamp stand before the store's own snapshot. */
const HEAD_BYTES = 48;

/** What all members have applied, by index; objects as soon as two of them disagree. */
export class Ledger {
  readonly #sim: Simulation;
  readonly #chains = new Map<number, number>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  /** The machine of one life; `restored` is told of every snapshot that it takes in. */
  machine(life: string, restored: () => void): LedgerMachine {
    return {
      initial: () => ({ store: store.initial(), chain: 0, nowMs: 0 }),
      apply: (state, command, at) => this.#apply(life, state, command, at),
      *snapshot({ store: inner, chain, nowMs }, version) {
        yield new TextEncoder().encode(`${chain} ${nowMs}`.padEnd(HEAD_BYTES));
        yield* store.snapshot(inner, version);
      },
      restore: (version) => {
        restored();
        return restoring(version);
      },
    };
  }

  #apply(
    life: string,
    { store: inner, chain, nowMs }: LedgerState,
    command: LedgerCommand,
    at: Applying,
  ): Applied<LedgerState, Outcome> {
    this.#sim.check("stamps never fall", at.nowMs >= nowMs, `${life}: ${at.nowMs} < ${nowMs}`);
    const text = `${chain} ${at.index} ${at.term} ${at.nowMs} ${JSON.stringify(command)}`;
    const next = crc32(new TextEncoder().encode(text));
    const known = this.#chains.get(at.index) ?? next;
    this.#sim.check("members apply the same", known === next, `${life} at ${at.index}: ${text}`);
    this.#chains.set(at.index, next);
    const { state, result } = store.apply(inner, plain(inner, command), at);
    return { state: { store: state, chain: next, nowMs: at.nowMs }, result };
  }
}

/** A list is a text of JSON. */
export function listOf(state: LedgerState, key: string): string[] {
  return JSON.parse(state.store.items.get(key)?.value ?? "[]") as string[];
}

function plain(state: Store, command: LedgerCommand): Command {
  if (command.do !== "append") return command;
  const { key, value } = command;
  const list = JSON.parse(state.items.get(key)?.value ?? "[]") as string[];
  return { do: "put", key, value: JSON.stringify([...list, value]) };
}

function restoring(version: number): Restoring<LedgerState> {
  const inner = store.restore(version);
  let head = "";
  return {
    write: (piece) => {
      const missing = HEAD_BYTES - head.length;
      head += new TextDecoder().decode(piece.subarray(0, missing));
      if (piece.length > missing) inner.write(piece.subarray(missing));
    },
    end: () => {
      const [chain = 0, nowMs = 0] = head.trim().split(" ").map(Number);
      return { store: inner.end(), chain, nowMs };
    },
  };
}
