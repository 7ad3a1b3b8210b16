/** What holds of the policy whatever waits, against plain counting. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Candidate } from "../../../actors/scheduler/candidates.ts";
import type { Demand } from "../../../actors/scheduler/demand.ts";
import { fits, isOpen } from "../../../actors/scheduler/fleet.ts";
import { hostReachOf } from "../../../actors/scheduler/reach.ts";
import { canLink } from "../../../actors/scheduler/relaying.ts";
import { agentOf, type Wish, Yard } from "./yard.ts";

const TENANTS = ["t0", "t1", "t2"];
const HOSTS = ["h0", "h1", "h2"];
const TAGS = ["ssd", "eu"];

const agent = fc.record({
  slots: fc.integer({ min: 0, max: 3 }),
  status: fc.constantFrom("active" as const, "active" as const, "draining" as const),
  isSuspect: fc.constantFrom(false, false, true),
  protocols: fc.option(fc.subarray(["https", "sftp", "memory"]), { freq: 1 }),
  tags: fc.subarray(TAGS),
  cpuPercent: fc.constantFrom(null, null, 50),
  reach: fc.option(fc.subarray(HOSTS, { minLength: 1 }).map((allow) => rulesOf(allow)), {
    freq: 1,
  }),
  relay: fc.constantFrom(null, { url: null }, { url: "wss://agent:1" }),
});

function rulesOf(allow: readonly string[]) {
  return hostReachOf({ reach: { allow: [...allow], deny: [] } });
}

const wish = fc.record({
  tenant: fc.constantFrom(...TENANTS),
  source: fc.tuple(fc.constantFrom("https", "sftp"), fc.constantFrom(...HOSTS))
    .map(([scheme, host]) => `${scheme}://${host}/x`),
  destination: fc.constantFrom("memory:///y", "https://h0/y", "sftp://h1/y"),
  sinceMs: fc.integer({ min: 0, max: 100_000 }),
  scheduling: fc.record({
    priority: fc.constantFrom("low" as const, "medium" as const, "high" as const),
    tags: fc.subarray(TAGS),
    run: fc.constantFrom(null, "together" as const, "apart" as const),
  }),
});

const scene = fc.record({
  agents: fc.array(agent, { maxLength: 5 }),
  rounds: fc.array(
    fc.record({
      /** Some are alike. */
      come: fc.array(fc.tuple(wish, fc.integer({ min: 1, max: 3 })), { maxLength: 6 })
        .map((wishes) => wishes.flatMap(([one, times]) => Array(times).fill(one) as Wish[])),
      /** Which of those under way end. */
      end: fc.array(fc.nat(20), { maxLength: 5 }),
      passesMs: fc.integer({ min: 0, max: 40_000 }),
    }),
    { maxLength: 8 },
  ),
  hostMost: fc.integer({ min: 1, max: 3 }),
  overdueMs: fc.constantFrom(30_000, 1e12),
  maxRunning: fc.option(fc.integer({ min: 1, max: 4 })),
});

type Scene = typeof scene extends fc.Arbitrary<infer T> ? T : never;

function play(of: Scene, look: (yard: Yard, held: number) => void): string[] {
  const agents = of.agents.map((one, n) => agentOf(`a${n}`, one));
  const yard = new Yard(agents, { overdueMs: of.overdueMs });
  yard.hostMost = of.hostMost;
  yard.settings.set("t0", { maxRunning: of.maxRunning, weight: 2 });
  yard.nowMs = 100_000;
  const trace: string[] = [];
  let named = 0;
  for (const { come, end, passesMs } of of.rounds) {
    for (const one of come) yard.wait(`j${named++}`, one);
    for (const which of end) {
      const jobId = [...yard.held.keys()][which];
      if (jobId !== undefined) yard.end(jobId, 1_000);
    }
    yard.nowMs += passesMs;
    const before = yard.held.size;
    trace.push(
      yard.pass().map(({ jobId, agent, reader }) => `${jobId}>${agent}<${reader}`).join(" "),
    );
    look(yard, before);
  }
  return trace;
}

