/**
 * Agents on simulated machines with links to two controllers, which share one local group over the real
 * `apply`. Sources and destinations are memory stores, or the disks of the agents' machines.
 */

import assert from "node:assert/strict";
import { Agent, AGENT_PATH } from "../../../actors/agent/messages.ts";
import type { Heartbeat } from "../../../actors/agent/registration.ts";
import { type AgentOptions, type AgentRole, startAgent } from "../../../actors/agent/start.ts";
import { type LocalGroup, openLocalGroup } from "../../../actors/controller/local_group.ts";
import { Fleet, FLEET_PATH } from "../../../actors/fleet/messages.ts";
import { type Job, LEASED_STATES } from "../../../actors/job/record.ts";
import type { TransferProtocol } from "../../../protocols/contract.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { actor } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { openJournal } from "../../../runtime/store/journal.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { emptyPlan } from "../plans.ts";
import { CHUNK, plainSpec, SLOT } from "../job/rig.ts";

export const CONTROLLERS = ["c1", "c2"] as const;
const TOKEN = "correct horse battery staple";

/** What a controller does with the answers that it would give. */
export interface Manners {
  /** Takes what is asked, and never says so. */
  losesAnswers: boolean;
  /** Fails what is asked, and does nothing. */
  fails: boolean;
  /** What it says of agents that it does not know. */
  knows: boolean | undefined;
}

interface FleetArgs {
  readonly rig: ClusterRig;
  readonly manners: Manners;
}

/** A controller's door, as thin as it can be. */
const fleet = actor(Fleet, {
  state: (args: FleetArgs) => args,
  on: {
    register: ({ rig, manners }, registration, ctx) => {
      const { agentId } = registration;
      assert.equal(ctx.senderNode, agentId);
      return later(async () => {
        const event = { type: "register", registration } as const;
        const refused = await rig.group.propose({ type: "agentEvent", agent: agentId, event });
        rig.registrations.push(agentId);
        await answering(manners);
        const why = refused.length === 0 ? null : refused.join("; ");
        return { ...rig.leadership, refused: why, heartbeatMs: 1_000 };
      });
    },
    heartbeat: ({ rig, manners }, heartbeat, ctx) => {
      rig.heartbeats.push({ to: ctx.self.address, ...heartbeat });
      return later(async () => {
        await answering(manners);
        const { knows } = manners;
        return knows === undefined ? rig.leadership : { ...rig.leadership, known: knows };
      });
    },
    report: ({ rig, manners }, { events }) =>
      later(async () => {
        if (manners.fails) throw new Error("no leader");
        rig.reports.push(events.map(({ event }) => event.type));
        const refused = await Promise.all(
          events.map(({ jobId, event }) => rig.group.propose({ type: "jobEvent", jobId, event })),
        );
        await answering(manners);
        return { refused: refused.map((reasons) => [...reasons]) };
      }),
    progress: ({ rig }, { jobs }) => {
      for (const { jobId } of jobs) rig.progressed.add(jobId);
    },
    relayed: () => ({ job: null }),
    summon: () => ({ isTold: false }),
    leave: ({ rig, manners }, { agentId, why, deregister }) =>
      later(async () => {
        const event = deregister
          ? { type: "deregister", why } as const
          : { type: "drain", why, untilMs: null } as const;
        const refused = await rig.group.propose({ type: "agentEvent", agent: agentId, event });
        await answering(manners);
        return { refused: [...refused] };
      }),
  },
});

async function answering({ losesAnswers, fails }: Manners): Promise<void> {
  if (fails) throw new Error("no leader");
  if (losesAnswers) await new Promise<never>(() => {});
}

interface Running {
  readonly node: LinkedNode;
  readonly env: SimulatedEnv;
  readonly role: AgentRole;
}

