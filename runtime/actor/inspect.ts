/** What a node shows of itself: numbers, and a tree that answers why something is stuck. */

import type { HistogramData } from "../telemetry/histogram.ts";
import type { Cell } from "./cell.ts";
import type { Core } from "./core.ts";
import type { DeadLetterCounts } from "./dead_letters.ts";
import { type FrameCell, inboundOf, PendingAsk } from "./envelope.ts";
import { Phase } from "./phase.ts";

/** One actor as `inspect` shows it. */
export interface ActorView {
  readonly address: string;
  readonly protocol: string;
  readonly phase: "running" | "draining" | "halting" | "halted" | "dead";
  readonly incarnation: number;
  readonly restarts: number;
  /** Messages waiting. */
  readonly mailboxDepth: number;
  /** Most messages that waited at the start of a turn, since start. */
  readonly mailboxDepthHigh: number;
  readonly mailboxCapacity: number;
  /** Age of the oldest waiting message, 0 if none; coarse, to a turn of the scheduler. */
  readonly oldestMessageMs: number;
  /** Messages a "drop" mailbox dropped. */
  readonly dropped: number;
  readonly waitingSenders: number;
  /** The message being handled, for an async handler. */
  readonly handling: string | null;
  /** How long it has been, 0 if none; coarse. */
  readonly handlingMs: number;
  /** Who asked for it, or which actor of another node sent it; `null` if that is not known. */
  readonly handlingFrom: string | null;
  /** Asks that its handlers wait for, as `tag address`; those of tasks are not among them. */
  readonly waitsFor: readonly string[];
  readonly tasks: readonly string[];
  readonly children: ActorView[];
}

/** Work of all actors of one message protocol since start. */
export interface ProtocolMetrics {
  readonly protocol: string;
  readonly handled: number;
  /** Time that its handlers held the thread; fast ones share a clock reading with their neighbours. */
  readonly handlerMs: number;
}

/** Counters (since start) and gauges (now) of a node. */
export interface NodeMetrics {
  readonly actors: number;
  readonly messagesHandled: number;
  readonly handlerMs: number;
  /** Milliseconds a handler held the thread, per message; neighbours in a turn share an average. */
  readonly handlerTime: HistogramData;
  readonly protocols: readonly ProtocolMetrics[];
  readonly mailboxDepth: number;
  /** The deepest mailbox so far, at the start of a turn. */
  readonly mailboxDepthHigh: number;
  readonly oldestMessageMs: number;
  /** The longest that a message waited in a mailbox so far. */
  readonly oldestMessageMsHigh: number;
  readonly waitingSenders: number;
  /** Asks to other nodes that have not settled. */
  readonly remoteAsks: number;
  readonly restarts: number;
  readonly failures: number;
  readonly deadLetters: number;
  readonly deadLettersByReason: DeadLetterCounts;
  readonly dropped: number;
  /** Tells, sends and asks refused by a full mailbox, or by a link without credit. */
  readonly refusedFull: number;
  /** Asks whose caller had given up before they were handled; they were skipped. */
  readonly expiredAsks: number;
  /** Reports of senders that waited too long for room. */
  readonly stalledSends: number;
}

const PHASES = Object.keys(Phase) as (keyof typeof Phase)[];

/** Everything below the node's top actor. */
export function actorViews(root: Cell): ActorView[] {
  return viewsOf(root, openAsks(root.core));
}

type OpenAsks = ReadonlyMap<FrameCell, readonly string[]>;

function viewsOf(cell: Cell, asks: OpenAsks): ActorView[] {
  return [...cell.rare?.supervisor?.children ?? []].map((child) => actorView(child, asks));
}

function actorView(cell: Cell, asks: OpenAsks): ActorView {
  const { rare, handling } = cell;
  return {
    address: cell.address,
    protocol: cell.protocolName,
    phase: PHASES[cell.phase]!,
    incarnation: cell.incarnation,
    restarts: Math.max(0, cell.incarnation - 1),
    mailboxDepth: cell.mailbox.depth,
    mailboxDepthHigh: cell.depthHigh,
    mailboxCapacity: cell.definition.capacity,
    oldestMessageMs: oldestMessageMs(cell),
    dropped: cell.dropped,
    waitingSenders: rare?.waiting?.count ?? 0,
    handling: handling?.tag ?? null,
    handlingMs: handling === null ? 0 : sinceMs(cell, cell.busySince),
    handlingFrom: senderOf(cell),
    waitsFor: asks.get(cell) ?? [],
    tasks: rare?.tasks?.names() ?? [],
    children: viewsOf(cell, asks),
  };
}

function senderOf({ handling }: Cell): string | null {
  const note = handling?.note ?? null;
  if (note instanceof PendingAsk && note.caller !== null) return note.caller.cell.address;
  return inboundOf(note)?.from ?? null;
}

/** Found by a walk over everything that waits, so that an ask does not pay for the account. */
function openAsks(core: Core<Cell>): OpenAsks {
  const asks = new Map<FrameCell, string[]>();
  const note = (ask: unknown): void => {
    if (!(ask instanceof PendingAsk) || ask.caller === null || ask.settled) return;
    const line = `${ask.tag} ${ask.target.address}`;
    const known = asks.get(ask.caller.cell);
    if (known === undefined) asks.set(ask.caller.cell, [line]);
    else known.push(line);
  };
  for (const cell of core.cells.values()) {
    note(cell.handling?.note);
    cell.mailbox.forEach((envelope) => note(envelope.note));
  }
  for (const ask of core.links.asks) note(ask);
  return asks;
}

/** Counters and gauges of the whole node. */
export function nodeMetrics(core: Core<Cell>): NodeMetrics {
  let mailboxDepth = 0;
  let oldestMs = 0;
  let waitingSenders = 0;
  for (const cell of core.cells.values()) {
    mailboxDepth += cell.mailbox.depth;
    oldestMs = Math.max(oldestMs, oldestMessageMs(cell));
    waitingSenders += cell.rare?.waiting?.count ?? 0;
  }
  const { counters, scheduler, deadLetters } = core;
  return {
    actors: core.cells.size,
    messagesHandled: scheduler.handled,
    handlerMs: scheduler.handlerMs.sum,
    handlerTime: scheduler.handlerMs.data(),
    protocols: [...core.work].map(([protocol, { handled, busyMs }]) => {
      return { protocol, handled, handlerMs: busyMs };
    }),
    mailboxDepth,
    mailboxDepthHigh: counters.mailboxDepthHigh,
    oldestMessageMs: oldestMs,
    oldestMessageMsHigh: Math.max(oldestMs, counters.oldestMessageMsHigh),
    waitingSenders,
    remoteAsks: core.links.asks.size,
    restarts: counters.restarts,
    failures: counters.failures,
    deadLetters: deadLetters.count,
    deadLettersByReason: deadLetters.counts(),
    dropped: counters.dropped,
    refusedFull: counters.full,
    expiredAsks: counters.expiredAsks,
    stalledSends: counters.stalledSends,
  };
}

function oldestMessageMs(cell: Cell): number {
  const oldest = cell.mailbox.peek();
  return oldest === undefined ? 0 : sinceMs(cell, oldest.stamp);
}

/** Stamps are 32-bit and wrap; their difference does not mind. */
function sinceMs(cell: Cell, stamp: number): number {
  return Math.max(0, ((cell.core.deadlines.now() | 0) - stamp) | 0);
}
