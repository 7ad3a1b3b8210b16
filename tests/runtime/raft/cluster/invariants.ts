/**
 * The checker: it sees every step of every member, from outside, and says which promise was broken.
 * The table in `runtime/raft/DESIGN.md` says where each promise is checked.
 */

import type { MemberId } from "../../../../runtime/raft/core/entry.ts";
import type { Input } from "../../../../runtime/raft/core/input.ts";
import type { Restored } from "../../../../runtime/raft/core/options.ts";
import type { Outputs, RaftEvent } from "../../../../runtime/raft/core/outputs.ts";
import { AnswerRules, Wishes } from "./answer_rules.ts";
import { CommittedRecord } from "./committed_record.ts";
import type { CoreUnderTest } from "./core_factory.ts";
import { ElectionRules } from "./election_rules.ts";
import { EntryRegistry } from "./entry_registry.ts";
import { LogRules } from "./log_rules.ts";
import type { Member } from "./member.ts";
import { SaidRules } from "./said_rules.ts";
import { Shadow } from "./shadow.ts";
import { Sometimes } from "./sometimes.ts";
import { holds, Violation } from "./violation.ts";

/** The checker of one cluster. */
export class Invariants {
  readonly sometimes = new Sometimes();
  readonly committed: CommittedRecord;
  readonly elections: ElectionRules;
  readonly shadows = new Map<MemberId, Shadow>();
  readonly wishes = new Map<MemberId, Wishes>();
  readonly #registry = new EntryRegistry();
  readonly #log: LogRules;
  readonly #said: SaidRules;
  readonly #answers: AnswerRules;

  constructor(members: ReadonlyMap<MemberId, Member>) {
    const { sometimes } = this;
    this.committed = new CommittedRecord(members, this.#registry);
    this.elections = new ElectionRules(members, sometimes);
    this.#log = new LogRules(this.#registry, this.committed, this.elections, sometimes);
    this.#said = new SaidRules(this.elections, this.shadows);
    this.#answers = new AnswerRules(this.committed, members, sometimes);
  }

  started(member: Member, restored: Restored): void {
    const { id } = member;
    const core = member.core!;
    this.committed.checkSnapshot(id, restored.snapshot);
    const shadow = new Shadow(restored, (entry) => this.#registry.configurationOf(entry));
    this.shadows.set(id, shadow);
    this.wishes.set(id, new Wishes());
    holds(core.term >= restored.hardState.term, "commit never falls", () => {
      return `${id} starts in term ${core.term}, its disk has ${restored.hardState.term}`;
    });
    shadow.term = core.term;
    this.#followCommit(id, shadow, core);
    this.committed.checkMachine(member);
    if (restored.snapshot.index > 0) this.sometimes.saw("restart from a snapshot");
  }

  crashed({ id }: Member): void {
    this.shadows.delete(id);
    this.wishes.delete(id);
  }

  /** The machine of `member` has done what it was told. */
  applied(member: Member): void {
    this.committed.checkMachine(member);
  }

  /** One step, before its outputs are carried out. */
  stepped(member: Member, input: Input, outputs: Outputs): void {
    const { id } = member;
    const core = member.core!;
    const shadow = this.shadows.get(id)!;
    const wishes = this.wishes.get(id)!;
    this.#answers.asked(wishes, input);
    const wasLeading = shadow.role === "leader" && shadow.term === core.term;
    this.#checkRole(member, shadow, core);
    const isLeading = core.role === "leader";
    // A leader may commit its own removal and step down in one step.
    const isCommitting = isLeading || wasLeading;
    const isHeld = !isCommitting || this.#checkCommit(member, shadow, core);
    for (const order of outputs.persist) {
      this.#log.absorb(member, shadow, order, isLeading && wasLeading);
    }
    if (!isCommitting) this.#followCommit(id, shadow, core);
    else if (!isHeld) this.#checkHeld(member, shadow);
    for (const message of outputs.send) this.#said.check(member, message);
    this.#checkMachineOrders(member, shadow, outputs);
    for (const answer of outputs.answers) {
      this.#answers.answered(member, shadow, wishes, answer);
    }
    for (const read of outputs.reads) this.#answers.read(member, wishes, input, read);
    for (const event of outputs.events) this.#event(member, shadow, event);
    this.#noteHandOver(shadow, wishes, outputs);
    shadow.role = core.role;
  }

  #checkRole(member: Member, shadow: Shadow, core: CoreUnderTest): void {
    const { term, role } = core;
    holds(term >= shadow.term, "commit never falls", () => {
      return `the term of ${member.id} falls from ${shadow.term} to ${term}`;
    });
    const isNew = role === "leader" && (shadow.role !== "leader" || shadow.term !== term);
    if (shadow.role === "leader" && role !== "leader") {
      this.sometimes.saw(
        term > shadow.term ? "leader heard of a higher term" : "leader stepped down by itself",
      );
    }
    shadow.term = term;
    if (!isNew) return;
    this.elections.elected(member, shadow, term);
    this.committed.checkLeader(member.id, shadow);
  }

  /** A leader's commit; false if it must be judged by the configuration that this step brings. */
  #checkCommit(member: Member, shadow: Shadow, core: CoreUnderTest): boolean {
    if (core.commit === shadow.commit) return true;
    this.#checkNoFall(member.id, shadow, core);
    const { last } = this.committed;
    this.committed.extend(member.id, shadow, core.commit);
    shadow.commit = core.commit;
    if (core.commit <= last) return true;
    const term = shadow.log.termAt(core.commit);
    holds(term === core.term, "commit is held", () => {
      return `${member.id} commits ${core.commit} of term ${term} in term ${core.term} by counting`;
    });
    this.#checkLaterLeaders(member.id, shadow);
    return this.committed.isHeld(shadow.configuration.configuration, core.commit, term);
  }

