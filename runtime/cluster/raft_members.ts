/** Who belongs to the cluster, as a Raft group has it: its voters, witnesses and learners. */

import type { MemberId } from "../raft/core/entry.ts";
import type { Group } from "../raft/group.ts";
import type { Member, MemberSource } from "./member_source.ts";

/** What of a group its members are read from. */
export type ConfiguredGroup = Pick<Group<unknown, unknown, unknown>, "status" | "subscribe">;

/**
 * The members of `group` for {@link joinCluster}, both sides of a change while it is joint, and `others`
 * (agents, say), who belong whatever the group decides. `describe` says where a node is dialled and what
 * it is there for.
 */
export function raftMembers(
  group: ConfiguredGroup,
  describe: (id: MemberId) => Omit<Member, "node"> = () => ({}),
  others: readonly Member[] = [],
): MemberSource {
  const current = (): readonly Member[] => {
    const { members, outgoing } = group.status().configuration;
    const ids = new Set([...members, ...outgoing ?? []].map(({ id }) => id));
    for (const { node } of others) ids.delete(node);
    return [...[...ids].map((node) => ({ node, ...describe(node) })), ...others];
  };
  return {
    current,
    subscribe: (listener) =>
      group.subscribe((event) => {
        if (event.type === "configuration") listener(current());
      }),
  };
}
