/** Changes of the controllers' own group, refused where they would leave it without a quorum. */

import type { GroupStatus } from "../../runtime/raft/group.ts";
import type { Replica } from "../controller/replica.ts";
import type { WriteRequest, Written } from "./messages.ts";
import type { DESK_LIMITS } from "./limits.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";

/** The requests that are about the group itself. */
export type GroupChange = WriteRequest & {
  type:
    | "addController"
    | "promoteController"
    | "removeController"
    | "replaceController"
    | "transferLeadership";
};

const CHANGES: ReadonlySet<string> = new Set<GroupChange["type"]>([
  "addController",
  "promoteController",
  "removeController",
  "replaceController",
  "transferLeadership",
]);

/** Whether a request is about the group itself. */
export function isGroupChange(request: WriteRequest): request is GroupChange {
  return CHANGES.has(request.type);
}

/** Carries a change out; repeating one that was done is harmless. Rejects with RaftError. */
export async function changeGroup(
  { replica, limits }: {
    readonly replica: Replica;
    readonly limits: LimitValues<typeof DESK_LIMITS>;
  },
  request: GroupChange,
): Promise<Written> {
  const refused = wouldCost(replica.raft.status(), request, limits.voterSilentMs);
  if (refused !== null) return { ok: false, code: "conflict", message: refused };
  const within = { withinMs: limits.changeMs };
  switch (request.type) {
    case "addController":
      await replica.raft.addLearner({ id: request.node, witness: request.witness }, within);
      break;
    case "promoteController":
      await replica.raft.promote(request.node, within);
      break;
    case "removeController":
      await replica.raft.remove(request.node, within);
      break;
    case "replaceController":
      await replica.raft.replace(request.node, request.by, within);
      break;
    case "transferLeadership":
      await replica.raft.transfer(request.to ?? undefined, within);
      break;
  }
  return { ok: true, index: replica.raft.status().commit };
}

/**
 * Why a change would leave the group without a quorum of voters that keep pace; `null` if it would not,
 * or this member cannot tell because it does not lead.
 */
export function wouldCost(
  status: GroupStatus,
  request: GroupChange,
  silentMs: number,
): string | null {
  if (request.type !== "removeController" || status.role !== "leader") return null;
  const voters = status.configuration.members.filter(({ role }) => role === "voter");
  if (!voters.some(({ id }) => id === request.node)) return null;
  const left = voters.filter(({ id }) => id !== request.node);
  if (left.length === 0) return `${request.node} is the last voter: add another one first`;
  const alive = left.filter(({ id }) =>
    id === status.member ||
    status.peers.some((peer) => peer.id === id && peer.silentMs < silentMs)
  );
  const needed = Math.floor(left.length / 2) + 1;
  if (alive.length >= needed) return null;
  return `without ${request.node} ${needed} of ${left.length} voters are needed, and only ` +
    `${alive.length} answer: start the others first`;
}
