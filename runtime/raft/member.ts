/** One member of a group at work: its engine, the machine, and everybody who waits for an answer. */

import type { Node } from "../actor/node.ts";
import { Deadlines } from "../actor/deadlines.ts";
import { formatAddress } from "../actor/address.ts";
import type { Ref } from "../actor/ref.ts";
import { errorData, messageOf } from "../base/errors.ts";
import { Applier } from "./applier.ts";
import { decodeResult, encodeResult } from "./command_codec.ts";
import type { Entry, MemberId, SnapshotMeta } from "./core/entry.ts";
import type { MembershipChange } from "./core/configuration.ts";
import type { Durability, Proposal } from "./core/input.ts";
import type { Message } from "./core/messages.ts";
import type { RaftOptions } from "./core/options.ts";
import type { Answer, RaftEvent, ReadAnswer } from "./core/outputs.ts";
import type { RaftStatus } from "./core/raft.ts";
import type { Engine, EngineMaker } from "./engine.ts";
import { RaftError } from "./errors.ts";
import {
  type ForwardedOutcome,
  fromWire,
  type GroupOrder,
  groupPath,
  GroupProtocol,
  sendTo,
  type WireMessage,
} from "./group_messages.ts";
import type { RaftLimits } from "./limits.ts";
import type { LogMachine } from "./machine.ts";
import { Orders } from "./orders.ts";
import type { Settled } from "./pending.ts";
import { type Leader, Proposals } from "./proposals.ts";
import { RaftMeter } from "./raft_meter.ts";
import { Reads } from "./reads.ts";
import type { StoredSnapshot } from "./storage.ts";

/** What a member needs. */
export interface MemberParts<State, Command, Result> {
  readonly node: Node;
  readonly group: string;
  readonly machine: LogMachine<State, Command, Result>;
  readonly options: RaftOptions;
  readonly limits: RaftLimits;
  readonly engine: EngineMaker;
  /** Told once, when the disk or the machine has failed. */
  readonly onFailed: (error: RaftError) => void;
}

/** See the head of this file. */
export class GroupMember<State, Command, Result> {
  readonly meter = new RaftMeter();
  readonly #parts: MemberParts<State, Command, Result>;
  readonly #engine: Engine;
  readonly #applier: Applier<State, Command, Result>;
  readonly #deadlines: Deadlines;
  readonly #proposals: Proposals<Result>;
  readonly #orders: Orders;
  readonly #reads: Reads;
  readonly #peers = new Map<MemberId, Ref<typeof GroupProtocol>>();
  readonly #listeners = new Set<(event: RaftEvent) => void>();
  #leader: Leader = null;
  #hasEnded = false;
  #change: PromiseWithResolvers<void> | null = null;
  /** Entries and bytes given to the machine since the last snapshot. */
  #sinceSnapshot = { index: 0, bytes: 0 };

