/** What leaders have committed, by index, for ever; and that it is held and applied by everybody. */

import type { Configuration, Member as Seat } from "../../../../runtime/raft/core/configuration.ts";
import type { Entry, MemberId, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { EntryRegistry } from "./entry_registry.ts";
import { BEYOND, GONE } from "./log_shadow.ts";
import { chained } from "./machine.ts";
import type { Member } from "./member.ts";
import { isOnTwoReplicas, isQuorum } from "./quorum_facts.ts";
import type { PlacedConfiguration, Shadow } from "./shadow.ts";
import { holds, Violation } from "./violation.ts";

interface Committed {
  readonly entry: Entry;
  /** The term of the leader that committed it; never falls along the record. */
  readonly byTerm: number;
  readonly chain: number;
}

/** The record of committed entries. */
export class CommittedRecord {
  readonly #entries: Committed[] = [];
  readonly #configurations: PlacedConfiguration[] = [];
  readonly #members: ReadonlyMap<MemberId, Member>;
  readonly #registry: EntryRegistry;

  constructor(members: ReadonlyMap<MemberId, Member>, registry: EntryRegistry) {
    this.#members = members;
    this.#registry = registry;
  }

  /** The highest index that is committed. */
  get last(): number {
    return this.#entries.length;
  }

  at(index: number): Entry | undefined {
    return this.#entries[index - 1]?.entry;
  }

  /** The chain of a machine that has applied `index`. */
  chainAt(index: number): number {
    return index === 0 ? 0 : this.#entries[index - 1]!.chain;
  }

  /** The configuration in force at `index`, if an entry made it so. */
  configurationAt(index: number): PlacedConfiguration | undefined {
    return this.#configurations.findLast((placed) => placed.index <= index);
  }

  /** A leader's commit has become `commit`: its entries are the ones, for ever. */
  extend(id: MemberId, shadow: Shadow, commit: number): void {
    this.follow(id, shadow, Math.min(commit, this.last));
    for (let index = this.last + 1; index <= commit; index += 1) {
      const entry = shadow.log.at(index);
      holds(entry !== undefined, "commit is held", () => {
        return `${id} commits ${index} in term ${shadow.term} and holds only up to ` +
          `${shadow.log.lastIndex}`;
      });
      const { term: byTerm } = shadow;
      this.#entries.push({ entry, byTerm, chain: chained(this.chainAt(index - 1), entry) });
      if (entry.kind !== "config") continue;
      const configuration = this.#registry.configurationOf(entry);
      this.#configurations.push({ index, configuration });
    }
  }

  /** A member knows of commits up to `commit`: it holds what is committed. */
  follow(id: MemberId, shadow: Shadow, commit: number): void {
    holds(commit <= this.last, "commit is held", () => {
      return `${id} takes ${commit} for committed in term ${shadow.term}, leaders only ${this.last}`;
    });
    if (commit === 0) return;
    const term = shadow.log.termAt(commit);
    const expected = this.at(commit)!.term;
    holds(term === expected || term === GONE, "state-machine safety", () => {
      return `${id} takes ${commit} for committed with ${
        termText(term)
      }, it is of term ${expected}`;
    });
  }

  /** Whether a quorum of `configuration`, and two replicas, hold `index` of `term` durably. */
  isHeld(configuration: Configuration, index: number, term: number): boolean {
    const isHolder = ({ id }: Seat) => {
      return this.#members.get(id)?.disk.holdsEntry(index, term) ?? false;
    };
    return isQuorum(configuration, isHolder) && isOnTwoReplicas(configuration, isHolder);
  }

  /** For messages: how far the disks of those of `configuration` reach. */
  heldText(configuration: Configuration): string {
    const seats = [...configuration.members, ...configuration.outgoing ?? []];
    return [...new Set(seats.map(({ id }) => id))].map((id) => {
      const disk = this.#members.get(id)?.disk;
      return `${id}:${disk?.log.lastIndex ?? 0}/t${disk?.log.lastTerm ?? 0}`;
    }).join(" ");
  }

  /** A new leader holds whatever was committed in terms before its own (which may be over already). */
  checkLeader(id: MemberId, shadow: Shadow): void {
    let { last } = this;
    while (last > 0 && this.#entries[last - 1]!.byTerm >= shadow.term) last -= 1;
    if (last === 0) return;
    const term = shadow.log.termAt(last);
    const expected = this.at(last)!.term;
    holds(term === expected || term === GONE, "leader completeness", () => {
      return `${id} leads term ${shadow.term} with ${termText(term)} at ${last}, ` +
        `where an entry of term ${expected} is committed`;
    });
  }

  /** A snapshot says what was committed. */
  checkSnapshot(id: MemberId, snapshot: SnapshotMeta): void {
    if (snapshot.index === 0) return;
    const entry = this.at(snapshot.index);
    const isRight = entry?.term === snapshot.term && entry.stampMs === snapshot.stampMs;
    holds(isRight, "state-machine safety", () => {
      return `${id} has a snapshot of ${snapshot.index}/t${snapshot.term}, ` +
        `committed is ${entry === undefined ? "nothing" : `term ${entry.term}`} there`;
    });
    const placed = this.configurationAt(snapshot.index);
    holds((placed?.index ?? 0) === snapshot.configurationIndex, "quorums overlap", () => {
      return `${id} has a snapshot of ${snapshot.index} with the configuration of ` +
        `${snapshot.configurationIndex}, in force is that of ${placed?.index ?? 0}`;
    });
  }

  /** Entries come to the machine once, in order, and are the committed ones. */
  checkApply(id: MemberId, isWitness: boolean, shadow: Shadow, entries: readonly Entry[]): void {
    for (const entry of entries) {
      holds(entry.index === shadow.handedOver + 1, "state-machine safety", () => {
        return `${id} applies ${entry.index} after ${shadow.handedOver}`;
      });
      const committed = this.at(entry.index);
      const isSame = committed !== undefined && committed.term === entry.term &&
        (isWitness || committed.data.length === entry.data.length);
      holds(isSame, "state-machine safety", () => {
        return `${id} applies ${entry.index}/t${entry.term}, committed is ` +
          `${committed === undefined ? "nothing" : `term ${committed.term}`} there`;
      });
      shadow.handedOver = entry.index;
    }
  }

  /** The machine of `member` has the state that follows from what was committed. */
  checkMachine(member: Member): void {
    const { index, chain } = member.machine;
    if (member.isWitness || chain === this.chainAt(index)) return;
    throw new Violation(
      "state-machine safety",
      `the state of ${member.id} at ${index} is not the one of the committed entries`,
    );
  }
}

function termText(term: number): string {
  return term === BEYOND ? "nothing" : term === GONE ? "a compacted entry" : `term ${term}`;
}
