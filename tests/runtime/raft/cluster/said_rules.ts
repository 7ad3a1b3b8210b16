/** What a member says stands on what its disk holds. */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { AppendReply, Message } from "../../../../runtime/raft/core/messages.ts";
import type { ElectionRules } from "./election_rules.ts";
import { GONE } from "./log_shadow.ts";
import type { Member } from "./member.ts";
import type { Shadow } from "./shadow.ts";
import { holds } from "./violation.ts";

/** Judges messages when they are sent. */
export class SaidRules {
  readonly #elections: ElectionRules;
  readonly #shadows: ReadonlyMap<MemberId, Shadow>;

  constructor(elections: ElectionRules, shadows: ReadonlyMap<MemberId, Shadow>) {
    this.#elections = elections;
    this.#shadows = shadows;
  }

  check(member: Member, message: Message): void {
    const { id } = member;
    holds(message.from === id, "durable before said", () => {
      return `${id} sends ${message.type} in the name of ${message.from}`;
    });
    if (message.type === "vote") {
      this.#checkVote(member, message.term, id, "asks for votes");
      this.#elections.claimed(message);
    } else if (message.type === "voteReply" && message.granted) {
      this.#checkVote(member, message.term, message.to, "grants its vote");
    } else if (message.type === "appendReply" && message.match !== null) {
      this.#checkMatch(member, message, message.match);
    }
  }

  #checkVote({ id, disk }: Member, term: number, to: MemberId, does: string): void {
    const vote = disk.votes.get(term) ?? null;
    holds(vote === to, "durable before said", () => {
      return `${id} ${does} in term ${term} for ${to}, its disk has the vote ${vote} ` +
        `(hard state: term ${disk.hardState.term}, vote ${disk.hardState.vote})`;
    });
  }

  #checkMatch({ id, disk }: Member, { term, to }: AppendReply, match: number): void {
    if (match === 0) return;
    holds(disk.hardState.term >= term, "durable before said", () => {
      return `${id} confirms ${match} in term ${term}, its disk has term ${disk.hardState.term}`;
    });
    holds(match <= disk.durableIndex, "durable before said", () => {
      return `${id} confirms ${match} in term ${term}, its disk holds up to ${disk.durableIndex}`;
    });
    const leader = this.#shadows.get(to);
    if (leader === undefined || this.#elections.leaderOf(term) !== to) return;
    if (leader.role !== "leader" || leader.term !== term) return;
    const expected = leader.log.termAt(match);
    if (expected === GONE) return;
    holds(disk.holdsEntry(match, expected), "durable before said", () => {
      return `${id} confirms ${match} in term ${term}: its disk has ` +
        `${match}/t${disk.log.termAt(match)}, leader ${to} has ${match}/t${expected}`;
    });
  }
}
