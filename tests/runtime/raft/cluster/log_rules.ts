/** What a member may write into its log and its hard state. */

import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, HardState, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { PersistOrder } from "../../../../runtime/raft/core/outputs.ts";
import type { CommittedRecord } from "./committed_record.ts";
import type { ElectionRules } from "./election_rules.ts";
import type { EntryRegistry } from "./entry_registry.ts";
import type { Member } from "./member.ts";
import { disjointQuorums } from "./quorum_facts.ts";
import type { Shadow } from "./shadow.ts";
import type { Sometimes } from "./sometimes.ts";
import { holds } from "./violation.ts";

/** Judges persist orders, and takes them over into the shadow. */
export class LogRules {
  readonly #registry: EntryRegistry;
  readonly #committed: CommittedRecord;
  readonly #elections: ElectionRules;
  readonly #sometimes: Sometimes;

  constructor(
    registry: EntryRegistry,
    committed: CommittedRecord,
    elections: ElectionRules,
    sometimes: Sometimes,
  ) {
    this.#registry = registry;
    this.#committed = committed;
    this.#elections = elections;
    this.#sometimes = sometimes;
  }

  /** `isLeading`: the member led before and after this step, in the same term. */
  absorb(member: Member, shadow: Shadow, order: PersistOrder, isLeading: boolean): void {
    const { id } = member;
    holds(shadow.orders === 0 || order.number === shadow.orders + 1, "order of outputs", () => {
      return `${id} gives order ${order.number} after ${shadow.orders}`;
    });
    shadow.orders = order.number;
    if (order.reset !== null) this.#reset(member, shadow, order.reset, isLeading);
    if (order.entries.length > 0) this.#write(member, shadow, order.entries, isLeading);
    if (order.hardState !== null) this.#hardState(member, shadow, order.hardState);
  }

