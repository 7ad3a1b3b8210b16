/**
 * Changes of the controllers' own group. The leader judges and carries them out, as it alone knows how
 * far the others are; the others pass them on to it. Repeating one that was done is harmless.
 */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Env } from "../../runtime/env/env.ts";
import { RaftError, type RaftErrorCode } from "../../runtime/raft/errors.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { Replica } from "../controller/replica.ts";
import { checkChange, isInMaintenance, PRIORITY } from "./change_checks.ts";
import type { DESK_LIMITS } from "./limits.ts";
import { groupChange } from "./cluster/messages.ts";
import type { ChangeCheck, GroupChange, RefusalCode, WriteRequest, Written } from "./messages.ts";

/** What changes work with. */
export interface ChangeContext {
  readonly replica: Replica;
  readonly links: Pick<Links, "peers">;
  readonly env: Pick<Env, "timers" | "clock">;
  readonly limits: LimitValues<typeof DESK_LIMITS>;
}

const CHANGES: ReadonlySet<string> = new Set(
  groupChange.options.map(({ shape }) => shape.type.value),
);

/** Whether a request is about the group itself. */
export function isGroupChange(request: WriteRequest): request is GroupChange {
  return CHANGES.has(request.type);
}

/** What the change would come to; this member leads. */
export function judgeChange(context: ChangeContext, change: GroupChange): ChangeCheck {
  const { replica, links, limits } = context;
  const up = new Set(links.peers().filter(({ state }) => state === "up").map(({ node }) => node));
  const sight = {
    status: replica.raft.status(),
    isLinked: (node: string) => up.has(node),
    silentMs: limits.voterSilentMs,
    lagEntries: limits.successorLagEntries,
  };
  return checkChange(sight, change);
}

/** Carries a change out, unless it must not be; this member leads. Rejects with RaftError. */
export async function changeGroup(context: ChangeContext, change: GroupChange): Promise<Written> {
  const { refused } = judgeChange(context, change);
  if (refused !== null) return { ok: false, ...refused };
  try {
    await carryOut(context, change);
  } catch (error) {
    const code = error instanceof RaftError ? CODES[error.code] : undefined;
    if (code === undefined) throw error;
    return { ok: false, code, message: (error as RaftError).message };
  }
  return { ok: true, index: context.replica.raft.status().commit };
}

/** What the group itself refuses. */
const CODES: Partial<Record<RaftErrorCode, RefusalCode>> = {
  WouldLoseQuorum: "wouldLoseQuorum",
  ChangePending: "changePending",
  Transferring: "changePending",
  CatchUpTooSlow: "notReady",
  TransferTimeout: "notReady",
  WrongRole: "conflict",
  UnknownMember: "notFound",
};

async function carryOut(context: ChangeContext, change: GroupChange): Promise<void> {
  const { raft } = context.replica;
  const within = { withinMs: context.limits.changeMs };
  const roleOf = (node: string) =>
    raft.status().configuration.members.find(({ id }) => id === node)?.role ?? null;
  switch (change.type) {
    case "addController":
      if (roleOf(change.node) !== null) return;
      return await raft.addLearner({ id: change.node, witness: change.witness }, within);
    case "promoteController":
      if (roleOf(change.node) === "voter") return;
      return await raft.promote(change.node, within);
    case "removeController":
      return await raft.remove(change.node, within);
    case "replaceController":
      if (roleOf(change.node) === null) return;
      if (roleOf(change.by) === null) await raft.addLearner({ id: change.by }, within);
      return await raft.replace(change.node, change.by, within);
    case "transferLeadership":
      return await raft.transfer(change.to ?? undefined, within);
    case "setMaintenance":
      return await setMaintenance(context, change.node, change.on);
  }
}

/** The wish is committed first: whoever leads next keeps to it, whatever becomes of this member. */
async function setMaintenance(
  { replica: { raft }, env, limits }: ChangeContext,
  node: string,
  isOn: boolean,
): Promise<void> {
  const within = { withinMs: limits.changeMs };
  const member = raft.status().configuration.members.find(({ id }) => id === node);
  if (member !== undefined && isInMaintenance(member) !== isOn) {
    await raft.setPriority(node, isOn ? PRIORITY.maintenance : PRIORITY.usual, within);
  }
  if (!isOn) return;
  const endMs = env.clock.monotonic() + limits.changeMs;
  while (raft.status().leader === node && env.clock.monotonic() < endMs) {
    // The group hands over by itself as well: then this one comes second, and looks again.
    const wasRefused = await raft.transfer(undefined, within).then(() => false, () => true);
    if (wasRefused) await new Promise<void>((go) => void env.timers.after(limits.againMs, go));
  }
}
