/**
 * Members on a stage: time moves by command only, and whatever is held waits. What is not held happens
 * at once, in the order in which it came about. The bench next door has the members, disks and checks.
 */

import { type Configuration, NO_MEMBERS } from "../../../../runtime/raft/core/configuration.ts";
import type { MemberId, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { Input } from "../../../../runtime/raft/core/input.ts";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import type { RaftOptions } from "../../../../runtime/raft/core/options.ts";
import type { Raft } from "../../../../runtime/raft/core/raft.ts";
import { MemberClock } from "../cluster/clock.ts";
import { Invariants } from "../cluster/invariants.ts";
import { Links } from "../cluster/links.ts";
import { Member, type MemberWorld } from "../cluster/member.ts";
import { Trace } from "../cluster/trace.ts";
import { Chronicle } from "./chronicle.ts";
import { SetRandom } from "./set_random.ts";
import { type Selector, selects, type Thing, type WorkKind } from "./selector.ts";
import { tellingCore } from "./telling_core.ts";
import { WorkPace } from "./work_pace.ts";

/** From one tick of a member to the next. */
export const TICK_MS = 50;
/** Steps that are shown with a failure. */
const TRACE_KEPT = 16;
const THINGS_AT_ONCE = 100_000;
const TICKS_TO_CAMPAIGN = 400;

/** A member that a script brings on. */
export interface Role {
  readonly id: MemberId;
  readonly witness: boolean;
  /** How fast its clocks run. */
  readonly rate: number;
  /** Its place decides how long it waits in elections: the first waits least. */
  readonly place: number;
}

/** The stage of one script. */
export class Stage implements MemberWorld {
  nowMs = 0;
  readonly pace = new WorkPace();
  readonly random = new SetRandom();
  readonly links = new Links();
  readonly trace = new Trace(TRACE_KEPT);
  readonly members = new Map<MemberId, Member>();
  readonly invariants = new Invariants(this.members);
  readonly chronicle = new Chronicle();
  readonly rafts = new Map<MemberId, Raft>();
  readonly factory = tellingCore(this.rafts, (id, outputs) => this.chronicle.saw(id, outputs));
  /** What has come about and has not happened yet, the oldest first. */
  waiting: Thing[] = [];
  holds: Selector[] = [];
  losses: Selector[] = [];
  readonly paused = new Set<MemberId>();
  readonly #options: Omit<RaftOptions, "id">;
  readonly #places = new Map<MemberId, number>();

  constructor(options: Omit<RaftOptions, "id">) {
    this.#options = options;
  }

  /** Makes a member; one that was there before under this id has lost its disk. */
  make(role: Role, configuration: Configuration = NO_MEMBERS): Member {
    const initial: SnapshotMeta = {
      index: 0,
      term: 0,
      stampMs: 0,
      configuration,
      configurationIndex: 0,
    };
    const { id, witness, rate, place } = role;
    const clock = new MemberClock(rate, 0, 0);
    const member = new Member(this, { ...this.#options, id }, initial, witness, clock);
    this.members.set(id, member);
    this.#places.set(id, place);
    return member;
  }

  member(id: MemberId): Member {
    const found = this.members.get(id);
    if (found === undefined) throw new RangeError(`no member ${id}`);
    return found;
  }

  start(member: Member): void {
    this.#drawFor(member.id);
    member.start();
  }

  /** Its disk keeps nothing of what it has not confirmed, or all of it. */
  crash(member: Member, keepsWrites: boolean): void {
    this.random.draw = keepsWrites ? 1 - Number.EPSILON : 0;
    member.crash();
    this.chronicle.crashed(member.id);
    this.waiting = this.waiting.filter((thing) =>
      thing.kind === "message" || thing.of !== member.id
    );
  }

  /** Files of one index are the same on all members. */
  takeSnapshot(member: Member): void {
    this.random.draw = 0;
    member.takeSnapshot();
  }

  /** Tells a member something. */
  tell(id: MemberId, input: Input): void {
    this.#drawFor(id);
    this.member(id).step(input);
  }

  /** Others draw longer election timeouts, always the same ones. */
  #drawFor(id: MemberId): void {
    this.random.draw = Math.min(0.95, (this.#places.get(id) ?? 0) / 10);
  }

  counted(): void {}

  plan(member: Member, _delayMs: number, run: () => void): void {
    const kind: WorkKind | "tick" = this.pace.kind;
    if (kind === "tick") return;
    const { incarnation, id } = member;
    const isAlive = () => member.incarnation === incarnation && member.isUp;
    this.waiting.push({ kind, of: id, run: () => isAlive() && run() });
  }

  post(_member: Member, message: Message): void {
    this.waiting.push({ kind: "message", message });
  }

  /** Lets everything happen that is not held. */
  settle(): void {
    for (let count = 0; count < THINGS_AT_ONCE; count += 1) {
      const thing = this.waiting.find((one) => !this.#isHeld(one));
      if (thing === undefined) return;
      const isLost = thing.kind === "message" && this.#isLost(thing.message);
      this.happen(thing, isLost);
    }
    throw new RangeError("this never comes to rest");
  }

  /** One thing happens now, held or not. */
  happen(thing: Thing, isLost = false): void {
    this.waiting.splice(this.waiting.indexOf(thing), 1);
    if (isLost) return;
    if (thing.kind !== "message") {
      this.#drawFor(thing.of);
      thing.run();
    } else if (this.members.get(thing.message.to)?.isUp) {
      this.tell(thing.message.to, { type: "message", message: thing.message });
    }
  }

  #isHeld(thing: Thing): boolean {
    const at = thing.kind === "message" ? thing.message.to : thing.of;
    return this.paused.has(at) || this.holds.some((hold) => selects(hold, thing));
  }

  #isLost(message: Message): boolean {
    const { from, to } = message;
    const thing: Thing = { kind: "message", message };
    return this.links.isCut(from, to) || this.losses.some((loss) => selects(loss, thing));
  }

  /** Time passes, for all or for one member only. */
  pass(ms: number, only?: MemberId): void {
    for (const untilMs = this.nowMs + ms; this.nowMs < untilMs;) {
      this.nowMs += Math.min(TICK_MS, untilMs - this.nowMs);
      for (const { id, isUp } of this.members.values()) {
        if (!isUp || this.paused.has(id) || (only ?? id) !== id) continue;
        this.tell(id, { type: "tick" });
        this.settle();
      }
    }
  }

  /** Time passes for one member until it campaigns. */
  timeout(id: MemberId): void {
    const { chronicle } = this;
    const before = chronicle.campaigns.get(id) ?? 0;
    for (let tick = 0; tick < TICKS_TO_CAMPAIGN; tick += 1) {
      this.pass(TICK_MS, id);
      if ((chronicle.campaigns.get(id) ?? 0) > before) return;
    }
    throw new RangeError(`${id} never campaigns`);
  }

  /** Time passes for one member until it leads. */
  elect(id: MemberId): void {
    for (let tick = 0; tick < TICKS_TO_CAMPAIGN; tick += 1) {
      if (this.rafts.get(id)?.role === "leader" && this.member(id).isUp) return;
      this.pass(TICK_MS, id);
    }
    throw new RangeError(`${id} is not elected`);
  }
}