  #checkHeld({ id }: Member, shadow: Shadow): void {
    const { commit, term, configuration } = shadow;
    const isHeld = this.committed.isHeld(configuration.configuration, commit, term);
    holds(isHeld, "commit is held", () => {
      return `${id} commits ${commit}/t${term}, held by no quorum or by one replica only: ` +
        this.committed.heldText(configuration.configuration);
    });
  }

  /** Leaders of higher terms exist already: they must hold what an older one commits now. */
  #checkLaterLeaders(id: MemberId, shadow: Shadow): void {
    if (this.elections.highestTerm <= shadow.term) return;
    for (const [other, leader] of this.shadows) {
      if (leader.role !== "leader" || leader.term <= shadow.term) continue;
      const term = leader.log.termAt(shadow.commit);
      holds(term === shadow.term || term < -1, "leader completeness", () => {
        return `${id} commits ${shadow.commit} in term ${shadow.term}; ${other}, which leads term ` +
          `${leader.term}, has term ${term} there`;
      });
    }
  }

  #followCommit(id: MemberId, shadow: Shadow, core: CoreUnderTest): void {
    if (core.commit === shadow.commit) return;
    this.#checkNoFall(id, shadow, core);
    this.committed.follow(id, shadow, core.commit);
    shadow.commit = core.commit;
  }

  #checkNoFall(id: MemberId, shadow: Shadow, core: CoreUnderTest): void {
    holds(core.commit >= shadow.commit, "commit never falls", () => {
      return `the commit of ${id} falls from ${shadow.commit} to ${core.commit}`;
    });
  }

  #checkMachineOrders(member: Member, shadow: Shadow, outputs: Outputs): void {
    const { id, disk } = member;
    const { restore, apply, compact } = outputs;
    if (restore !== null) {
      this.committed.checkSnapshot(id, restore);
      holds(restore.index > shadow.handedOver, "state-machine safety", () => {
        return `${id} restores ${restore.index} after it applied ${shadow.handedOver}`;
      });
      shadow.handedOver = restore.index;
    }
    if (apply.length > 0) {
      this.committed.checkApply(id, member.isWitness, shadow, apply);
      holds(shadow.handedOver <= shadow.commit, "state-machine safety", () => {
        return `${id} applies ${shadow.handedOver}, it knows of commits up to ${shadow.commit}`;
      });
    }
    if (compact === null) return;
    this.sometimes.saw("log compacted");
    holds(compact <= (disk.newest?.snapshot.index ?? 0), "order of outputs", () => {
      return `${id} compacts up to ${compact}, its snapshot ends at ${disk.newest?.snapshot.index}`;
    });
  }

  #event(member: Member, shadow: Shadow, event: RaftEvent): void {
    if (event.type === "lostLog") {
      throw new Violation(
        "no log is lost",
        `${member.id} says that ${event.member} lost its log; no disk was lost`,
      );
    }
    if (event.type === "degraded" && event.degraded) this.sometimes.saw("degraded");
    if (event.type === "heartbeatMissed") this.sometimes.saw("heartbeat missed");
    if (event.type === "campaign" && shadow.role === "candidate") {
      this.sometimes.saw("election lost to a split vote");
    }
  }

  #noteHandOver(shadow: Shadow, wishes: Wishes, outputs: Outputs): void {
    for (const { type, from } of outputs.send) {
      if (type !== "timeoutNow") continue;
      const { members } = shadow.configuration.configuration;
      const isWished = [...wishes.open.values()].some(({ kind }) => kind === "transfer");
      if (!isWished && members.some(({ id }) => id === from)) {
        this.sometimes.saw("priority handed the lead over");
      }
    }
  }
}
