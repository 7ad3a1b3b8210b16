/** Several members, the messages between them, and time; everything that happens is planned here. */

import { type Configuration, NO_MEMBERS } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import type { RaftOptions } from "../../../../runtime/raft/core/options.ts";
import { SeededRandom } from "../../../../runtime/sim/random.ts";
import { MemberClock } from "./clock.ts";
import type { CoreFactory } from "./core_factory.ts";
import { EventHeap } from "./event_heap.ts";
import { Invariants } from "./invariants.ts";
import { Links } from "./links.ts";
import { Member, type MemberWorld } from "./member.ts";
import type { Pace } from "./pace.ts";
import { messageText, Trace } from "./trace.ts";

/** What a cluster is made of. */
export interface ClusterOptions {
  readonly seed: number;
  readonly factory: CoreFactory;
  readonly raft: Omit<RaftOptions, "id">;
  /** The group's first configuration; all its members are made. */
  readonly configuration: Configuration;
  readonly pace: Pace;
  /** Messages wait in {@link Cluster.bag} until they are delivered or dropped by hand. */
  readonly isByHand?: boolean;
  /** The share of clocks that run at one of the two bounds of drift. */
  readonly extremeClocks?: number;
  /** How long a trace a failure shows. */
  readonly traceKept?: number;
}

/** A simulated cluster. */
export class Cluster implements MemberWorld {
  nowMs = 0;
  steps = 0;
  pace: Pace;
  readonly factory: CoreFactory;
  readonly random: SeededRandom;
  readonly links = new Links();
  readonly trace: Trace;
  readonly invariants: Invariants;
  /** By id, in the order in which they were made. */
  readonly members = new Map<MemberId, Member>();
  /** Messages under way, if they are delivered by hand. */
  readonly bag: Message[] = [];
  readonly #options: ClusterOptions;
  readonly #initial: SnapshotMeta;
  readonly #heap = new EventHeap();
  readonly #lastArrivalMs = new Map<string, number>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.pace = options.pace;
    this.factory = options.factory;
    this.random = new SeededRandom(options.seed, "cluster");
    this.trace = new Trace(options.traceKept);
    const { configuration } = options;
    this.#initial = { index: 0, term: 0, stampMs: 0, configuration, configurationIndex: 0 };
    this.invariants = new Invariants(this.members);
    for (const { id, witness } of configuration.members) this.#make(id, witness, this.#initial);
  }

  /** Starts the first members. */
  begin(): void {
    for (const member of this.members.values()) member.start();
  }

  /** Makes and starts a member that knows nothing and waits to be added. */
  join(id: MemberId, isWitness: boolean): Member {
    const initial = { ...this.#initial, configuration: NO_MEMBERS };
    const member = this.#make(id, isWitness, initial);
    member.start();
    return member;
  }

  member(id: MemberId): Member {
    const found = this.members.get(id);
    if (found === undefined) throw new RangeError(`no member ${id}`);
    return found;
  }

  counted(): void {
    this.steps += 1;
  }

  plan(member: Member, delayMs: number, run: () => void): void {
    const { incarnation } = member;
    const event = () => {
      if (member.incarnation !== incarnation || !member.isUp) return;
      if (member.isPaused) this.#heap.plan(member.pausedUntilMs, event);
      else run();
    };
    this.#heap.plan(this.nowMs + delayMs, event);
  }

  /** Calls `run` after `delayMs`, whatever becomes of the members. */
  later(delayMs: number, run: () => void): void {
    this.#heap.plan(this.nowMs + delayMs, run);
  }

  post(member: Member, message: Message): void {
    if (this.#options.isByHand) {
      this.bag.push(message);
      return;
    }
    const { pace } = this;
    if (this.links.isCut(message.from, message.to) || pace.isLost()) {
      if (pace.tellsLoss) {
        this.plan(member, pace.linkMs(), () => {
          member.step({ type: "unreachable", member: message.to });
        });
      }
      return;
    }
    this.#send(message);
    if (pace.isDuplicated()) this.#send(message);
  }

  #send(message: Message): void {
    let atMs = this.nowMs + this.pace.linkMs() + this.links.extraMs(message.to);
    if (this.pace.isOrdered) {
      const pair = message.from + message.to;
      atMs = Math.max(atMs, this.#lastArrivalMs.get(pair) ?? 0);
      this.#lastArrivalMs.set(pair, atMs);
    }
    this.#heap.plan(atMs, () => {
      // What was under way when the link was cut may have passed already.
      const isCut = this.links.isCut(message.from, message.to) && this.random.chance(0.5);
      if (!isCut) this.#arrive(message);
    });
  }

  #arrive(message: Message): void {
    const member = this.members.get(message.to);
    if (member === undefined || !member.isUp) return;
    if (member.isPaused) this.#heap.plan(member.pausedUntilMs, () => this.#arrive(message));
    else member.step({ type: "message", message });
  }

  /** Delivers one message out of the bag; a copy stays there if it `isKept`. */
  deliver(message: Message, isKept = false): void {
    this.drop(message, isKept);
    this.#arrive(message);
  }

  /** Takes one message out of the bag. */
  drop(message: Message, isKept = false): void {
    const place = this.bag.indexOf(message);
    if (place < 0) throw new RangeError(`not under way: ${messageText(message)}`);
    if (!isKept) this.bag.splice(place, 1);
  }

  /** Lets everything happen that is planned up to `untilMs`, unless `isDone` says so earlier. */
  run(untilMs: number, isDone?: () => boolean): void {
    while (this.#heap.nextAtMs() <= untilMs) {
      const event = this.#heap.take()!;
      this.nowMs = event.atMs;
      event.run();
      if (isDone?.()) return;
    }
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  #make(id: MemberId, isWitness: boolean, initial: SnapshotMeta): Member {
    const drift = this.#options.raft.clockDrift;
    const isExtreme = this.random.chance(this.#options.extremeClocks ?? 0.5);
    const haste = isExtreme ? this.random.integer(0, 1) : this.random.next();
    const rate = 1 + drift * 0.95 * haste;
    const clock = new MemberClock(rate, this.random.integer(0, 1_000_000), 0);
    const member = new Member(this, { ...this.#options.raft, id }, initial, isWitness, clock);
    this.members.set(id, member);
    return member;
  }
}
