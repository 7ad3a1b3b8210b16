/** What a change of the controllers' group would come to, as its leader sees the others; pure. */

import type { GroupStatus } from "../../runtime/raft/group.ts";
import type { ChangeCheck, GroupChange, RefusalCode } from "./messages.ts";

type Member = GroupStatus["configuration"]["members"][number];

/** What is known of the group: by the member that leads it. */
export interface GroupSight {
  readonly status: GroupStatus;
  /** Whether a node is linked with this one. */
  readonly isLinked: (node: string) => boolean;
  /** A member that was silent for longer does not answer. */
  readonly silentMs: number;
  /** One that lacks more entries cannot take the leadership over at once. */
  readonly lagEntries: number;
}

/** Priority of a member in maintenance, and of all others. */
export const PRIORITY = { maintenance: 0, usual: 1 } as const;

/** Whether a member is one that leads only where nobody else can. */
export function isInMaintenance({ priority }: Pick<Member, "priority">): boolean {
  return priority <= PRIORITY.maintenance;
}

/** See the file's comment. `sight` is that of the leader. */
export function checkChange(sight: GroupSight, change: GroupChange): ChangeCheck {
  switch (change.type) {
    case "addController":
      return checkAdding(sight, change.node, change.witness);
    case "promoteController":
      return checkPromotion(sight, change.node);
    case "removeController":
      return checkRemoval(sight, change.node);
    case "replaceController":
      return checkReplacement(sight, change.node, change.by);
    case "transferLeadership":
      return checkTransfer(sight, change.to);
    case "setMaintenance":
      return checkMaintenance(sight, change.node, change.on);
  }
}

function checkAdding(sight: GroupSight, node: string, isWitness: boolean): ChangeCheck {
  const member = find(sight, node);
  if (member !== undefined) {
    if (member.witness === isWitness) return allow(`${node} is a ${member.role} already`);
    return refuse("conflict", `${node} is a ${kindOf(member)} already: remove it first`);
  }
  const away = newcomer(sight, node);
  if (away !== null) return away;
  const kind = isWitness ? "a learner that is to be a witness" : "a learner";
  return allow(`${node} becomes ${kind}: it gets the log and decides nothing`, quorumLine(sight));
}

/** It starts first: a name that nobody has would wait in the group for ever. */
function newcomer({ isLinked, status }: GroupSight, node: string): ChangeCheck | null {
  if (isLinked(node)) return null;
  return refuse(
    "notReady",
    `${node} is not linked with ${status.member}: start it first, as a controller with join: true ` +
      "whose settings name the others",
  );
}

function checkPromotion(sight: GroupSight, node: string): ChangeCheck {
  const member = find(sight, node);
  if (member === undefined) return unknown(node);
  if (member.role === "voter") return allow(`${node} votes already`);
  const silent = mustAnswer(sight, member);
  if (silent !== null) return silent;
  const next = [...voters(sight), member];
  return checkVoters(sight, next, `with ${node}`) ??
    allow(behindLine(sight, node), `then it votes: ${decideLine(sight, next)}`);
}

function checkRemoval(sight: GroupSight, node: string): ChangeCheck {
  const member = find(sight, node);
  if (member === undefined) return unknown(node);
  const all = voters(sight);
  if (member.role !== "voter") {
    return allow(`${node} leaves; it decided nothing`, decideLine(sight, all));
  }
  const next = all.filter(({ id }) => id !== node);
  if (next.length === 0) {
    return refuse("wouldLoseQuorum", `${node} is the last voter: add another one first`);
  }
  const refused = checkVoters(sight, next, `without ${node}`);
  if (refused !== null) return refused;
  const office = node === sight.status.leader ? [`${node} leads: another one takes over`] : [];
  return allow(`${node} leaves: ${decideLine(sight, next)}`, ...office);
}

function checkReplacement(sight: GroupSight, node: string, by: string): ChangeCheck {
  const member = find(sight, node);
  const successor = find(sight, by);
  if (member === undefined && successor?.role === "voter") return allow(`${by} votes already`);
  if (member === undefined) return unknown(node);
  if (member.role !== "voter") {
    return refuse("conflict", `${node} does not vote: remove it instead`);
  }
  if (successor?.role === "voter") return refuse("conflict", `${by} votes already`);
  const away = successor === undefined ? newcomer(sight, by) : mustAnswer(sight, successor);
  if (away !== null) return away;
  const fresh: Member = successor ??
    { id: by, role: "learner", witness: false, priority: PRIORITY.usual };
  const next = [...voters(sight).filter(({ id }) => id !== node), fresh];
  const lines = successor === undefined ? [`${by} becomes a learner first`] : [];
  return checkVoters(sight, next, `with ${by} instead of ${node}`) ??
    allow(...lines, `${by} votes instead of ${node}: ${decideLine(sight, next)}`);
}

