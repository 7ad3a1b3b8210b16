/** Who belongs to the cluster: from configuration, or from Raft (`raft_members.ts`). There is no gossip. */

import { checkNodeId } from "../actor/address.ts";
import { ClusterError } from "./errors.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";

/** A node that belongs to the cluster. */
export interface Member {
  readonly node: string;
  /** Where it is dialled; left out for a node that only dials others, such as an agent. */
  readonly url?: string;
  /** What it is there for; free words such as `controller`. */
  readonly roles?: readonly string[];
}

/** Says who belongs, and when that changes. */
export interface MemberSource {
  current(): readonly Member[];
  /** Tells each later list; the returned function ends that. */
  subscribe(listener: (members: readonly Member[]) => void): () => void;
}

/** A list of members that its owner may replace. */
export class MemberList implements MemberSource {
  readonly #limits: ClusterLimits;
  readonly #listeners = new Set<(members: readonly Member[]) => void>();
  #members: readonly Member[];

  /** ClusterError `BadMembers` for a node named twice, or too many; ActorError `BadName` for a bad id. */
  constructor(members: readonly Member[], overrides: Partial<ClusterLimits> = {}) {
    this.#limits = clusterLimits(overrides);
    this.#members = this.#checked(members);
  }

  current(): readonly Member[] {
    return this.#members;
  }

  subscribe(listener: (members: readonly Member[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Replaces the list; throws as the constructor does, and then nothing changes. */
  set(members: readonly Member[]): void {
    this.#members = this.#checked(members);
    for (const listener of [...this.#listeners]) listener(this.#members);
  }

  #checked(members: readonly Member[]): readonly Member[] {
    if (members.length > this.#limits.members) {
      throw badMembers(`${members.length} nodes are more than ${this.#limits.members}`);
    }
    const seen = new Set<string>();
    for (const { node } of members) {
      checkNodeId(node);
      if (seen.has(node)) throw badMembers(`"${node}" is named twice`);
      seen.add(node);
    }
    return [...members];
  }
}

function badMembers(reason: string): ClusterError {
  return new ClusterError("BadMembers", `take the list of members: ${reason}; correct the list`);
}
