/**
 * The actor of a tenant, on the leader: lets its jobs into the queue as far as there is room, and keeps
 * account. It decides nothing that `apply` does not check again, and derives all it knows from the state.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Group } from "../controller/group.ts";
import { IDLE } from "../controller/state.ts";
import { FINAL_STATES, type Job } from "../job/record.ts";
import { type Demand, demandOf, isBefore } from "../scheduler/demand.ts";
import { Account } from "./account.ts";
import { TENANT_SETTINGS, type TenantLimits } from "./limits.ts";
import { Tenant } from "./messages.ts";
import { usageOf } from "./usage.ts";

/** What a tenant's actor is started with. */
export interface TenantArgs {
  readonly group: Group;
  readonly tenant: string;
  readonly limits?: TenantLimits;
}

/** What is derived from the state. */
interface Books {
  readonly account: Account;
  /** Jobs that are not admitted yet. */
  readonly submitted: Map<string, Demand>;
  /** Of the state when the account was opened: what was committed until then is in it. */
  readonly openedAt: number;
}

interface State extends Omit<TenantArgs, "limits"> {
  readonly limits: TenantLimits;
  books: Books;
  isAdmitting: boolean;
}

/** One tenant; a child of the controller. */
export const tenant = actor(Tenant, {
  mailbox: { capacity: 65_536, full: "reject" },
  state: (args: TenantArgs, ctx: Context<typeof Tenant>): State => {
    const limits = args.limits ?? limitValues(TENANT_SETTINGS);
    const state: State = { ...args, limits, books: open(args), isAdmitting: false };
    admit(state, ctx);
    return state;
  },
  on: {
    changed: (state, { changes }, ctx) => {
      const { account, openedAt } = state.books;
      for (const { job, before } of changes) {
        if (job.version <= openedAt) continue;
        const hasEnded = FINAL_STATES.has(job.state) && job.state !== before?.state;
        if (hasEnded || before === null) account.count(job);
        noteSubmitted(state.books, job);
      }
      admit(state, ctx);
    },
    configured: (state, _, ctx) => admit(state, ctx),
    anew: (state, _, ctx) => {
      state.books = open(state);
      admit(state, ctx);
    },
    usage: ({ group, tenant, books }) => usageOf(group.state, tenant, books.account),
  },
  done: (state, task, ctx) => {
    state.isAdmitting = false;
    if (!task.ok) {
      ctx.log("error", "jobs could not be admitted", { why: String(task.error) });
      ctx.after("again", state.limits.admitAgainMs, "configured", {});
    }
    const { submitted } = state.books;
    for (const jobId of [...submitted.keys()]) {
      const job = state.group.state.jobs.get(jobId);
      if (job === undefined) submitted.delete(jobId);
      else noteSubmitted(state.books, job);
    }
    if (task.ok) admit(state, ctx);
  },
});

function open({ group, tenant }: TenantArgs): Books {
  const { state } = group;
  const books = { account: new Account(), submitted: new Map(), openedAt: state.index };
  for (const job of state.jobs.values()) {
    if (job.tenant !== tenant) continue;
    books.account.count(job);
    noteSubmitted(books, job);
  }
  return books;
}

function noteSubmitted({ submitted }: Pick<Books, "submitted">, job: Job): void {
  if (job.state === "submitted") submitted.set(job.id, demandOf(job, false));
  else submitted.delete(job.id);
}

/** Proposes the most urgent and oldest of those that wait, as many as there is room for. */
function admit(state: State, ctx: Context<typeof Tenant>): void {
  const { group, tenant, books: { submitted } } = state;
  if (state.isAdmitting || submitted.size === 0) return;
  const most = group.state.tenants.get(tenant)?.maxQueued ?? Infinity;
  const { waiting } = group.state.load.tenants.get(tenant) ?? IDLE;
  const room = Math.min(most - waiting, state.limits.admitted);
  if (room <= 0) return;
  const jobIds = [...submitted.values()].sort(byUrgency).slice(0, room).map(({ jobId }) => jobId);
  state.isAdmitting = true;
  ctx.task("admit", () => group.propose({ type: "admitJobs", tenant, jobIds }));
}

function byUrgency(a: Demand, b: Demand): number {
  return b.rank - a.rank || (isBefore(a, b) ? -1 : 1);
}
