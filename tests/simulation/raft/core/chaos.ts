/** What goes wrong: crashes, pauses, partitions, clocks, and operators who change things all the time. */

import type { SeededRandom } from "../../../../runtime/sim/random.ts";
import type { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import { CUT_SHAPES } from "../../../runtime/raft/cluster/links.ts";
import type { Member } from "../../../runtime/raft/cluster/member.ts";
import type { Clients } from "./clients.ts";
import type { Operator } from "./operator.ts";
import { around, type Plan } from "./plan.ts";

const DESERTION_MS = 400;

/** Carries out a plan's chaos until it is told to stop. */
export class Chaos {
  readonly #cluster: Cluster;
  readonly #plan: Plan;
  readonly #random: SeededRandom;
  readonly #operator: Operator;
  readonly #clients: Clients;
  #isOver = false;

  constructor(
    cluster: Cluster,
    plan: Plan,
    random: SeededRandom,
    operator: Operator,
    clients: Clients,
  ) {
    this.#cluster = cluster;
    this.#plan = plan;
    this.#random = random;
    this.#operator = operator;
    this.#clients = clients;
  }

  begin(): void {
    if (this.#plan.chaos.length > 0) this.#next();
  }

  /** Everything is healed; what is down starts. */
  end(): void {
    this.#isOver = true;
    const cluster = this.#cluster;
    cluster.links.heal();
    cluster.trace.note(cluster.nowMs, "all is healed");
    for (const member of cluster.members.values()) {
      member.clock.jumpWall(0);
      member.pausedUntilMs = 0;
      if (!member.isUp) member.start();
    }
  }

  #next(): void {
    this.#cluster.later(around(this.#random, this.#plan.chaosMs), () => {
      if (this.#isOver) return;
      this.#act();
      this.#next();
    });
  }

  #act(): void {
    const { chaos } = this.#plan;
    const kind = chaos[this.#random.integer(0, chaos.length - 1)]!;
    const member = this.#victim();
    switch (kind) {
      case "crash":
        return this.#crash(member);
      case "crashAll":
        if (this.#random.chance(0.1)) {
          for (const one of this.#cluster.members.values()) this.#crash(one);
        }
        return;
      case "pause":
        return this.#pause(member);
      case "partition":
        return this.#partition();
      case "clockJump":
        return this.#jump(member);
      case "snapshot":
        return member.takeSnapshot();
      case "transfer":
        return this.#operator.transfer();
      case "change":
        return this.#operator.change();
      case "coup":
        return this.#coup();
    }
  }

  /** A leader may be overthrown without hearing of it, while clients believe in it still. */
  #coup(): void {
    const cluster = this.#cluster;
    const { links } = cluster;
    const random = this.#random;
    const leader = [...cluster.members.values()].find(({ core }) => core?.role === "leader");
    if (leader === undefined) return;
    const others = [...cluster.members.values()].filter((one) => one !== leader);
    cluster.trace.note(cluster.nowMs, `a coup against ${leader.id}`);
    const way = random.next();
    const isDeserted = way < 0.3;
    // A rival that hears no leader wins only if its log has missed nothing.
    this.#clients.rush(leader, !isDeserted);
    if (random.chance(0.2)) this.#operator.transfer(leader);
    if (random.chance(0.3)) links.slowDown(leader.id, random.integer(20, 200));
    if (random.chance(0.1)) this.#pause(leader);
    if (isDeserted) this.#desert(leader, others);
    // Answers that were slow may still be under way when the link is cut.
    cluster.later(random.chance(0.5) ? 0 : random.integer(0, 300), () => {
      for (const { id } of this.#isOver ? [] : others) {
        if (way > 0.3 && way < 0.8) links.cut(id, leader.id);
        if (way > 0.5) links.cut(leader.id, id);
      }
    });
    if (way > 0.8 && random.chance(0.5)) {
      for (const other of others) this.#crash(other, random.integer(1, 20));
    }
    cluster.later(300 + around(random, 300), () => links.heal());
  }

  /** One does not hear the leader; the others do, but forget it again and again. */
  #desert(leader: Member, others: readonly Member[]): void {
    const cluster = this.#cluster;
    const rival = others[this.#random.integer(0, others.length - 1)];
    if (rival === undefined) return;
    cluster.links.cutBoth(leader.id, rival.id);
    for (let atMs = 0; atMs < DESERTION_MS; atMs += around(this.#random, 60)) {
      cluster.later(atMs, () => {
        if (this.#isOver) return;
        for (const other of others) if (other !== rival) this.#crash(other, 2);
      });
    }
  }

  /** Anybody, and leaders more often than others. */
  #victim(): Member {
    const members = [...this.#cluster.members.values()];
    const leader = members.find(({ core }) => core?.role === "leader");
    if (leader !== undefined && this.#random.chance(0.3)) return leader;
    return members[this.#random.integer(0, members.length - 1)]!;
  }

  #crash(member: Member, downMs = this.#plan.downMs): void {
    if (!member.isUp) return;
    const { sometimes } = this.#cluster.invariants;
    const { waiting } = member.disk;
    const before = member.disk.durableIndex;
    if (member.crash()) sometimes.saw("torn write");
    if (waiting > 0) {
      const isKept = member.disk.durableIndex > before;
      sometimes.saw(isKept ? "unconfirmed write survived" : "unconfirmed write lost");
    }
    this.#cluster.later(around(this.#random, downMs), () => {
      if (!member.isUp && !this.#operator.isGone(member.id)) {
        member.clock.restart(this.#random.integer(0, 1_000_000));
        member.start();
      }
    });
  }

  #pause(member: Member): void {
    const cluster = this.#cluster;
    const durationMs = around(this.#random, this.#random.chance(0.2) ? 1_000 : 150);
    member.pausedUntilMs = cluster.nowMs + durationMs;
    cluster.trace.note(cluster.nowMs, `${member.id} pauses for ${durationMs.toFixed(0)} ms`);
  }

  #partition(): void {
    const cluster = this.#cluster;
    const { links } = cluster;
    links.heal();
    if (this.#random.chance(0.3)) {
      cluster.trace.note(cluster.nowMs, "links heal");
      return;
    }
    const shape = CUT_SHAPES[this.#random.integer(0, CUT_SHAPES.length - 1)]!;
    links.cutShape(shape, [...cluster.members.keys()], this.#random);
    cluster.trace.note(cluster.nowMs, `links are cut: ${shape}`);
    cluster.later(around(this.#random, 500), () => links.heal());
  }

  #jump(member: Member): void {
    const isFar = this.#random.chance(0.3);
    const offsetMs = this.#random.integer(-1, 1) * (isFar ? 3_600_000 : 2_000);
    member.clock.jumpWall(offsetMs);
    this.#cluster.trace.note(this.#cluster.nowMs, `${member.id}'s clock jumps to ${offsetMs} ms`);
  }
}
