/**
 * The machine that the controllers' group replicates: `apply` over its log. What a command has brought
 * about is told to the `outbox` of the member that applies it; it is no result, since most members have
 * nobody who waits for one.
 */

import { z } from "zod";
import type { Applying, Machine } from "../../runtime/raft/machine.ts";
import { apply } from "./apply.ts";
import type { Effect } from "./applied.ts";
import { ENTRY_VERSION, logEntry } from "./commands.ts";
import { FIRST_VERSION, versionFor } from "./entry_version.ts";
import { restoreState, snapshotState } from "./snapshot.ts";
import { INITIAL_STATE, type State } from "./state.ts";

/**
 * A command of the group's log. Its `atMs` is not looked at: the group's clock is the leader's, stamped
 * when it appends. `fingerprint`: of a command with a key, so that another one under the same key is told
 * apart.
 */
export const groupEntry = logEntry.extend({ fingerprint: z.string().max(64).optional() });
export type GroupEntry = z.infer<typeof groupEntry>;

/** What became of a command; remembered as long as its key. */
export interface Outcome {
  /** Why it, or parts of it, did not hold; empty if all of it was taken. */
  readonly refused: readonly string[];
  /** Of a command of several events: to which of them each of the reasons belongs, by its place. */
  readonly refusedAt?: readonly number[];
  readonly fingerprint?: string;
}

/** Who is told what happens to the state of this member; the state itself follows in the same turn. */
export interface Outbox {
  committed(told: Committed): void;
  /** State comes from a snapshot: what its commands have brought about is not told. */
  restored(index: number): void;
}

/** What one command has brought about. */
export interface Committed {
  readonly index: number;
  /** The state's clock at it, in ms since 1970. */
  readonly atMs: number;
  readonly effects: readonly Effect[];
}

/**
 * The controllers' state as a machine. Whoever proposes an entry has parsed it; nobody who applies it does so
 * again: that cost a tenth of the CPU time of a controller. One of a kind that is not known still throws.
 */
export function controllerMachine(outbox: Outbox): Machine<State, GroupEntry, Outcome> {
  return {
    versions: {
      current: ENTRY_VERSION,
      first: FIRST_VERSION,
      of: ({ command }) => versionFor(command),
    },
    initial: () => INITIAL_STATE,
    apply: (before, entry, applying) => {
      const { fingerprint } = entry;
      const { state, effects, refused, refusedAt } = applyAt(before, entry, applying);
      if (effects.length > 0) {
        outbox.committed({ index: applying.index, atMs: state.nowMs, effects });
      }
      const result = {
        refused,
        ...(refusedAt === undefined ? {} : { refusedAt }),
        ...(fingerprint === undefined ? {} : { fingerprint }),
      };
      return { state, result };
    },
    snapshot: snapshotState,
    restore: () => {
      const restoring = restoreState();
      return {
        write: (piece) => restoring.write(piece),
        end: () => {
          const state = restoring.end();
          outbox.restored(state.index);
          return state;
        },
      };
    },
  };
}

function applyAt(state: State, entry: GroupEntry, { index, term, nowMs }: Applying) {
  return apply(state, { ...entry, atMs: nowMs }, index, term);
}
