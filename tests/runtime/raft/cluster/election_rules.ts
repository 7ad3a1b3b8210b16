/** Who may vote for whom, and who leads. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Vote } from "../../../../runtime/raft/core/messages.ts";
import type { Member } from "./member.ts";
import { isQuorum, voterSets } from "./quorum_facts.ts";
import type { Shadow } from "./shadow.ts";
import type { Sometimes } from "./sometimes.ts";
import { holds } from "./violation.ts";

interface Leader {
  readonly id: MemberId;
  readonly incarnation: number;
}

/** The record of elections. */
export class ElectionRules {
  readonly #leaders = new Map<number, Leader>();
  /** What each candidate said of its log, by term and id. */
  readonly #claims = new Map<string, Vote>();
  readonly #members: ReadonlyMap<MemberId, Member>;
  readonly #sometimes: Sometimes;
  highestTerm = 0;

  constructor(members: ReadonlyMap<MemberId, Member>, sometimes: Sometimes) {
    this.#members = members;
    this.#sometimes = sometimes;
  }

  leaderOf(term: number): MemberId | undefined {
    return this.#leaders.get(term)?.id;
  }

  claimed(vote: Vote): void {
    const key = `${vote.term}/${vote.from}`;
    const earlier = this.#claims.get(key);
    this.#claims.set(key, vote);
    if (earlier === undefined) return;
    const isSame = earlier.lastIndex === vote.lastIndex && earlier.lastTerm === vote.lastTerm;
    holds(isSame, "one vote a term", () => {
      return `${vote.from} campaigns twice in term ${vote.term}: with a log up to ` +
        `${earlier.lastIndex}/t${earlier.lastTerm} and up to ${vote.lastIndex}/t${vote.lastTerm}`;
    });
  }

  /** A member is about to vote: the candidate's log is at least as far as its own. */
  checkVote(id: MemberId, shadow: Shadow, term: number, vote: MemberId): void {
    const claim = this.#claims.get(`${term}/${vote}`);
    const { lastIndex, lastTerm } = shadow.log;
    const isUpToDate = claim !== undefined &&
      (claim.lastTerm > lastTerm || (claim.lastTerm === lastTerm && claim.lastIndex >= lastIndex));
    holds(isUpToDate, "leader completeness", () => {
      return `${id} with a log up to ${lastIndex}/t${lastTerm} votes in term ${term} for ${vote}, ` +
        `whose log goes up to ${claim?.lastIndex}/t${claim?.lastTerm}`;
    });
  }

  elected(member: Member, shadow: Shadow, term: number): void {
    const { id, incarnation } = member;
    const leader = this.#leaders.get(term);
    holds(leader === undefined, "election safety", () => {
      return `${id} leads term ${term}, and so does ${leader!.id}`;
    });
    this.#leaders.set(term, { id, incarnation });
    this.highestTerm = Math.max(this.highestTerm, term);
    const { configuration } = shadow.configuration;
    // A leader that appended its own removal may be needed to commit it (dissertation, 4.2.2).
    const isSeat = shadow.possibleConfigurations.some((possible) => {
      return voterSets(possible).flat().some((voter) => voter.id === id && !voter.witness);
    });
    holds(isSeat, "election safety", () => `${id} leads term ${term} and is no full voter`);
    const votedForIt = (voter: MemberId) => this.#members.get(voter)?.disk.votes.get(term) === id;
    holds(isQuorum(configuration, (voter) => votedForIt(voter.id)), "durable before said", () => {
      const voters = [...this.#members.keys()].filter(votedForIt);
      return `${id} leads term ${term} on durable votes of {${voters}} only`;
    });
    this.#sometimes.saw("election won");
    if (!isQuorum(configuration, (voter) => !voter.witness && votedForIt(voter.id))) {
      this.#sometimes.saw("witness vote decided an election");
    }
  }
}
