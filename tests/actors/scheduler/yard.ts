/** A fleet and a queue without actors: what the policy's tests and its benchmark look at. */

import type { HostsView, TenantView } from "../../../actors/scheduler/book.ts";
import type { Candidate } from "../../../actors/scheduler/candidates.ts";
import { type Demand, demandOf } from "../../../actors/scheduler/demand.ts";
import { type ExplainInput, explainWaiting } from "../../../actors/scheduler/explain.ts";
import { Fleet } from "../../../actors/scheduler/fleet.ts";
import { SCHEDULER_LIMITS, type SchedulerLimits } from "../../../actors/scheduler/limits.ts";
import { type Schedule, schedule } from "../../../actors/scheduler/schedule.ts";
import { Usage } from "../../../actors/scheduler/usage.ts";
import { WaitingQueue } from "../../../actors/scheduler/waiting_queue.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { SchedulingSpec } from "../../../workflows/spec.ts";
import { Rig } from "../job/rig.ts";

const { spec } = new Rig();

const ANY: SchedulingSpec = {
  priority: "medium",
  agents: [],
  tags: [],
  avoid: { agents: [], tags: [] },
  run: null,
  near: [],
  sourceVolume: null,
  destinationVolume: null,
};

/** An agent that takes everything. */
export function agentOf(agent: string, more: Partial<Candidate> = {}): Candidate {
  return {
    agent,
    slots: 1,
    leases: 0,
    status: "active",
    isSuspect: false,
    protocols: null,
    location: { datacenter: null, zone: null, region: null },
    tags: [],
    volumes: null,
    reach: null,
    relay: null,
    cpuPercent: null,
    availableCapacity: null,
    ...more,
  };
}

/** What a test says of a job. */
export interface Wish {
  readonly tenant?: string;
  readonly runId?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly sinceMs?: number;
  readonly notBeforeMs?: number;
  readonly volumes?: Job["volumes"];
  readonly scheduling?: Partial<SchedulingSpec>;
}

const TENANT: TenantView = { weight: 1, maxRunning: null, ceiling: 3, leases: 0, bytes: 0 };

/** A job under way. */
interface Held {
  readonly demand: Demand;
  readonly agent: string;
  /** Reads for the agent. */
  readonly reader: string | null;
}

/** The whole yard; time passes only when a test says so. */
export class Yard {
  readonly queue = new WaitingQueue();
  readonly fleet = new Fleet();
  readonly held = new Map<string, Held>();
  readonly settings = new Map<string, Partial<TenantView>>();
  readonly usage: Usage;
  readonly limits: SchedulerLimits;
  readonly #served = new Map<string, number>();
  readonly #job: Job;
  nowMs = 0;
  hostMost = 1_000;
  #candidates: readonly Candidate[] = [];

  constructor(agents: readonly Candidate[], limits: Partial<SchedulerLimits> = {}) {
    this.limits = limitValues(SCHEDULER_LIMITS, limits);
    this.usage = new Usage(this.limits.halfLifeMs);
    this.#job = jobOf();
    this.agents(agents);
  }

  agents(candidates: readonly Candidate[]): void {
    this.#candidates = candidates;
    this.fleet.refresh(candidates, (agent) => this.leases(agent));
  }

  get candidates(): readonly Candidate[] {
    return this.#candidates;
  }

  leases(agent: string): number {
    let leases = 0;
    for (const one of this.held.values()) {
      leases += Number(one.agent === agent) + Number(one.reader === agent);
    }
    return leases;
  }

  wait(jobId: string, wish: Wish = {}): void {
    const { source = "memory:///from", destination = "memory:///to", scheduling } = wish;
    const demand = demandOf({
      ...this.#job,
      id: jobId,
      tenant: wish.tenant ?? "acme",
      runId: wish.runId ?? "run",
      submittedMs: wish.sinceMs ?? this.nowMs,
      retryAtMs: wish.notBeforeMs ?? null,
      ...(wish.volumes === undefined ? {} : { volumes: wish.volumes }),
      spec: {
        ...spec,
        source: { ...spec.source, uri: source },
        destination: { ...spec.destination, uri: destination },
        ...(scheduling === undefined ? {} : { scheduling: { ...ANY, ...scheduling } }),
      },
    }, true);
    this.queue.put(demand);
  }

  /** One pass, whose assignments are committed. */
  pass(): Schedule["assignments"] {
    const { assignments } = this.decide();
    for (const { jobId, agent, reader } of assignments) this.take(jobId, agent, reader);
    return assignments;
  }

  decide(): Schedule {
    this.queue.ripen(this.nowMs);
    const decided = schedule(this.input());
    for (const tenant of decided.overdueServed) this.#served.set(tenant, this.nowMs);
    return decided;
  }

  take(jobId: string, agent: string, reader: string | null = null): void {
    const demand = this.queue.find(jobId)!;
    this.queue.remove(jobId);
    this.held.set(jobId, { demand, agent, reader });
    this.#count(agent, reader);
  }

  #count(...agents: readonly (string | null)[]): void {
    for (const one of agents) if (one !== null) this.fleet.setLeases(one, this.leases(one));
  }

  end(jobId: string, bytes = 0): void {
    const { agent, reader, demand } = this.held.get(jobId)!;
    this.held.delete(jobId);
    this.#count(agent, reader);
    if (bytes > 0) this.usage.add(demand.tenant, bytes, this.nowMs);
  }

  explain(jobId: string): string[] {
    return explainWaiting(this.input(), this.queue.find(jobId)!);
  }

  tenantView(name: string): TenantView {
    let leases = 0;
    for (const { demand } of this.held.values()) leases += Number(demand.tenant === name);
    const bytes = this.usage.at(this.nowMs).get(name) ?? 0;
    return { ...TENANT, leases, bytes, ...this.settings.get(name) };
  }

  hosts(): HostsView {
    const [source, destination] = [new Map<string, number>(), new Map<string, number>()];
    for (const { demand } of this.held.values()) {
      if (demand.sourceHost !== null) add(source, demand.sourceHost);
      if (demand.destinationHost !== null) add(destination, demand.destinationHost);
    }
    return { source, destination, most: this.hostMost };
  }

  input(): ExplainInput {
    let totalBytes = 0;
    for (const bytes of this.usage.at(this.nowMs).values()) totalBytes += bytes;
    return {
      fleet: this.fleet,
      queue: this.queue,
      hosts: this.hosts(),
      tenant: (name) => this.tenantView(name),
      totalBytes,
      runLeases: (runId, agent) =>
        [...this.held.values()].filter((one) => one.agent === agent && one.demand.runId === runId)
          .length,
      overdueServedMs: (tenant) => this.#served.get(tenant) ?? -Infinity,
      limits: this.limits,
      nowMs: this.nowMs,
      members: () => this.fleet.members(),
      demands: () => this.queue.demands(),
    };
  }
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function jobOf(): Job {
  return {
    id: "job",
    tenant: "acme",
    runId: "run",
    spec,
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
    submittedMs: 0,
    startedMs: null,
    endedMs: null,
    version: 0,
  };
}