  #reset(member: Member, shadow: Shadow, snapshot: SnapshotMeta, isLeading: boolean): void {
    const { id } = member;
    const { log } = shadow;
    holds(!isLeading, "leader append-only", () => {
      return `${id} leads term ${shadow.term} and resets its log to ${snapshot.index}`;
    });
    this.#committed.checkSnapshot(id, snapshot);
    const isOnDisk = member.disk.snapshots.some((held) => held.snapshot.index === snapshot.index);
    holds(isOnDisk, "order of outputs", () => {
      return `${id} resets its log to the snapshot at ${snapshot.index}, which is not durable`;
    });
    const loses = log.termAt(snapshot.index) === snapshot.term && log.lastIndex > snapshot.index;
    holds(!loses, "leader completeness", () => {
      return `${id} resets its log to ${snapshot.index} though it fits and goes on to ` +
        `${log.lastIndex}`;
    });
    log.reset(snapshot);
    const { configuration, configurationIndex } = snapshot;
    shadow.configurations = [{ index: configurationIndex, configuration }];
    this.#sometimes.saw(member.isWitness ? "snapshot to a witness" : "snapshot installed");
  }

  #write(member: Member, shadow: Shadow, entries: readonly Entry[], isLeading: boolean): void {
    const { id } = member;
    const { log } = shadow;
    const first = entries[0]!;
    holds(first.index > log.base && first.index <= log.lastIndex + 1, "log matching", () => {
      return `${id} writes ${first.index} into a log of ${log.base + 1}..${log.lastIndex}`;
    });
    holds(!isLeading || first.index === log.lastIndex + 1, "leader append-only", () => {
      return `${id} leads term ${shadow.term} and overwrites ${first.index} of ${log.lastIndex}`;
    });
    if (first.index <= log.lastIndex) this.#truncate(member, shadow, first);
    for (const entry of entries) {
      const previousTerm = log.termAt(entry.index - 1);
      const follows = entry.index === first.index || entry.index === log.lastIndex + 1;
      holds(follows && entry.term >= previousTerm, "log matching", () => {
        return `${id} writes ${entry.index}/t${entry.term} after ${log.lastIndex}/t${previousTerm}`;
      });
      if (!this.#registry.isKnown(id, member.isWitness, entry, previousTerm)) {
        this.#made(member, shadow, entry, previousTerm);
      }
      log.put(entry);
      if (entry.kind === "config") this.#configure(shadow, entry);
    }
  }

  #truncate({ id }: Member, shadow: Shadow, first: Entry): void {
    const { log } = shadow;
    const { index } = first;
    holds(log.termAt(index) !== first.term, "log matching", () => {
      return `${id} writes ${index}/t${first.term} again and loses up to ${log.lastIndex}`;
    });
    const committed = this.#committed.at(index);
    const loses = index <= shadow.commit || log.termAt(index) === committed?.term;
    holds(!loses, "leader completeness", () => {
      return `${id} overwrites ${index}/t${log.termAt(index)} with t${first.term}; it is committed`;
    });
    this.#sometimes.saw("uncommitted entries overwritten");
    if (shadow.configuration.index >= index) this.#sometimes.saw("configuration entry overwritten");
    shadow.truncateConfigurations(index - 1);
  }

  /** An entry that nobody has seen before: its leader has made it. */
  #made(member: Member, shadow: Shadow, entry: Entry, previousTerm: number): void {
    const { id } = member;
    holds(this.#elections.leaderOf(entry.term) === id, "log matching", () => {
      return `${id} writes ${entry.index}/t${entry.term}, which the leader of that term ` +
        `(${this.#elections.leaderOf(entry.term)}) never made`;
    });
    this.#registry.add(id, entry, previousTerm);
    if (entry.kind !== "config") return;
    const configuration = this.#registry.configurationOf(entry);
    this.#checkChange(member, shadow, entry, configuration);
    this.#noteChange(member, shadow, configuration);
  }

  #checkChange(
    { id }: Member,
    shadow: Shadow,
    entry: Entry,
    configuration: Configuration,
  ): void {
    const before = shadow.configuration;
    const { commit, log, term } = shadow;
    holds(before.index <= commit, "quorums overlap", () => {
      return `${id} changes the configuration at ${entry.index} while that of ${before.index} ` +
        `is not committed (${commit})`;
    });
    holds(log.termAt(commit) === term, "quorums overlap", () => {
      return `${id} changes the configuration at ${entry.index} before an entry of term ${term} ` +
        `is committed (${commit}/t${log.termAt(commit)})`;
    });
    const apart = disjointQuorums(before.configuration, configuration);
    holds(apart === null, "quorums overlap", () => {
      return `${id} changes from the configuration of ${before.index} to that of ${entry.index}: ` +
        `{${apart?.[0]}} and {${apart?.[1]}} are quorums of one each`;
    });
  }

  #noteChange({ id }: Member, shadow: Shadow, configuration: Configuration): void {
    const sometimes = this.#sometimes;
    const before = shadow.configuration;
    if (configuration.outgoing !== null) sometimes.saw("joint configuration");
    const { outgoing } = before.configuration;
    if (outgoing !== null && shadow.log.termAt(before.index) !== shadow.term) {
      sometimes.saw("joint configuration left by another leader");
    }
    if (configuration.members.every((one) => one.id !== id)) sometimes.saw("leader removed itself");
    for (const { id: other, role } of configuration.members) {
      const old = before.configuration.members.find((one) => one.id === other);
      if (role === "voter" && old?.role === "learner") sometimes.saw("learner promoted");
    }
  }

  #configure(shadow: Shadow, entry: Entry): void {
    const configuration = this.#registry.configurationOf(entry);
    shadow.configurations.push({ index: entry.index, configuration });
  }

  #hardState({ id }: Member, shadow: Shadow, { term, vote }: HardState): void {
    const { lastOrdered } = shadow;
    holds(term >= lastOrdered.term, "commit never falls", () => {
      return `${id} writes term ${term} after term ${lastOrdered.term}`;
    });
    if (term === lastOrdered.term && vote === lastOrdered.vote) return;
    holds(term > lastOrdered.term || lastOrdered.vote === null, "one vote a term", () => {
      return `${id} votes for ${vote} in term ${term} after it voted for ${lastOrdered.vote}`;
    });
    shadow.lastOrdered = { term, vote };
    if (vote !== null && vote !== id) this.#elections.checkVote(id, shadow, term, vote);
  }
}
