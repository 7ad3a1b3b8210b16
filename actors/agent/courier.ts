/**
 * The courier of an agent: brings what is in the outbox to a controller, many reports in one ask, and
 * repeats it until one has answered. Reports are taken once however often they come.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context, TaskEnd } from "../../runtime/actor/definition.ts";
import { ActorError } from "../../runtime/actor/errors.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { pauseMs } from "./backoff.ts";
import { AgentError } from "./errors.ts";
import type { Controllers } from "./controllers.ts";
import type { Outbox } from "./outbox.ts";

const Courier = protocol("quorus.courier", {
  version: 1,
  messages: {
    /** Something may be in the outbox. */
    deliver: tell(z.object({})),
  },
});

/** What a courier is started with. */
export interface CourierArgs {
  readonly agentId: string;
  readonly outbox: Outbox;
  readonly controllers: Controllers;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
}

interface State extends CourierArgs {
  isUnderWay: boolean;
  /** Tries since the last answer. */
  tries: number;
  /** Reports in one ask: one only, after one that was answered with an error. */
  most: number;
  asked: string;
}

/** One per agent; restarted, it goes on with what is in the outbox. */
export const courier = actor(Courier, {
  mailbox: { capacity: 64, full: "drop" },
  state: (args: CourierArgs, ctx: Context<typeof Courier>): State => {
    const self = ctx.self;
    args.outbox.onWork = () => void self.tell("deliver", {});
    self.tell("deliver", {});
    return { ...args, isUnderWay: false, tries: 0, most: args.limits.reportEvents, asked: "" };
  },
  on: {
    deliver: (state, _, ctx) => deliver(state, ctx),
  },
  done: (state, task, ctx) => settled(state, task, ctx),
  stopping: (state) => {
    state.outbox.onWork = () => {};
  },
});

function deliver(state: State, ctx: Context<typeof Courier>): void {
  const { outbox, controllers, agentId, limits } = state;
  if (state.isUnderWay || outbox.size === 0) return;
  ctx.cancel("again");
  state.isUnderWay = true;
  state.asked = controllers.next();
  const events = [...outbox.take(state.most)];
  const ref = ctx.ref(Fleet, `quorus://${state.asked}/${FLEET_PATH}`);
  const withinMs = limits.reportMs;
  ctx.task("report", async (signal) => {
    const { refused } = await ref.ask("report", { agentId, events }, { withinMs, signal });
    if (refused.length === events.length) return refused;
    const seen = `${refused.length} answers to ${events.length} reports`;
    throw new AgentError("badAnswer", `report to ${ref.address}: ${seen}; look at its version`);
  });
}

function settled(state: State, task: TaskEnd, ctx: Context<typeof Courier>): void {
  state.isUnderWay = false;
  if (task.ok) {
    state.outbox.answered(task.value as readonly (readonly string[])[]);
    state.tries = 0;
    state.most = state.limits.reportEvents;
    return deliver(state, ctx);
  }
  const { reportPauseMs, reportPauseMostMs } = state.limits;
  const { error } = task;
  ctx.log(state.tries === 0 ? "info" : "debug", "no answer to reports yet", {
    controller: state.asked,
    reports: state.outbox.size,
    why: messageOf(error),
  });
  state.controllers.failed(state.asked);
  if (error instanceof ActorError && isAboutContent(error)) {
    // One of many may be what it cannot take: the others must not wait for it.
    if (state.most === 1) state.outbox.postpone();
    state.most = 1;
  }
  const ms = pauseMs(state.tries, reportPauseMs, reportPauseMostMs, ctx.env.random.next());
  state.tries += 1;
  ctx.after("again", ms, "deliver", {});
}

function isAboutContent({ code }: ActorError): boolean {
  return code === "HandlerFailed" || code === "BadMessage" || code === "NotEncodable";
}
