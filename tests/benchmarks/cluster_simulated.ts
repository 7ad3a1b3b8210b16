/**
 * Simulated: the leader's part (controller, scheduler, warden, runs) over a fleet of 1,000 agents with 10,000
 * transfers at a time, in virtual time. The state, `apply` and the actors are the real ones; the group is a
 * list in memory that takes a moment per command, the agents hold each lease for a while and report. So CPU
 * time is that of deciding alone, without log, links and transfers.
 */

import process from "node:process";
import { Agent } from "../../actors/agent/messages.ts";
import type { Effect } from "../../actors/controller/applied.ts";
import { apply } from "../../actors/controller/apply.ts";
import { type Command, ENTRY_VERSION } from "../../actors/controller/commands.ts";
import { controller } from "../../actors/controller/controller.ts";
import type { Group } from "../../actors/controller/group.ts";
import { INITIAL_STATE, type State } from "../../actors/controller/state.ts";
import { Board } from "../../actors/fleet/board.ts";
import { fleetCandidates } from "../../actors/fleet/candidates.ts";
import { FLEET_LIMITS } from "../../actors/fleet/limits.ts";
import { type Job, temporaryName } from "../../actors/job/record.ts";
import { actor } from "../../runtime/actor/definition.ts";
import { startNode } from "../../runtime/actor/node.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { type SimulatedEnv, simulatedEnv } from "../../runtime/sim/env.ts";
import { heartbeatOf, registrationOf } from "./cluster_guests.ts";
import { planText } from "./engine.ts";
import { figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";

const AGENTS = 1_000;
const SLOTS = 10;
const RUNS = 20;
const JOBS_PER_RUN = 1_000;
const JOBS = RUNS * JOBS_PER_RUN;
/** How long an agent works on a job: so many are under way at a time, and so many end a second. */
const WORK_MS = 30_000;
const COMMIT_MS = 5;
const STEP_MS = 250;
const MOST_VIRTUAL_MS = 300_000;
const MOST_REAL_MS = 100_000;

/** See the head of this file. */
export async function measureSimulated(report: Report): Promise<void> {
  const figure = figuresOf(report, "cluster-simulated");
  const env = simulatedEnv({ seed: 1 });
  const group = new MemoryGroup(env);
  const limits = limitValues(FLEET_LIMITS);
  const board = new Board(limits.progressJobs);
  const node = startNode(env, { id: "c1" });
  const names = Array.from({ length: AGENTS }, (_, index) => `a${index + 1}`);
  const refs = new Map(
    names.map((name) => [name, node.spawn(worker, { name, args: { group } })]),
  );
  const agents = (name: string) => refs.get(name) ?? null;
  for (const agent of names) {
    const registration = registrationOf(agent, SLOTS);
    group.now({ type: "agentEvent", agent, event: { type: "register", registration } });
  }
  node.spawn(controller, {
    name: "controller",
    args: {
      ...{ group, agents, candidates: fleetCandidates(group, board), term: 1, feed: null },
      actions: { perform: () => Promise.resolve({}) },
      fleet: { board, links: { peers: () => upPeers(names), subscribe: () => () => {} }, limits },
    },
  });
  const startCpuMs = cpuMs();
  const startMs = performance.now();
  for (let run = 0; run < RUNS; run += 1) group.now(createRun(`r${run + 1}`));
  let most = 0;
  let fullMs: number | null = null;
  let virtualMs = 0;
  for (; group.succeeded < JOBS && virtualMs < MOST_VIRTUAL_MS; virtualMs += STEP_MS) {
    if (performance.now() - startMs > MOST_REAL_MS) break;
    for (const [at, name] of names.entries()) {
      // Each every five seconds.
      if ((virtualMs / STEP_MS + at) % (limits.heartbeatMs / STEP_MS) !== 0) continue;
      board.heard(heartbeatOf(name, virtualMs), env.clock.monotonic());
    }
    await env.world.pass(STEP_MS);
    most = Math.max(most, group.leases);
    if (most >= AGENTS * SLOTS) fullMs ??= virtualMs + STEP_MS;
  }
  const seconds = (cpuMs() - startCpuMs) / 1_000;
  figure("agents", "count", AGENTS);
  figure("transfers_at_a_time", "count", most, `>=${AGENTS * SLOTS}`);
  figure("all_slots_taken_after", "virtual s", (fullMs ?? NaN) / 1_000);
  figure("completed", "jobs", group.succeeded, `>=${JOBS}`);
  figure("virtual_time", "s", virtualMs / 1_000);
  figure("cpu", "s", seconds);
  figure("cpu_per_job", "us", seconds * 1e6 / Math.max(1, group.succeeded));
  figure("cpu_per_virtual_second", "s", seconds / (virtualMs / 1_000), "<1");
  figure("commands", "count", group.state.index);
  figure("heap", "MiB", Deno.memoryUsage().heapUsed / 2 ** 20);
  await env.world.complete(node.stop({ withinMs: 0 }));
}

function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

function upPeers(names: readonly string[]) {
  return names.map((node) => ({ node, state: "up" })) as unknown as [];
}

function createRun(runId: string): Command {
  const transfers = Array.from({ length: JOBS_PER_RUN }, (_, index) =>
    `    - name: t${index}
      source: { path: /data/in/${runId}-${index} }
      destination: { path: /data/out/${runId}-${index} }
`);
  const text = `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: { name: ${runId} }
spec:
  execution: { strategy: parallel, maxConcurrency: ${JOBS_PER_RUN} }
  transfers:
${transfers.join("")}`;
  return { type: "createRun", runId, tenant: "default", plan: planText(text, 0) };
}

/** A group whose commands are committed a moment after they were proposed, in order. */
class MemoryGroup implements Group {
  state: State = INITIAL_STATE;
  succeeded = 0;
  /** Jobs under way. */
  leases = 0;
  readonly #env: SimulatedEnv;
  readonly #listeners = new Set<(effects: readonly Effect[]) => void>();
  readonly #waiting: {
    readonly command: Command;
    readonly done: PromiseWithResolvers<readonly string[]>;
  }[] = [];

  constructor(env: SimulatedEnv) {
    this.#env = env;
  }

  propose(command: Command): Promise<readonly string[]> {
    const done = Promise.withResolvers<readonly string[]>();
    this.#waiting.push({ command, done });
    if (this.#waiting.length === 1) this.#env.timers.after(COMMIT_MS, () => this.#commit());
    return done.promise;
  }

  subscribe(listener: (effects: readonly Effect[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** At once. */
  now(command: Command): readonly string[] {
    const entry = { version: ENTRY_VERSION, atMs: this.#env.clock.now(), command } as const;
    const { state, effects, refused } = apply(this.state, entry, this.state.index + 1, 1);
    this.state = state;
    for (const effect of effects) {
      if (effect.type !== "jobChanged" || effect.job.state === effect.before?.state) continue;
      if (effect.job.state === "assigned") this.leases += 1;
      if (effect.job.state !== "succeeded") continue;
      this.leases -= 1;
      this.succeeded += 1;
    }
    for (const listener of this.#listeners) listener(effects);
    return refused;
  }

  #commit(): void {
    for (const { command, done } of this.#waiting.splice(0)) done.resolve(this.now(command));
  }
}

/** An agent that only waits: for each lease it reports what an attempt reports. */
const worker = actor(Agent, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: ({ group }: { readonly group: MemoryGroup }) => ({
    group,
    held: new Map<string, number>(),
  }),
  on: {
    assign: ({ group, held }, { jobs }, ctx) => {
      for (const job of jobs as readonly Job[]) {
        if (job.lease === null || held.has(job.id)) continue;
        held.set(job.id, job.lease.index);
        ctx.env.timers.after(WORK_MS, () => {
          void finish(group, job).then(() => held.delete(job.id));
        });
      }
    },
    release: () => {},
    revoke: () => {},
    rates: () => {},
    divide: () => {},
    call: () => {},
    close: () => {},
    leases: ({ held }) => [...held].map(([jobId, leaseIndex]) => ({ jobId, leaseIndex })),
    perform: () => ({}),
  },
});

async function finish(group: Group, { id: jobId, lease }: Job): Promise<void> {
  if (lease === null) return;
  const file = {
    ...{ sha256: null, root: null, fileId: null, level: "size" } as const,
  };
  const temp = temporaryName(jobId, lease);
  const propose = async (event: (Command & { type: "jobEvent" })["event"]) => {
    const refused = await group.propose({ type: "jobEvent", jobId, event });
    if (refused.length > 0) throw new Error(`${event.type} was refused: ${refused[0]}`);
  };
  await propose({ type: "phase", lease, phase: "running" });
  const grant = {
    leaseIndex: lease.index,
    temp,
    finalName: "out",
    replace: false,
    size: 1,
    ...file,
  };
  await propose({ type: "grant", lease, grant });
  const counts = { bytes: 1, fetchedBytes: 1, keptBytes: 0, attempts: 1, startedMs: 0, endedMs: 0 };
  const receipt = { outcome: "published", name: "out", fence: "none", ...counts, ...file } as const;
  await propose({ type: "succeed", lease, receipt });
}
