/** What a member answers to those who wish for something. */

import type { Input, Proposal } from "../../../../runtime/raft/core/input.ts";
import type { Answer, ReadAnswer, RefusalCode } from "../../../../runtime/raft/core/outputs.ts";
import type { CommittedRecord } from "./committed_record.ts";
import type { Member } from "./member.ts";
import { voterSets } from "./quorum_facts.ts";
import type { Shadow } from "./shadow.ts";
import type { RareState, Sometimes } from "./sometimes.ts";
import { holds } from "./violation.ts";

/** A wish that has had no final answer. */
interface Wish {
  readonly kind: "propose" | "remove" | "replace" | "change" | "transfer";
  readonly proposal: Proposal | null;
  /** Where the command stands. */
  index: number;
  term: number;
}

/** The wishes of one incarnation. */
export class Wishes {
  readonly open = new Map<number, Wish>();
  /** Commands that stand in the log: that is all that is said of them, or that they may be lost. */
  readonly appended = new Map<number, Wish>();
  /** Reads by context: what was committed when they began. */
  readonly reads = new Map<string, number>();
}

const RARE_REFUSALS: Partial<Record<RefusalCode, RareState>> = {
  Overloaded: "command overloaded",
  ClockSkew: "command refused for a skewed clock",
  WouldLoseQuorum: "would lose quorum",
  NoCommitInTerm: "change before a commit of the term",
  ChangePending: "change while another is pending",
  CatchUpTooSlow: "catch-up too slow",
  TransferTimeout: "transfer timed out",
};

/** Judges answers and reads. */
export class AnswerRules {
  readonly #committed: CommittedRecord;
  readonly #members: ReadonlyMap<string, Member>;
  readonly #sometimes: Sometimes;

  constructor(
    committed: CommittedRecord,
    members: ReadonlyMap<string, Member>,
    sometimes: Sometimes,
  ) {
    this.#committed = committed;
    this.#members = members;
    this.#sometimes = sometimes;
  }

  asked(wishes: Wishes, input: Input): void {
    if (input.type === "read") wishes.reads.set(input.context, this.#committed.last);
    else if (input.type === "propose") {
      for (const proposal of input.proposals) {
        wishes.open.set(proposal.id, { kind: "propose", proposal, index: 0, term: 0 });
      }
    } else if (input.type === "transfer") {
      wishes.open.set(input.id, { kind: "transfer", proposal: null, index: 0, term: 0 });
    } else if (input.type === "change") {
      const { do: what } = input.change;
      const kind = what === "remove" || what === "replace" ? what : "change";
      wishes.open.set(input.id, { kind, proposal: null, index: 0, term: 0 });
    }
  }

  answered(member: Member, shadow: Shadow, wishes: Wishes, answer: Answer): void {
    const appended = answer.outcome === "unknown" ? wishes.appended.get(answer.id) : undefined;
    const wish = appended ?? wishes.open.get(answer.id);
    holds(wish !== undefined, "answers", () => {
      return `${member.id} answers ${JSON.stringify(answer)} to a wish that is not open`;
    });
    if (answer.outcome === "appended") {
      this.#appended(member, shadow, wish, answer.index, answer.term);
      if (wish.proposal?.durability !== "quorum") return;
      wishes.open.delete(answer.id);
      wishes.appended.set(answer.id, wish);
      return;
    }
    wishes.open.delete(answer.id);
    wishes.appended.delete(answer.id);
    if (answer.outcome === "durable") this.#durable(member, shadow, wish, answer.level);
    else if (answer.outcome === "unknown") this.#sometimes.saw("outcome unknown");
    else if (answer.outcome === "refused") this.#refused(member, wish, answer.code);
    else if (wish.kind === "transfer") this.#sometimes.saw("transfer done");
    else if (wish.kind === "remove") this.#sometimes.saw("member removed");
    else if (wish.kind === "replace") this.#sometimes.saw("replace done");
  }

  #refused({ id }: Member, wish: Wish, code: RefusalCode): void {
    holds(wish.index === 0, "answers", () => {
      return `${id} refuses (${code}) a command that stands at ${wish.index}/t${wish.term}`;
    });
    const rare = RARE_REFUSALS[code];
    if (rare !== undefined) this.#sometimes.saw(rare);
  }

  #appended({ id }: Member, { log }: Shadow, wish: Wish, index: number, term: number): void {
    const entry = log.at(index);
    const isThere = entry?.term === term && entry.data === wish.proposal?.data;
    holds(isThere && wish.index === 0, "answers", () => {
      return `${id} says that ${wish.proposal?.id} stands at ${index}/t${term}; it does not`;
    });
    wish.index = index;
    wish.term = term;
  }

  #durable(member: Member, shadow: Shadow, wish: Wish, level: "all" | "quorum" | "leader"): void {
    const { index, term, proposal } = wish;
    const where = () => `${member.id} says that ${proposal?.id} at ${index}/t${term} is durable`;
    holds(index > 0 && proposal !== null, "answers", () => `${where()} before it is appended`);
    if (level === "leader") {
      holds(member.disk.holdsEntry(index, term), "answers", () => `${where()} on its own disk`);
      this.#sometimes.saw("leader: durable on the leader");
      return;
    }
    holds(this.#committed.at(index)?.term === term, "answers", () => `${where()} on a quorum`);
    if (level === "quorum") {
      this.#sometimes.saw("all: content with a quorum");
      return;
    }
    const missing = voterSets(shadow.configuration.configuration).flat().filter((voter) => {
      return !voter.witness && !this.#members.get(voter.id)?.disk.holdsEntry(index, term);
    });
    holds(missing.length === 0, "answers", () => {
      return `${where()} on all, it is not on ${missing.map(({ id }) => id)}`;
    });
    this.#sometimes.saw("all: on every voter");
  }

  read(member: Member, wishes: Wishes, input: Input, { context, index }: ReadAnswer): void {
    const floor = wishes.reads.get(context);
    holds(floor !== undefined, "reads are fresh", () => {
      return `${member.id} answers the read ${context}, which is not open`;
    });
    wishes.reads.delete(context);
    if (index === null) {
      this.#sometimes.saw("read given up");
      return;
    }
    const isAtOnce = input.type === "read" && input.byClock;
    holds(index >= floor && index <= this.#committed.last, "reads are fresh", () => {
      return `${member.id} answers the read ${context}${isAtOnce ? " by its clock" : ""} with ` +
        `${index}; ${floor} was committed before it began, ${this.#committed.last} is now`;
    });
    const isLeader = member.core?.role === "leader";
    if (isAtOnce) this.#sometimes.saw("read by clock");
    this.#sometimes.saw(isLeader ? "read answered by the leader" : "read answered for a follower");
  }
}
