/**
 * The scheduler's policy alone, without a log: jobs placed a second from a queue that is full, and the cost
 * of a pass over 10,000 waiting jobs and 1,000 agents with few slots or none free.
 */

import type { Candidate } from "../../actors/scheduler/candidates.ts";
import { type Demand, demandOf, PRIORITIES } from "../../actors/scheduler/demand.ts";
import { Fleet } from "../../actors/scheduler/fleet.ts";
import { SCHEDULER_LIMITS } from "../../actors/scheduler/limits.ts";
import { type Schedule, schedule } from "../../actors/scheduler/schedule.ts";
import { WaitingQueue } from "../../actors/scheduler/waiting_queue.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { Job } from "../../actors/job/record.ts";
import { Rig } from "../actors/job/rig.ts";
import type { Report } from "./report.ts";

const NAME = "schedule";
const RUNS = 7;
const SLOTS = 10;
const WAITING = 10_000;
const TENANTS = 20;
const TAGS = 50;
const HOSTS = 200;
const LIMITS = limitValues(SCHEDULER_LIMITS);
const NOW_MS = 1_000_000;

const { spec } = new Rig();

/** A queue and a fleet; what is assigned stays with its agent until it is freed. */
class Yard {
  readonly queue = new WaitingQueue();
  readonly fleet = new Fleet();
  readonly leases = new Map<string, number>();
  readonly sources = new Map<string, number>();

  constructor(agents: number) {
    this.fleet.refresh(Array.from({ length: agents }, (_, n) => candidate(n)), () => 0);
  }

  pass(): Schedule {
    const decided = schedule({
      fleet: this.fleet,
      queue: this.queue,
      hosts: { source: this.sources, destination: new Map(), most: Infinity },
      tenant: (name) => ({
        weight: 1,
        maxRunning: null,
        ceiling: 3,
        leases: 0,
        bytes: name.length,
      }),
      totalBytes: 1_000,
      runLeases: () => 0,
      overdueServedMs: () => -Infinity,
      limits: LIMITS,
      nowMs: NOW_MS,
    });
    for (const { jobId, agent } of decided.assignments) {
      this.queue.remove(jobId);
      this.lease(agent, 1);
    }
    return decided;
  }

  lease(agent: string, by: number): void {
    const leases = (this.leases.get(agent) ?? 0) + by;
    this.leases.set(agent, leases);
    this.fleet.setLeases(agent, leases);
  }

  fill(): void {
    for (const { candidate: { agent, slots } } of this.fleet.members()) this.lease(agent, slots);
  }
}

function candidate(n: number): Candidate {
  return {
    agent: `agent-${n}`,
    slots: SLOTS,
    leases: 0,
    status: "active",
    isSuspect: false,
    protocols: ["https", "memory", "file"],
    location: { datacenter: `dc-${n % 5}`, zone: null, region: null },
    tags: [`tag-${n % TAGS}`],
    volumes: [{ id: `volume-${n % 100}`, path: `/data/${n % 100}`, readOnly: false }],
    reach: null,
    relay: null,
    cpuPercent: n % 90,
    availableCapacity: null,
  };
}

/** Jobs of 20 tenants, four classes, 200 hosts; half of them need one of 50 tags. */
function demand(n: number, hosts: number, only: string | null): Demand {
  const tags = only !== null ? [only] : n % 2 === 0 ? [] : [`tag-${n % TAGS}`];
  const job: Job = {
    id: `job-${n}`,
    tenant: `tenant-${n % TENANTS}`,
    runId: "run",
    spec: {
      ...spec,
      source: { ...spec.source, uri: `https://host-${n % hosts}/file` },
      destination: { ...spec.destination, uri: "memory:///to" },
      scheduling: {
        priority: PRIORITIES[n % 4]!,
        agents: [],
        tags,
        avoid: { agents: [], tags: [] },
        run: null,
        near: [],
        sourceVolume: null,
        destinationVolume: null,
      },
    },
    state: "queued",
    why: "",
    intent: "run",
    attempts: 0,
    failures: 0,
    lease: null,
    adoptable: [],
    stale: [],
    progressed: null,
    grant: null,
    error: null,
    receipt: null,
    retryAtMs: null,
    submittedMs: NOW_MS - 20_000 + n,
    startedMs: null,
    endedMs: null,
    version: 0,
  };
  return demandOf(job, true);
}

function demands(count: number, hosts = HOSTS, only: string | null = null): Demand[] {
  return Array.from({ length: count }, (_, n) => demand(n, hosts, only));
}

/** Jobs a second from being told of them until every slot is taken. */
function placed(agents: number): number {
  const yard = new Yard(agents);
  const wanted = demands(agents * SLOTS);
  const startedMs = performance.now();
  for (const one of wanted) yard.queue.put(one);
  let count = 0;
  for (let now = yard.pass().assignments.length; now > 0; now = yard.pass().assignments.length) {
    count += now;
  }
  if (count < agents * SLOTS / 2) throw new Error(`only ${count} jobs were placed`);
  return count / ((performance.now() - startedMs) / 1_000);
}

/** Milliseconds of a pass with `free` slots among 1,000 agents, everything else being full. */
function passMs(free: number, hosts: number, only: string | null, rounds: number): number {
  const yard = new Yard(1_000);
  yard.fill();
  for (const one of demands(WAITING, hosts, only)) yard.queue.put(one);
  let spentMs = 0;
  for (let round = 0; round < rounds; round++) {
    for (let n = 0; n < free; n++) yard.lease(`agent-${(round * 37 + n * 101) % 1_000}`, -1);
    const startedMs = performance.now();
    yard.pass();
    spentMs += performance.now() - startedMs;
  }
  return spentMs / rounds;
}

function times(run: () => number): number[] {
  run();
  return Array.from({ length: RUNS }, run);
}

/** Runs the benchmark. */
export function bench(report: Report): Promise<void> {
  const figure = (measure: string, unit: string, values: number[], aim?: string) =>
    report({ bench: NAME, measure, unit, values, ...(aim === undefined ? {} : { aim }) });
  figure("placed_100_agents", "jobs/s", times(() => placed(100)), ">=10000");
  figure("placed_1000_agents", "jobs/s", times(() => placed(1_000)), ">=10000");
  figure("pass_10_free", "ms", times(() => passMs(10, HOSTS, null, 50)), "<10");
  figure("pass_nothing_free", "ms", times(() => passMs(0, HOSTS, null, 1_000)), "<1");
  figure("pass_nobody_fits", "ms", times(() => passMs(1, HOSTS, "no-such", 50)), "<10");
  figure("pass_10_free_10000_kinds", "ms", times(() => passMs(10, WAITING, null, 20)), "<10");
  return Promise.resolve();
}
