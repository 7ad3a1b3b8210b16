/**
 * Runs the leader's part while this node leads: after the group's barrier (a linearizable read: the
 * term's first entry is committed, and everything before it applied) it begins, and it is stopped when
 * leadership is lost. A term's part begins when that of the last term has ended, to its last child.
 */

import { z } from "zod";
import { actor, type Context, type TaskEnd } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { CONTROLLER_LIMITS, type ControllerLimits } from "./limits.ts";
import type { Replica } from "./replica.ts";

/** What the actor tells itself. */
export const Leadership = protocol("quorus.leadership", {
  version: 1,
  messages: {
    /** Leadership may have changed, or it is time to try again. */
    look: tell(z.object({})),
  },
});

/** What it needs. */
export interface LeadershipArgs {
  readonly replica: Pick<Replica, "leading" | "onLeadership" | "read">;
  /**
   * Spawns the leader's part of a term as one child of `ctx`. A part that fails is restarted; one that
   * stops while its node leads is begun again.
   */
  readonly begin: (ctx: Context<typeof Leadership>, term: number) => Ref;
  /** Overrides of single limits. */
  readonly limits?: Partial<ControllerLimits> | undefined;
}

interface State extends Omit<LeadershipArgs, "limits"> {
  readonly limits: ControllerLimits;
  readonly unsubscribe: () => void;
  part: { readonly ref: Ref; readonly term: number; isStopping: boolean } | null;
  /** The term whose barrier is being waited for. */
  barrier: number | null;
}

type Here = Context<typeof Leadership>;

/** See the head of this file. */
export const leadership = actor(Leadership, {
  children: { strategy: "oneForOne" },
  state: (args: LeadershipArgs, ctx): State => {
    const self = ctx.self;
    const unsubscribe = args.replica.onLeadership(() => void self.tell("look", {}));
    const limits = limitValues(CONTROLLER_LIMITS, args.limits);
    return { ...args, limits, unsubscribe, part: null, barrier: null };
  },
  on: { look: (state, _, ctx) => look(state, ctx) },
  done: (state, task, ctx) => passed(state, task, ctx),
  ended: (state, { ref }, ctx) => {
    if (state.part?.ref.address !== ref.address) return;
    const { isStopping } = state.part;
    state.part = null;
    if (isStopping) look(state, ctx);
    else ctx.after("look", state.limits.barrierPauseMs, "look", {});
  },
  stopping: (state) => state.unsubscribe(),
});

/** Brings what runs here nearer to what should. */
function look(state: State, ctx: Here): void {
  const { part, replica: { leading } } = state;
  if (part !== null) {
    if (part.term === leading?.term || part.isStopping) return;
    part.isStopping = true;
    ctx.log("info", "this controller does not lead any more", { term: part.term });
    return ctx.stop(part.ref);
  }
  if (leading === null || state.barrier === leading.term) return;
  state.barrier = leading.term;
  const { replica, limits } = state;
  ctx.task(barrierName(leading.term), () => replica.read("linearizable", limits.barrierMs));
}

/** The barrier of a term was passed, or not in time. */
function passed(state: State, task: TaskEnd, ctx: Here): void {
  const { barrier: term, replica: { leading } } = state;
  if (term === null || task.name !== barrierName(term)) return;
  state.barrier = null;
  if (term !== leading?.term) return look(state, ctx);
  if (!task.ok) {
    ctx.log("warn", "the barrier of a term was not passed in time, trying again", {
      term,
      reason: messageOf(task.error),
    });
    return ctx.after("look", state.limits.barrierPauseMs, "look", {});
  }
  const ref = state.begin(ctx, term);
  ctx.log("info", "this controller leads", { term });
  state.part = { ref, term, isStopping: false };
  ctx.watch(ref);
}

function barrierName(term: number): string {
  return `barrier-${term}`;
}