Deno.test("no slot, no host and no tenant is given more than it has, and only agents that fit", () => {
  fc.assert(fc.property(scene, (of) => {
    play(of, (yard) => {
      for (const candidate of yard.candidates) {
        assert.ok(yard.leases(candidate.agent) <= candidate.slots);
      }
      const { source, destination } = yard.hosts();
      for (const count of [...source.values(), ...destination.values()]) {
        assert.ok(count <= of.hostMost);
      }
      const { leases } = yard.tenantView("t0");
      assert.ok(of.maxRunning === null || leases <= of.maxRunning);
      for (const { demand, agent, reader } of yard.held.values()) {
        const candidate = yard.fleet.find(agent)!.candidate;
        if (reader !== null) assertRelay(yard, demand, agent, reader);
        else assert.ok(isOpen(candidate) && mayTake(yard, candidate, demand), `${agent}`);
      }
    });
  }));
});

/** It fits; or nobody reaches the hosts, and it fits but for them: somebody has to say so. */
function mayTake(yard: Yard, candidate: Candidate, demand: Demand): boolean {
  if (fits(candidate, demand)) return true;
  const { read, write } = yard.fleet.halves(demand)!;
  const isReached = yard.candidates.some((one) => fits(one, demand)) ||
    (yard.candidates.some((one) => fits(one, read)) &&
      yard.candidates.some((one) => fits(one, write)));
  return !isReached && fits(candidate, { ...demand, sourceHost: null, destinationHost: null });
}

/** Both take jobs, each reaches its own end and no one both, and one accepts the other's link. */
function assertRelay(yard: Yard, demand: Demand, agent: string, reader: string): void {
  const [writes, reads] = [agent, reader].map((name) => yard.fleet.find(name)!.candidate);
  const { read, write } = yard.fleet.halves(demand)!;
  assert.ok(agent !== reader && isOpen(writes!) && isOpen(reads!) && canLink(writes!, reads!));
  assert.ok(fits(writes!, write) && fits(reads!, read), `${demand.jobId}>${agent}<${reader}`);
  const isNeeded = yard.candidates.every((one) => one.status !== "active" || !fits(one, demand));
  assert.ok(isNeeded, `${demand.jobId} needs no relay`);
}

Deno.test("nobody waits who could begin, unless a host is held for one that waits overdue", () => {
  fc.assert(fc.property(scene, (of) => {
    play(of, (yard) => {
      const isOverdue = [...yard.queue.demands()].some((demand) =>
        yard.nowMs - demand.sinceMs >= yard.limits.overdueMs
      );
      if (isOverdue) return;
      for (const demand of yard.queue.demands()) {
        assert.equal(couldBegin(yard, demand.jobId), false);
      }
    });
  }));
});

function couldBegin(yard: Yard, jobId: string): boolean {
  const demand = yard.queue.find(jobId)!;
  const { source, destination, most } = yard.hosts();
  if ((source.get(demand.sourceHost ?? "") ?? 0) >= most) return false;
  if ((destination.get(demand.destinationHost ?? "") ?? 0) >= most) return false;
  const { maxRunning, leases } = yard.tenantView(demand.tenant);
  if (maxRunning !== null && leases >= maxRunning) return false;
  const open = yard.candidates.filter((one) => isOpen(one) && yard.leases(one.agent) < one.slots);
  if (open.some((candidate) => mayTake(yard, candidate, demand))) return true;
  if (yard.candidates.some((one) => one.status === "active" && mayTake(yard, one, demand))) {
    return false;
  }
  const { read, write } = yard.fleet.halves(demand)!;
  return open.some((writes) =>
    fits(writes, write) &&
    open.some((reads) => reads !== writes && fits(reads, read) && canLink(reads, writes))
  );
}