function checkTransfer(sight: GroupSight, to: string | null): ChangeCheck {
  const { leader } = sight.status;
  if (to === null) {
    const blocked = successors(sight, leader);
    return blocked === null
      ? allow(`${leader} hands over to whoever is furthest`)
      : refuse("notReady", `nobody else could lead: ${blocked}`);
  }
  const member = find(sight, to);
  if (member === undefined) return unknown(to);
  if (to === leader) return allow(`${to} leads already`);
  const why = cannotLead(sight, member);
  if (why !== null) return refuse("notReady", `${to} cannot lead: ${why}`);
  return allow(`${leader} hands over to ${to}; writes wait for that moment`);
}

function checkMaintenance(sight: GroupSight, node: string, isOn: boolean): ChangeCheck {
  const member = find(sight, node);
  if (member === undefined) return unknown(node);
  if (!isOn) return allow(`${node} may lead again`);
  if (member.role !== "voter" || member.witness) {
    return refuse("conflict", `${node} is a ${kindOf(member)} and never leads`);
  }
  const blocked = successors(sight, node);
  if (blocked !== null) {
    return refuse("notReady", `without ${node} nobody could lead well: ${blocked}`);
  }
  const office = node === sight.status.leader ? [`${node} leads and hands over`] : [];
  return allow(`${node} leads no more; it votes and keeps the log`, ...office);
}

/** Why none but `without` could lead; `null` where somebody can. */
function successors(sight: GroupSight, without: string | null): string | null {
  const others = sight.status.configuration.members.filter(({ id }) => id !== without);
  const reasons = others.map((member) => [member.id, cannotLead(sight, member)] as const);
  if (reasons.some(([, why]) => why === null)) return null;
  if (reasons.length === 0) return "there is no other member";
  return reasons.map(([id, why]) => `${id} ${why}`).join(", ");
}

function cannotLead(sight: GroupSight, member: Member): string | null {
  if (member.role !== "voter" || member.witness) return `is a ${kindOf(member)}`;
  if (isInMaintenance(member)) return "is in maintenance";
  if (!answers(sight, member.id)) return silentText(sight, member.id);
  const lag = peerOf(sight, member.id)?.lagEntries ?? 0;
  return lag > sight.lagEntries ? `lacks ${lag} entries` : null;
}

/** A majority of these voters must answer, and somebody among them keep data. */
function checkVoters(
  sight: GroupSight,
  next: readonly Member[],
  condition: string,
): ChangeCheck | null {
  if (next.every(({ witness }) => witness)) {
    return refuse(
      "wouldLoseQuorum",
      `${condition} only witnesses would be left: they keep no data`,
    );
  }
  const needed = majority(next);
  const alive = next.filter(({ id }) => answers(sight, id));
  if (alive.length >= needed) return null;
  const away = next.filter(({ id }) => !answers(sight, id)).map(({ id }) => id).join(", ");
  return refuse(
    "wouldLoseQuorum",
    `${condition} ${needed} of ${next.length} voters are needed, and only ${alive.length} ` +
      `${alive.length === 1 ? "answers" : "answer"}: bring ${away} back first`,
  );
}

function mustAnswer(sight: GroupSight, { id }: Member): ChangeCheck | null {
  return answers(sight, id) ? null : refuse("notReady", `${id} ${silentText(sight, id)}`);
}

/** A member that was added a moment ago and is linked has had no time to answer. */
function answers(sight: GroupSight, id: string): boolean {
  const { status, silentMs, isLinked } = sight;
  if (id === status.member) return true;
  const peer = peerOf(sight, id);
  return peer === undefined ? isLinked(id) : peer.silentMs < silentMs;
}

function silentText(sight: GroupSight, id: string): string {
  const ms = peerOf(sight, id)?.silentMs;
  return ms === undefined ? "does not answer" : `has not answered for ${Math.round(ms)} ms`;
}

function behindLine(sight: GroupSight, id: string): string {
  const lag = peerOf(sight, id)?.lagEntries ?? 0;
  return lag === 0 ? `${id} has the whole log` : `${id} catches up: it lacks ${lag} entries`;
}

function decideLine(sight: GroupSight, next: readonly Member[]): string {
  const alive = next.filter(({ id }) => answers(sight, id)).length;
  const spare = alive - majority(next);
  const may = spare === 0 ? "none of them may fail" : `${spare} of them may fail`;
  return `${majority(next)} of ${next.length} voters decide, ${alive} answer: ${may}`;
}

function quorumLine(sight: GroupSight): string {
  return decideLine(sight, voters(sight));
}

function majority(all: readonly Member[]): number {
  return Math.floor(all.length / 2) + 1;
}

function voters({ status }: GroupSight): Member[] {
  return status.configuration.members.filter(({ role }) => role === "voter");
}

function find({ status }: GroupSight, node: string): Member | undefined {
  return status.configuration.members.find(({ id }) => id === node);
}

function peerOf({ status }: GroupSight, id: string) {
  return status.peers.find((peer) => peer.id === id);
}

function kindOf({ role, witness }: Member): string {
  return witness ? "witness" : role;
}

function allow(...lines: string[]): ChangeCheck {
  return { refused: null, lines };
}

function refuse(code: RefusalCode, message: string): ChangeCheck {
  return { refused: { code, message }, lines: [] };
}

function unknown(node: string): ChangeCheck {
  return refuse("notFound", `${node} is no controller of this cluster`);
}
