/** What quorums are, told in the dumbest way, to judge the core's own code. */

import type { Configuration, Member } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId } from "../../../../runtime/raft/core/entry.ts";

/** The voters of the new and, if joint, of the old configuration. */
export function voterSets(configuration: Configuration): readonly (readonly Member[])[] {
  const incoming = configuration.members.filter(({ role }) => role === "voter");
  const { outgoing } = configuration;
  if (outgoing === null) return [incoming];
  return [incoming, outgoing.filter(({ role }) => role === "voter")];
}

/** Whether those for whom `agrees` holds are a majority of each set of voters. */
export function isQuorum(
  configuration: Configuration,
  agrees: (member: Member) => boolean,
): boolean {
  return voterSets(configuration).every((voters) => {
    let count = 0;
    for (const voter of voters) if (agrees(voter)) count += 1;
    return 2 * count > voters.length;
  });
}

/** Two of the full voters hold it, or all of them if there are fewer. */
export function isOnTwoReplicas(
  configuration: Configuration,
  holdsIt: (member: Member) => boolean,
): boolean {
  const full = new Map<MemberId, Member>();
  for (const voters of voterSets(configuration)) {
    for (const voter of voters) if (!voter.witness) full.set(voter.id, voter);
  }
  let count = 0;
  for (const voter of full.values()) if (holdsIt(voter)) count += 1;
  return count >= Math.min(2, full.size);
}

/** Two disjoint quorums, one of each configuration; null if any two share a member. */
export function disjointQuorums(
  one: Configuration,
  other: Configuration,
): readonly [MemberId[], MemberId[]] | null {
  const ids = new Set<MemberId>();
  for (const configuration of [one, other]) {
    for (const voters of voterSets(configuration)) for (const { id } of voters) ids.add(id);
  }
  const all = [...ids];
  for (let subset = 0; subset < 2 ** all.length; subset += 1) {
    const left = new Set(all.filter((_, place) => (subset >> place) % 2 === 1));
    const isLeft = isQuorum(one, ({ id }) => left.has(id));
    if (isLeft && isQuorum(other, ({ id }) => !left.has(id))) {
      return [[...left], all.filter((id) => !left.has(id))];
    }
  }
  return null;
}