Deno.test("the same scene ends the same, whatever order agents and jobs are told in", () => {
  fc.assert(fc.property(scene, (of) => {
    assert.deepEqual(play(of, () => {}), play(of, () => {}));
    const [first] = of.rounds;
    if (first === undefined) return;
    const decide = (isReversed: boolean) => {
      const agents = of.agents.map((one, n) => agentOf(`a${n}`, one));
      const yard = new Yard(isReversed ? agents.toReversed() : agents);
      yard.hostMost = of.hostMost;
      const wishes = first.come.map((one, n) => [`j${n}`, one] as const);
      for (const [jobId, one] of isReversed ? wishes.toReversed() : wishes) yard.wait(jobId, one);
      yard.nowMs = 100_000;
      return yard.decide().assignments;
    };
    assert.deepEqual(decide(true), decide(false));
  }));
});

Deno.test("whoever waits has a reason", () => {
  fc.assert(fc.property(scene, (of) => {
    play(of, (yard) => {
      for (const { jobId } of yard.queue.demands()) {
        const [why] = yard.explain(jobId);
        assert.ok(why !== undefined && why.length > 0);
        const isHeld = [...yard.queue.demands()].some((demand) =>
          yard.nowMs - demand.sinceMs >= yard.limits.overdueMs
        );
        assert.ok(isHeld || why !== "it is about to be assigned", why);
      }
    });
  }));
});

/** Each tenant's stream brings a job each 250 ms; each job takes a second. Everything is busy at first. */
class Stream {
  readonly #yard: Yard;
  readonly #wishes: readonly Wish[];
  readonly #ends: { jobId: string; atMs: number }[] = [];

  constructor(yard: Yard, wishes: readonly Wish[]) {
    this.#yard = yard;
    this.#wishes = wishes;
  }