  constructor(parts: MemberParts<State, Command, Result>) {
    this.#parts = parts;
    const { node: { env }, options, limits } = parts;
    this.#deadlines = new Deadlines(env.clock, env.timers);
    this.#engine = parts.engine(this, this.meter);
    this.#applier = new Applier({
      env,
      machine: parts.machine,
      snapshots: this.#engine,
      limits,
      events: {
        applied: (index) => this.#applied(index),
        result: (index, term, result) => this.#proposals.applied(index, term, result),
        passed: (index) => this.#proposals.passed(index),
        skipped: (index) => this.#skipped(index),
        failed: (error) => this.failed(error),
      },
    });
    this.#proposals = new Proposals({
      timers: env.timers,
      deadlines: this.#deadlines,
      rerouteMs: limits.rerouteMs,
      leader: () => this.#leader,
      propose: (proposals) => this.#engine.input({ type: "propose", proposals }),
      forward: (to, proposal, withinMs) => this.#forward(to, proposal, withinMs),
      decodeResult: (bytes) => decodeResult(bytes) as Result,
    });
    this.#orders = new Orders({
      deadlines: this.#deadlines,
      orderMs: limits.orderMs,
      leader: () => this.#leader,
      input: (input) => this.#engine.input(input),
      send: (to, id, order) =>
        this.#peer(to).tell("order", { from: options.id, id, order }) === "accepted",
    });
    this.#reads = new Reads({
      timers: env.timers,
      deadlines: this.#deadlines,
      origin: `${options.id}/${env.random.bytes(8).toHex()}`,
      pauseMs: options.heartbeatMs / 2,
      lostMs: 2 * options.electionMs,
      ask: (context, byClock) => this.#engine.input({ type: "read", context, byClock }),
      appliedIndex: () => this.#applier.index,
    });
  }

  start(): void {
    this.#engine.start();
  }

  get state(): State {
    return this.#applier.state;
  }
  get appliedIndex(): number {
    return this.#applier.index;
  }
  /** The stamp of the last entry applied: how old the state is at least. */
  get nowMs(): number {
    return this.#applier.nowMs;
  }

  status(): RaftStatus & { readonly isDiskFull: boolean } {
    const status = { ...this.#engine.status(), isDiskFull: this.#engine.isDiskFull };
    // What its last step made of it is over.
    return this.#hasEnded ? { ...status, role: "follower", leader: null, peers: [] } : status;
  }

  propose(data: Uint8Array, durability: Durability, withinMs: number): Promise<Settled<Result>> {
    if (this.#engine.isDiskFull) {
      const what = `propose a command: the disk of ${this.#parts.options.id} is full`;
      return Promise.reject(
        new RaftError("DiskFull", `${what}; nothing was done`, { retryable: true }),
      );
    }
    return this.#proposals.propose(data, durability, withinMs);
  }

  fresh(byClock: boolean, withinMs: number): Promise<void> {
    if (byClock && !this.#parts.options.clockReads) {
      const what = "read by clock: this group does not trust clocks; allow it by `clockDrift`";
      return Promise.reject(new RaftError("ClockReadsOff", what));
    }
    return this.#reads.fresh(byClock, withinMs);
  }

  changeMembers(change: MembershipChange, withinMs: number): Promise<void> {
    return this.#orders.give(change, withinMs);
  }

  transfer(to: MemberId | null, withinMs: number): Promise<void> {
    return this.#orders.give({ do: "transfer", to }, withinMs);
  }

  /** Takes a snapshot of what is applied now; null while another one is being taken. */
  snapshot(): Promise<SnapshotMeta | null> {
    const { index } = this.#applier;
    this.#sinceSnapshot = { index, bytes: 0 };
    return this.#engine.snapshot(index, this.#parts.machine.snapshot(this.#applier.state));
  }

  subscribe(listener: (event: RaftEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves when the next entry is in the state. */
  changed(): Promise<void> {
    this.#change ??= Promise.withResolvers<void>();
    return this.#change.promise;
  }

  async stop(): Promise<void> {
    this.#end(new RaftError("Stopped", `use group ${this.#parts.group}: its member has stopped`));
    await this.#engine.stop();
  }

  // What other members say.

  receive(message: WireMessage): void {
    this.meter.received(message);
    this.#engine.input({ type: "message", message: fromWire(message) });
  }

  async receiveForward(
    from: MemberId,
    id: number,
    command: Uint8Array,
    durability: Durability,
    withinMs: number,
  ): Promise<void> {
    const outcome = await this.#lead(command, durability, withinMs);
    this.#peer(from).tell("forwarded", { id, outcome });
  }

  receiveForwarded(id: number, outcome: ForwardedOutcome): void {
    if (!this.#orders.forwarded(id, outcome)) this.#proposals.forwarded(id, outcome);
  }

  async receiveOrder(from: MemberId, id: number, order: GroupOrder): Promise<void> {
    const outcome = await this.#orders.lead(order);
    this.#peer(from).tell("forwarded", { id, outcome });
  }

  // DriverHost.

  send(message: Message): boolean {
    this.meter.sent(message);
    return sendTo(this.#peer(message.to), message);
  }

  apply(entries: readonly Entry[]): void {
    for (const { data } of entries) this.#sinceSnapshot.bytes += data.length;
    this.#applier.apply(entries);
  }

  restore(stored: StoredSnapshot): void {
    this.#applier.restore(stored);
  }

  answered(answer: Answer): void {
    if (!this.#orders.answered(answer)) this.#proposals.answered(answer);
  }

  readAnswered(answer: ReadAnswer): void {
    this.#reads.answered(answer);
  }

  happened(event: RaftEvent): void {
    this.meter.happened(event, this.#parts.node.env.clock.monotonic());
    if (event.type === "leader") {
      const { leader } = event;
      this.#leader = leader === null
        ? null
        : { id: leader, isSelf: leader === this.#parts.options.id };
      this.#proposals.leaderChanged();
      this.#orders.leaderChanged();
    }
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#log("error", "a listener of a Raft group threw", error);
      }
    }
  }

  failed(error: RaftError): void {
    this.#log("error", "the member of a Raft group has failed and stops", error);
    this.#end(error);
    void this.#engine.stop().catch(() => {});
    this.#parts.onFailed(error);
  }

  #end(error: RaftError): void {
    this.#hasEnded = true;
    this.#applier.stop();
    this.#proposals.stop(error);
    this.#orders.stop(error);
    this.#reads.stop(error);
    this.#deadlines.close();
    this.#change?.resolve();
    // Who waits for changes again and again must not turn round for ever.
    this.#change = null;
  }

  #applied(index: number): void {
    this.#engine.input({ type: "applied", index });
    this.#reads.applied(index);
    this.#change?.resolve();
    this.#change = null;
    const { limits } = this.#parts;
    const entries = index - this.#sinceSnapshot.index;
    if (entries < limits.snapshotEntries && this.#sinceSnapshot.bytes < limits.snapshotBytes) {
      return;
    }
    this.snapshot().catch((error) => this.#log("warn", "a snapshot was not taken", error));
  }

  #skipped(index: number): void {
    this.#sinceSnapshot = { index, bytes: 0 };
    this.#proposals.skipped(index);
  }

  /** A command that another member has passed on: only a leader takes it, nobody passes it on again. */
  async #lead(
    command: Uint8Array,
    durability: Durability,
    withinMs: number,
  ): Promise<ForwardedOutcome> {
    if (!this.#leader?.isSelf) return notLeading();
    try {
      const { index, result, durability: level } = await this.propose(
        command,
        durability,
        withinMs,
      );
      const bytes = result === null ? null : encodeResult(result);
      return { ok: true, index, level, result: bytes };
    } catch (error) {
      return { ok: false, ...errorData(error) };
    }
  }

  #forward(to: MemberId, proposal: Proposal, withinMs: number): boolean {
    const { id, data: command, durability } = proposal;
    const { id: from } = this.#parts.options;
    const body = { from, id, command, durability, withinMs };
    return this.#peer(to).tell("forward", body) === "accepted";
  }

  #peer(id: MemberId): Ref<typeof GroupProtocol> {
    const known = this.#peers.get(id);
    if (known !== undefined) return known;
    const address = formatAddress(id, groupPath(this.#parts.group));
    const ref = this.#parts.node.ref(GroupProtocol, address);
    this.#peers.set(id, ref);
    return ref;
  }

  #log(level: "warn" | "error", message: string, error: unknown): void {
    const { node, group, options } = this.#parts;
    const facts = { group, member: options.id, reason: messageOf(error) };
    node.env.log.write(level, message, facts);
  }
}

function notLeading(): ForwardedOutcome {
  const message = "propose a command: this member does not lead";
  return { ok: false, code: "NotLeader", message, definite: true, retryable: true };
}
