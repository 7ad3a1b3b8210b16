/** Who belongs to a group, and how that may change (Ongaro's dissertation, chapter 4). */

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
