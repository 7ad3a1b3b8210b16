/** Who belongs to a group, and how that may change (Ongaro's dissertation, chapter 4). */

import { assert, unreachable } from "../../base/assert.ts";
import type { MemberId } from "./entry.ts";

/** One member of a group. */
export interface Member {
  readonly id: MemberId;
  /** A learner receives the log and has no voice. */
  readonly role: "voter" | "learner";
  /** A witness keeps vote and terms of the log durable but no data and no state; it never leads. */
  readonly witness: boolean;
  /** Who leads by preference: the highest. 0 never campaigns on its own account. Default 1. */
  readonly priority: number;
}

/** A configuration; joint while `outgoing` is not null. Members are sorted by id. */
export interface Configuration {
  readonly members: readonly Member[];
  /** The voters of the configuration that is being left; a quorum needs a majority of both. */
  readonly outgoing: readonly Member[] | null;
}

/** The configuration of a member that knows nothing yet: it waits until a leader tells. */
export const NO_MEMBERS: Configuration = { members: [], outgoing: null };

/** A wish to change the members. */
export type MembershipChange =
  | { readonly do: "addLearner"; readonly member: Omit<Member, "role"> }
  /** Catch-up rounds come first; then the learner votes. */
  | { readonly do: "promote"; readonly id: MemberId }
  | { readonly do: "remove"; readonly id: MemberId }
  /** One leaves and a learner that has caught up takes its place, in one joint change. */
  | { readonly do: "replace"; readonly id: MemberId; readonly by: MemberId }
  | { readonly do: "setPriority"; readonly id: MemberId; readonly priority: number };

/** The bytes of a `config` entry. */
export function encodeConfiguration(configuration: Configuration): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(configuration));
}

/** The configuration of a `config` entry. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const value = JSON.parse(new TextDecoder().decode(data)) as Configuration;
  const all = [...value.members, ...(value.outgoing ?? [])];
  for (const member of all) {
    assert(member.role === "voter" || member.role === "learner", "a member has a role");
    assert(typeof member.id === "string", "a member has an id");
  }
  return value;
}

/** The member with `id`, also one that is only being left behind. */
export function memberOf(configuration: Configuration, id: MemberId): Member | undefined {
  return configuration.members.find((member) => member.id === id) ??
    configuration.outgoing?.find((member) => member.id === id);
}

/** Everyone who receives the log: members, and the voters that are being left. */
export function everyone(configuration: Configuration): readonly Member[] {
  if (configuration.outgoing === null) return configuration.members;
  const present = new Set(configuration.members.map((member) => member.id));
  return [
    ...configuration.members,
    ...configuration.outgoing.filter((member) => !present.has(member.id)),
  ];
}

/** Whether `member` may lead: a voter that holds data. */
export function mayLead(member: Member | undefined): boolean {
  return member !== undefined && member.role === "voter" && !member.witness;
}

/** The configuration after `change`, whose conditions hold; joint where two voters change at once. */
export function changed(configuration: Configuration, change: MembershipChange): Configuration {
  assert(configuration.outgoing === null, "a joint configuration is left before the next change");
  const { members } = configuration;
  switch (change.do) {
    case "addLearner":
      return simple([...members, { ...change.member, role: "learner" }]);
    case "promote":
      return simple(withRole(members, change.id));
    case "remove":
      return simple(members.filter((member) => member.id !== change.id));
    case "replace": {
      const rest = members.filter((member) => member.id !== change.id);
      const outgoing = members.filter((member) => member.role === "voter");
      return { ...simple(withRole(rest, change.by)), outgoing };
    }
    case "setPriority":
      return simple(
        members.map((member) =>
          member.id === change.id ? { ...member, priority: change.priority } : member
        ),
      );
    default:
      return unreachable(change, "a change of members");
  }
}

/** The end of a joint configuration. */
export function left(configuration: Configuration): Configuration {
  return simple(configuration.members);
}

function withRole(members: readonly Member[], id: MemberId): readonly Member[] {
  return members.map((member) => member.id === id ? { ...member, role: "voter" } : member);
}

function simple(members: readonly Member[]): Configuration {
  const sorted = members.toSorted((a, b) => a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
  return { members: sorted, outgoing: null };
}
