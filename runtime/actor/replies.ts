/** Tasks of an actor whose value answers an ask. */

import type { Cell } from "./cell.ts";
import type { PendingAsk } from "./envelope.ts";
import { ActorError, actorStopped, handlerFailed } from "./errors.ts";
import { advanceHalt } from "./halting.ts";
import { carried } from "./intake.ts";
import type { TaskEnd } from "./definition.ts";
import { Tasks } from "./tasks.ts";

/** Runs `run` beside the mailbox and settles `ask` with what it comes to. */
export function replyLater(
  cell: Cell,
  tag: string,
  ask: PendingAsk,
  run: (signal: AbortSignal) => Promise<unknown>,
): void {
  const { core, incarnation } = cell;
  const rare = cell.rarely();
  const tasks = rare.tasks ??= new Tasks();
  if (tasks.count >= core.limits.tasksPerActor) {
    ask.fail(tooManyReplies(cell.address, tag, core.limits.tasksPerActor));
    return ask.inbound?.processed("refused");
  }
  const name = `reply ${rare.names += 1}`;
  const replies = rare.replies ??= new Map();
  replies.set(ask, name);
  core.beside(() =>
    tasks.start(name, run, (end) => {
      replies.delete(ask);
      settle(cell, tag, ask, end);
      if (!cell.isLive(incarnation)) advanceHalt(cell);
    })
  );
}

/** Nobody waits for this reply any more. */
export function abortReply(cell: Cell, ask: PendingAsk, reason: Error): void {
  const name = cell.rare?.replies?.get(ask);
  if (name !== undefined) cell.rare?.tasks?.abort(name, reason);
}

function settle(cell: Cell, tag: string, ask: PendingAsk, end: TaskEnd): void {
  try {
    if (!end.ok) throw end.error;
    ask.reply(carried(cell, end.value));
    ask.inbound?.processed("handled");
  } catch (error) {
    ask.fail(
      cell.isEnding
        ? actorStopped(cell.address, tag, false)
        : handlerFailed(cell.address, tag, error),
    );
    ask.inbound?.processed("failed");
  }
}

function tooManyReplies(address: string, tag: string, count: number): ActorError {
  return new ActorError(
    "MailboxFull",
    `ask "${tag}" to ${address}: ${count} asks are being answered already; try again later`,
    { retryable: true },
  );
}