/** See above. */
export class ClusterRig {
  readonly world: World;
  readonly source: MemoryStore;
  readonly sink: MemoryStore;
  group!: LocalGroup;
  leadership: { leader: string | null; term: number } = { leader: "c1", term: 1 };
  readonly manners: Record<string, Manners> = {};
  readonly controllers = new Map<string, LinkedNode>();
  readonly agents = new Map<string, Running>();
  readonly registrations: string[] = [];
  readonly heartbeats: (Heartbeat & { to: string })[] = [];
  /** Types of the events of each report. */
  readonly reports: string[][] = [];
  readonly progressed = new Set<string>();
  /** Whether new leases are told to their agents. */
  tellsLeases = true;
  #count = 0;

  constructor(seed = 1, callMs = 1, sink: MemoryStoreOptions = {}) {
    this.world = new World(seed);
    const delayMs = () => [callMs, callMs] as const;
    const env = (name: string) => simulatedEnv({ seed, world: this.world, name });
    this.source = new MemoryStore(env("from"), { delayMs });
    this.sink = new MemoryStore(env("to"), { delayMs, ...sink });
  }

  /** Starts the controllers and a run that takes jobs. */
  async open(): Promise<void> {
    const env = simulatedEnv({ seed: 1, world: this.world, name: "log" });
    await this.world.complete((async () => {
      this.group = await openLocalGroup(env, await openJournal(env, "/log", {}), 1);
    })());
    for (const name of CONTROLLERS) this.startController(name);
    const run = { type: "createRun", runId: "run", tenant: "acme", plan: emptyPlan() } as const;
    await this.complete(this.group.propose(run));
    this.group.subscribe((effects) => {
      for (const effect of effects) {
        if (effect.type !== "jobChanged" || !this.tellsLeases) continue;
        const { job, before } = effect;
        if (job.state !== "assigned" || before?.lease?.index === job.lease?.index) continue;
        this.tell(job.lease!.agent).tell("assign", { jobs: [job] });
      }
    });
  }

