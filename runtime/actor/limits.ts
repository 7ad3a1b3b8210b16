/** The bounds of the actor runtime. */

import type { LimitTable, LimitValues } from "../base/limits.ts";

/** Every queue, budget and timeout of the actor runtime. */
export const ACTOR_LIMITS = {
  mailboxMessages: { unit: "count", value: 1_000, why: "capacity of a mailbox that names none" },
  waitingSenders: {
    unit: "count",
    value: 10_000,
    why: "sends and asks that wait for room in one mailbox; the next one is MailboxFull",
  },
  turnMessages: {
    unit: "count",
    value: 2_048,
    why: "messages handled before timers and I/O get their turn (microtasks starve both)",
  },
  turnMs: { unit: "ms", value: 8, why: "time in handlers before timers and I/O get their turn" },
  actorMessages: {
    unit: "count",
    value: 16,
    why: "messages one actor handles before the next ready actor; also between clock readings",
  },
  slowTurnMs: { unit: "ms", value: 100, why: "a handler that blocks this long is logged" },
  askMs: { unit: "ms", value: 5_000, why: "deadline of an ask that names none" },
  remoteAskMs: {
    unit: "ms",
    value: 86_400_000,
    why: "longest budget that the ask of another node is granted",
  },
  closeMs: {
    unit: "ms",
    value: 5_000,
    why: "how long a stopping node waits for its links to close",
  },
  settleMs: {
    unit: "ms",
    value: 30_000,
    why:
      "how long a stop or restart waits for the old handler, tasks and clean-up; then the node ends",
  },
  drainMs: {
    unit: "ms",
    value: 10_000,
    why: "how long a stopping node still handles what is queued before it stops at once",
  },
  stalledSendMs: {
    unit: "ms",
    value: 10_000,
    why:
      "a sender waiting this long for room is reported (a cycle of waiting sends looks like this)",
  },
  tasksPerActor: { unit: "count", value: 10_000, why: "running tasks of one actor" },
  timersPerActor: { unit: "count", value: 10_000, why: "named timers of one actor" },
  childrenPerActor: { unit: "count", value: 1_000_000, why: "children of one actor" },
  nameCharacters: { unit: "count", value: 512, why: "length of an actor's path" },
  deadLettersPerSecond: {
    unit: "perSecond",
    value: 100,
    why: "dead letters shown to subscribers and the log; all are counted",
  },
  messageDepth: { unit: "count", value: 64, why: "nesting of a message body in the codec" },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type ActorLimits = LimitValues<typeof ACTOR_LIMITS>;
