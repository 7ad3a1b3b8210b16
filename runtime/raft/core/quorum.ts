/** Who decides: majorities, both of them while a configuration is joint. */

import type { Configuration, Member } from "./configuration.ts";
import type { MemberId } from "./entry.ts";

/** The voters of one configuration; `full` are those that keep data. */
export interface VoterSet {
  readonly ids: readonly MemberId[];
  readonly full: readonly MemberId[];
}

/** The voters of a configuration; a decision needs both sets while `outgoing` is not null. */
export interface Voters {
  readonly incoming: VoterSet;
  readonly outgoing: VoterSet | null;
}

/** What an election has come to. */
export type VoteOutcome = "won" | "lost" | "pending";

/** The voters of `configuration`. */
export function votersOf(configuration: Configuration): Voters {
  return {
    incoming: voterSet(configuration.members.filter((member) => member.role === "voter")),
    outgoing: configuration.outgoing === null ? null : voterSet(configuration.outgoing),
  };
}

function voterSet(voters: readonly Member[]): VoterSet {
  return {
    ids: voters.map((member) => member.id),
    full: voters.filter((member) => !member.witness).map((member) => member.id),
  };
}

/** Whether `id` has a voice. */
export function isVoter(voters: Voters, id: MemberId): boolean {
  return voters.incoming.ids.includes(id) || (voters.outgoing?.ids.includes(id) ?? false);
}

/** The ids of all voters, each once. */
export function voterIds(voters: Voters): readonly MemberId[] {
  if (voters.outgoing === null) return voters.incoming.ids;
  return [...new Set([...voters.incoming.ids, ...voters.outgoing.ids])];
}

/** The highest value that a quorum has reached; -Infinity without voters. */
export function quorumValue(voters: Voters, valueOf: (id: MemberId) => number): number {
  const incoming = majorityValue(voters.incoming.ids, valueOf);
  if (voters.outgoing === null) return incoming;
  return Math.min(incoming, majorityValue(voters.outgoing.ids, valueOf));
}

function majorityValue(ids: readonly MemberId[], valueOf: (id: MemberId) => number): number {
  return reachedBy(ids, Math.floor(ids.length / 2) + 1, valueOf);
}

/** The highest value that `count` of `ids` have reached. */
function reachedBy(
  ids: readonly MemberId[],
  count: number,
  valueOf: (id: MemberId) => number,
): number {
  if (count === 1 && ids.length === 1) return valueOf(ids[0] as MemberId);
  return ids.map(valueOf).sort((a, b) => b - a)[count - 1] ?? -Infinity;
}

/**
 * The highest index that may be committed by what `matchOf` says is durable: a quorum holds it, and two
 * full replicas wherever there are two, so that a witness completes a quorum but never stands for data.
 */
export function commitIndex(voters: Voters, matchOf: (id: MemberId) => number): number {
  return Math.min(quorumValue(voters, matchOf), replicatedIndex(voters, matchOf));
}

/** The highest index that two full replicas hold, or the only one. */
export function replicatedIndex(voters: Voters, matchOf: (id: MemberId) => number): number {
  const incoming = replicasValue(voters.incoming, matchOf);
  if (voters.outgoing === null) return incoming;
  return Math.min(incoming, replicasValue(voters.outgoing, matchOf));
}

function replicasValue(set: VoterSet, matchOf: (id: MemberId) => number): number {
  return reachedBy(set.full, Math.min(2, Math.max(1, set.full.length)), matchOf);
}

/** Whether those who answer could commit: quorums, and full replicas enough. */
export function couldCommit(voters: Voters, answers: (id: MemberId) => boolean): boolean {
  return commitIndex(voters, (id) => answers(id) ? 1 : 0) === 1;
}

/** What `votes` come to; voices of others than voters count for nothing. */
export function voteOutcome(voters: Voters, votes: ReadonlyMap<MemberId, boolean>): VoteOutcome {
  const granted = quorumValue(voters, (id) => votes.get(id) === true ? 1 : 0);
  if (granted === 1) return "won";
  const possible = quorumValue(voters, (id) => votes.get(id) === false ? 0 : 1);
  return possible === 1 ? "pending" : "lost";
}