  startController(name: string): void {
    const env = this.controllers.get(name)?.env as SimulatedEnv | undefined;
    const node = startLinkedNode(env?.restart() ?? this.#env(name), {
      id: name,
      roundTripMessages: true,
      links: { listen: [{ hostname: name, port: 4100 }], allowPlain: true, token: TOKEN },
    });
    this.manners[name] ??= { losesAnswers: false, fails: false, knows: undefined };
    node.spawn(fleet, { name: FLEET_PATH, args: { rig: this, manners: this.manners[name] } });
    this.controllers.set(name, node);
  }

  crashController(name: string): void {
    (this.controllers.get(name)!.env as SimulatedEnv).crash("process");
  }

  /** Starts an agent on a machine of its name, or again on it after a crash. */
  async startAgent(name: string, options: Partial<AgentOptions> = {}): Promise<AgentRole> {
    const before = this.agents.get(name)?.env;
    const env = before === undefined ? this.#env(name) : before.alive ? before : before.restart();
    const node = startLinkedNode(env, {
      id: name,
      roundTripMessages: true,
      onFatal: (error) => assert.fail(`agent ${name} ended: ${error}`),
      links: {
        allowPlain: true,
        token: TOKEN,
        peers: CONTROLLERS.map((node) => ({ node, url: `ws://${node}:4100` })),
      },
    });
    const role = await this.complete(startAgent(node, this.#options(options)));
    this.agents.set(name, { node, env, role });
    return role;
  }

  /** Lets time pass until `holds`, for `ms` at most. */
  async until(what: string, holds: () => boolean, ms = 60_000): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      if (holds()) return;
      await this.world.pass(10);
    }
    assert.fail(`not within ${ms} ms: ${what}`);
  }

  complete<T>(work: Promise<T>): Promise<T> {
    return this.world.complete(work);
  }

  /** An order as a controller gives it. */
  tell(agent: string, from = "c1") {
    return this.controllers.get(from)!.ref(Agent, `quorus://${agent}/${AGENT_PATH}`);
  }

  /** Puts a file, makes it a job and gives it to `agent`; its id. */
  async give(
    agent: string,
    size: number,
    change: (spec: TransferSpec) => TransferSpec = (spec) => spec,
  ): Promise<string> {
    const n = this.#count += 1;
    const bytes = bytesOf(size, n);
    this.source.put(`/from-${n}`, bytes, { mtimeMs: 1_000_000_000_000 + n });
    const plain = plainSpec("memory");
    const spec = change({
      ...plain,
      name: `t${n}`,
      source: { ...plain.source, uri: `memory:///from-${n}` },
      destination: { ...plain.destination, uri: `sink:///out/to-${n}` },
    });
    const jobId = `run-${n}`;
    const jobs = [{ jobId, spec }];
    await this.propose({ type: "submitJobs", runId: "run", jobs, skipped: [] });
    await this.assign(jobId, agent);
    return jobId;
  }

  async assign(jobId: string, agent: string): Promise<void> {
    await this.propose({ type: "assignJobs", assignments: [{ jobId, agent }], slots: {} });
  }

  async propose(command: Parameters<LocalGroup["propose"]>[0]): Promise<void> {
    assert.deepEqual(await this.complete(this.group.propose(command)), []);
  }

  /** An agent is given up, as a leader does. */
  async lose(agent: string): Promise<void> {
    const { incarnation } = this.group.state.agents.get(agent)!.registration;
    const event = { type: "lose", incarnation, why: "silent" } as const;
    await this.propose({ type: "agentEvent", agent, event });
  }

  job(jobId: string): Job {
    return this.group.state.jobs.get(jobId)!;
  }

  isLeased(jobId: string): boolean {
    return LEASED_STATES.has(this.job(jobId).state);
  }

  /** How often the final file of a job was made. */
  publishes(jobId: string): number {
    const path = `/out/to-${jobId.slice("run-".length)}`;
    return this.sink.history.filter(({ operation, to }) => operation === "publish" && to === path)
      .length;
  }

  /** The job succeeded, once, with the right bytes. */
  assertDone(jobId: string): void {
    const job = this.job(jobId);
    assert.equal(job.state, "succeeded", job.why);
    const n = Number(jobId.slice("run-".length));
    const bytes = this.sink.get(`/out/to-${n}`);
    assert.deepEqual(bytes, bytesOf(bytes?.length ?? 0, n));
    assert.equal(job.receipt?.bytes, bytes?.length);
    assert.equal(this.publishes(jobId), 1);
  }

  async close(): Promise<void> {
    for (const { role, node, env } of this.agents.values()) {
      if (!env.alive) continue;
      await this.complete(role.stop());
      await this.complete(node.stop());
    }
    for (const node of this.controllers.values()) {
      if ((node.env as SimulatedEnv).alive) await this.complete(node.stop());
    }
    await this.complete(this.group.close());
  }

  #env(name: string): SimulatedEnv {
    return simulatedEnv({ seed: this.world.seed, world: this.world, name });
  }

  #options(options: Partial<AgentOptions>): AgentOptions {
    const nobody = () => Promise.reject(new Error("no secrets here"));
    return {
      controllers: CONTROLLERS,
      version: "1.0.0",
      folder: "/agent",
      protocols: protocolRegistry([
        memoryProtocol(this.source),
        renamed(memoryProtocol(this.sink)),
        fileProtocol(),
      ]),
      secrets: { secret: nobody, env: nobody, file: nobody },
      maxConcurrentTransfers: 8,
      ...options,
      limits: {
        slotBytes: SLOT,
        poolBytes: 64 * SLOT,
        checkpointBytes: 2 * CHUNK,
        chunksAhead: 4,
        replicateMs: 0,
        ...options.limits,
      },
    };
  }
}

/** Different everywhere, and for every job. */
function bytesOf(size: number, salt: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (at * 31 + (at >> 8) * 17 + salt) & 0xff);
}

/** The second store under a scheme of its own. */
function renamed(inner: TransferProtocol): TransferProtocol {
  return {
    name: "sink",
    schemes: ["sink"],
    sink: (endpoint, context) =>
      inner.sink!({ ...endpoint, uri: endpoint.uri.replace("sink:", "memory:") }, context),
  };
}