  /** Goes on until so many seconds have passed since the start. */
  until(seconds: number): void {
    const yard = this.#yard;
    for (; yard.nowMs < seconds * 1_000; yard.nowMs += 250) {
      while (this.#ends[0] !== undefined && this.#ends[0].atMs <= yard.nowMs) {
        yard.end(this.#ends.shift()!.jobId);
      }
      this.#wishes.forEach((one, n) => yard.wait(`s${n}-${yard.nowMs}`, one));
      for (const { jobId } of yard.pass()) this.#ends.push({ jobId, atMs: yard.nowMs + 1_000 });
    }
  }
}

/** Two slots; a tenant that has used most of all has one job of class low behind an urgent stream. */
function lowBehindUrgent(overdueMs?: number): { yard: Yard; stream: Stream } {
  const limits = overdueMs === undefined ? {} : { overdueMs };
  const yard = new Yard([agentOf("a", { slots: 2 })], limits);
  yard.settings.set("small", { bytes: 1e12, weight: 0.01 });
  const stream = new Stream(yard, [{ tenant: "big", scheduling: { priority: "critical" } }]);
  stream.until(10);
  yard.wait("low", { tenant: "small", scheduling: { priority: "low" } });
  return { yard, stream };
}

Deno.test("a stream of urgent jobs does not keep a low one waiting for longer than it is overdue", () => {
  const { yard, stream } = lowBehindUrgent();
  stream.until(38);
  assert.notEqual(yard.queue.find("low"), null);
  stream.until(42);
  assert.equal(yard.queue.find("low"), null, "the overdue job went first");
});

Deno.test("a low job of a tenant with a share has waited enough once it has risen to the top", () => {
  const { yard, stream } = lowBehindUrgent(1e12);
  yard.settings.set("small", { weight: 1 });
  stream.until(188);
  assert.notEqual(yard.queue.find("low"), null);
  stream.until(192);
  assert.equal(yard.queue.find("low"), null);
});

Deno.test("a job that needs a scarce agent begins, whoever else has used less", () => {
  for (const [overdueMs, begins] of [[1e12, false], [30_000, true]] as const) {
    const agents = [agentOf("scarce", { tags: ["ssd"] }), agentOf("many", { slots: 20 })];
    const yard = new Yard(agents, { overdueMs });
    for (let n = 0; n < 20; n++) {
      yard.wait(`own-${n}`, { tenant: "busy", scheduling: { agents: ["many"] } });
    }
    const stream = new Stream(yard, [{ tenant: "other", scheduling: { agents: ["scarce"] } }]);
    yard.pass();
    stream.until(1);
    yard.wait("needs-ssd", { tenant: "busy", scheduling: { tags: ["ssd"] } });
    stream.until(35);
    assert.equal(yard.queue.find("needs-ssd") === null, begins, `overdue after ${overdueMs}`);
  }
});

Deno.test("a job that needs two busy hosts at once begins: it holds what it can get", () => {
  const yard = new Yard([agentOf("a", { slots: 50 })]);
  yard.hostMost = 1;
  yard.wait("both", { tenant: "t", source: "https://x/1", destination: "https://y/1", sinceMs: 1 });
  yard.take("both", "a");
  const streams: Wish[] = [
    { tenant: "from", source: "https://x/2" },
    { tenant: "to", destination: "https://y/2" },
  ];
  yard.end("both");
  yard.wait("again", {
    tenant: "t",
    source: "https://x/1",
    destination: "https://y/1",
    sinceMs: 1,
  });
  yard.settings.set("t", { bytes: 1e12 });
  // Their transfers end at different times, so that both hosts are never free together.
  const ends: { jobId: string; atMs: number }[] = [];
  for (let at = 0; at < 60_000; at += 100) {
    yard.nowMs = at;
    for (const one of ends.filter(({ atMs }) => atMs === at)) yard.end(one.jobId);
    streams.forEach((one, n) => {
      if (at % 400 === n * 200) yard.wait(`s${n}-${at}`, one);
    });
    for (const { jobId } of yard.pass()) ends.push({ jobId, atMs: at + 400 });
  }
  assert.equal(yard.queue.find("again"), null);
});

Deno.test("of tenants that always wait, each has its weighted part of the slots", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 });
  fc.assert(
    fc.property(weights, fc.integer({ min: 4, max: 24 }), (shares, slots) => {
      const yard = new Yard([agentOf("a", { slots })], { overdueMs: Infinity });
      shares.forEach((weight, n) => {
        yard.settings.set(`t${n}`, { weight });
        for (let job = 0; job < slots * 2; job++) yard.wait(`t${n}-${job}`, { tenant: `t${n}` });
      });
      yard.pass();
      const use = shares.map((weight, n) => yard.tenantView(`t${n}`).leases / weight);
      // The one that got the last slot had used least before it.
      const most = Math.max(...use.map((one, n) => one - 1 / shares[n]!));
      assert.ok(most <= Math.min(...use) + 1e-9, JSON.stringify(use));
    }),
    { numRuns: 50 },
  );
});

Deno.test("over time slots go by weight, and bytes moved count as much as slots held", () => {
  const yard = new Yard([agentOf("a", { slots: 10 })], { overdueMs: Infinity });
  yard.settings.set("two", { weight: 2 });
  const done: Record<string, number> = { one: 0, two: 0 };
  const ends: { jobId: string; tenant: string; atMs: number }[] = [];
  let named = 0;
  for (let at = 0; at < 400_000; at += 1_000) {
    yard.nowMs = at;
    for (const tenant of ["one", "two"]) {
      for (let n = 0; n < 10; n++) yard.wait(`${tenant}-${named++}`, { tenant });
    }
    while (ends[0] !== undefined && ends[0].atMs <= at) {
      const { jobId, tenant } = ends.shift()!;
      done[tenant]! += 1;
      yard.end(jobId, 1_000_000);
    }
    for (const { jobId } of yard.pass()) {
      ends.push({ jobId, tenant: jobId.slice(0, 3), atMs: at + 5_000 });
    }
  }
  const ratio = done.two! / done.one!;
  assert.ok(ratio > 1.8 && ratio < 2.2, `2 to 1 was asked for, ${ratio} it was`);
});
