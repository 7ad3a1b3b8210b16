/** What a node shows of itself. */

import type { Cell } from "./cell.ts";
import type { Core } from "./core.ts";
import { Phase } from "./phase.ts";

/** One actor as `inspect` shows it. */
export interface ActorView {
  readonly address: string;
  readonly protocol: string;
  readonly phase: keyof typeof Phase;
  readonly incarnation: number;
  readonly restarts: number;
  /** Messages waiting. */
  readonly mailboxDepth: number;
  readonly mailboxCapacity: number;
  /** Age of the oldest waiting message, 0 if none; coarse, to a turn of the scheduler. */
  readonly oldestMessageMs: number;
  /** Messages a "drop" mailbox dropped. */
  readonly dropped: number;
  readonly waitingSenders: number;
  /** The message being handled, for an async handler. */
  readonly handling: string | null;
  readonly tasks: readonly string[];
  readonly children: ActorView[];
}

/** Counters (since start) and gauges (now) of a node. */
export interface NodeMetrics {
  readonly actors: number;
  readonly messagesHandled: number;
  readonly handlerMs: number;
  readonly mailboxDepth: number;
  readonly oldestMessageMs: number;
  readonly restarts: number;
  readonly failures: number;
  readonly deadLetters: number;
  readonly dropped: number;
  /** Tells, sends and asks refused by a full mailbox. */
  readonly refusedFull: number;
  /** Asks whose caller had given up before they were handled; they were skipped. */
  readonly expiredAsks: number;
  /** Reports of senders that waited too long for room. */
  readonly stalledSends: number;
}

const PHASES = Object.keys(Phase) as (keyof typeof Phase)[];

/** The actor and everything below it. */
export function actorView(cell: Cell): ActorView {
  const rare = cell.rare;
  return {
    address: cell.address,
    protocol: cell.protocolName,
    phase: PHASES[cell.phase]!,
    incarnation: cell.incarnation,
    restarts: Math.max(0, cell.incarnation - 1),
    mailboxDepth: cell.mailbox.depth,
    mailboxCapacity: cell.definition.capacity,
    oldestMessageMs: oldestMessageMs(cell),
    dropped: cell.dropped,
    waitingSenders: rare?.waiting?.count ?? 0,
    handling: cell.handling?.tag ?? null,
    tasks: rare?.tasks?.names() ?? [],
    children: [...rare?.supervisor?.children ?? []].map(actorView),
  };
}

/** Counters and gauges of the whole node. */
export function nodeMetrics(core: Core<Cell>): NodeMetrics {
  let mailboxDepth = 0;
  let oldestMs = 0;
  for (const cell of core.cells.values()) {
    mailboxDepth += cell.mailbox.depth;
    oldestMs = Math.max(oldestMs, oldestMessageMs(cell));
  }
  const { counters, scheduler } = core;
  return {
    actors: core.cells.size,
    messagesHandled: scheduler.handled,
    handlerMs: scheduler.busyMs,
    mailboxDepth,
    oldestMessageMs: oldestMs,
    restarts: counters.restarts,
    failures: counters.failures,
    deadLetters: core.deadLetters.count,
    dropped: counters.dropped,
    refusedFull: counters.full,
    expiredAsks: counters.expiredAsks,
    stalledSends: counters.stalledSends,
  };
}

/** Stamps are 32-bit and wrap; their difference does not mind. */
function oldestMessageMs(cell: Cell): number {
  const oldest = cell.mailbox.peek();
  if (oldest === undefined) return 0;
  return Math.max(0, ((cell.core.deadlines.now() | 0) - oldest.stamp) | 0);
}
