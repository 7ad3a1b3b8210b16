/** An agent with real Workers on a node that is its controller, too; files of a folder of its own. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Agent, AGENT_PATH } from "../../../actors/agent/messages.ts";
import { type AgentRole, startAgent } from "../../../actors/agent/start.ts";
import { type LocalGroup, openLocalGroup } from "../../../actors/controller/local_group.ts";
import { Fleet, FLEET_PATH } from "../../../actors/fleet/messages.ts";
import type { Heartbeat } from "../../../actors/agent/registration.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { ProtocolRegistry } from "../../../protocols/registry.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { actor } from "../../../runtime/actor/definition.ts";
import { later } from "../../../runtime/actor/later.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { openJournal } from "../../../runtime/store/journal.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { plainSpec } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";
import type { TestOwn } from "./worker_module.ts";

const MODULE = import.meta.resolve("./worker_module.ts");
const MIB = 1_048_576;

/** See the head of this file. */
export interface WorkersRig {
  readonly folder: string;
  readonly node: LinkedNode;
  readonly role: AgentRole;
  /** An order of the controller. */
  readonly agent: Ref<typeof Agent>;
  job(jobId: string): Job;
  /** Resolves to the next heartbeat that is so. */
  untilBeat(holds: (heartbeat: Heartbeat) => boolean): Promise<Heartbeat>;
  /** Resolves once the controller has heard that so many bytes of the job are there. */
  untilMoved(jobId: string, bytes: number): Promise<void>;
  readonly own: TestOwn;
  /** Answers nothing that the agent reports, until {@link go}. */
  hold(): void;
  go(): void;
  /** Writes a file of so many bytes, and makes moving it a job. */
  submit(bytes: number): Promise<string>;
  /** Makes moving what is there already a job. */
  submitFrom(uri: string): Promise<string>;
  assign(jobId: string): Promise<void>;
  /** Resolves once that holds of the job. */
  until(jobId: string, holds: (job: Job) => boolean): Promise<Job>;
  /** It succeeded, and its file is right. */
  assertDone(jobId: string): void;
  /** Everything that was published, by its job. */
  readonly published: ReadonlyMap<string, number>;
}

/** What its Workers are made of, and the agent's own thread. */
export interface Machinery {
  readonly module: string;
  readonly own: unknown;
  readonly protocols: (env: Env) => ProtocolRegistry;
}

/** Runs `work` with a rig whose agent has so many Workers; nothing is left behind. */
export async function withWorkers(
  count: number,
  work: (rig: WorkersRig) => Promise<void>,
  limits: Readonly<Record<string, number>> = {},
  machinery: Machinery | null = null,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-workers-" });
  const env = realEnv({ log: { write: () => {} } });
  const node = startLinkedNode(env, {
    id: "a1",
    onFatal: (error) => assert.fail(`the node has ended: ${error}`),
  });
  const group = await openLocalGroup(env, await openJournal(env, await journalIn(folder), {}), 1);
  try {
    await propose(group, { type: "createRun", runId: "run", tenant: "acme", plan: emptyPlan() });
    const rig = new Rig(folder, node, group);
    node.spawn(door, { name: FLEET_PATH, args: rig });
    await rig.start(count, limits, machinery);
    try {
      await work(rig);
    } finally {
      rig.go();
      await rig.role.stop();
    }
  } finally {
    await node.stop();
    await group.close();
    env.close();
    await Deno.remove(folder, { recursive: true });
  }
}

async function journalIn(folder: string): Promise<string> {
  const path = `${folder}/log`;
  await Deno.mkdir(path);
  return path;
}

async function propose(group: LocalGroup, command: Parameters<LocalGroup["propose"]>[0]) {
  assert.deepEqual(await group.propose(command), []);
}

class Rig implements WorkersRig {
  role!: AgentRole;
  readonly agent: Ref<typeof Agent>;
  held = Promise.withResolvers<void>();
  readonly own: TestOwn;
  readonly #beats = new Set<(heartbeat: Heartbeat) => void>();
  readonly #moves = new Set<(jobId: string, bytes: number) => void>();
  readonly published = new Map<string, number>();
  #count = 0;

  constructor(
    readonly folder: string,
    readonly node: LinkedNode,
    readonly group: LocalGroup,
  ) {
    this.go();
    this.agent = node.ref(Agent, `quorus://a1/${AGENT_PATH}`);
    this.own = {
      deadly: `${folder}/deadly`,
      witness: `${folder}/witness`,
      pause: `${folder}/pause`,
    };
    group.subscribe((effects) => {
      for (const effect of effects) {
        if (effect.type !== "jobChanged") continue;
        const { job, before } = effect;
        if (job.state === "succeeded" && job.receipt?.outcome !== "skipped") {
          this.published.set(job.id, (this.published.get(job.id) ?? 0) + 1);
        }
        if (job.state !== "assigned" || before?.lease?.index === job.lease?.index) continue;
        this.agent.tell("assign", { jobs: [job] });
      }
    });
  }

  hold(): void {
    this.held = Promise.withResolvers<void>();
  }

  go(): void {
    this.held.resolve();
  }

  async start(
    count: number,
    limits: Readonly<Record<string, number>>,
    machinery: Machinery | null,
  ): Promise<void> {
    const { module = MODULE, own = this.own } = machinery ?? {};
    const nobody = () => Promise.reject(new Error("no secrets here"));
    this.role = await startAgent(this.node, {
      controllers: ["a1"],
      version: "1.0.0",
      folder: `${this.folder}/agent`,
      protocols: machinery?.protocols(this.node.env) ?? protocolRegistry([fileProtocol()]),
      secrets: { secret: nobody, env: nobody, file: nobody },
      volumes: [{ path: this.folder, create: true }],
      limits: { checkpointBytes: 4 * MIB, progressMs: 20, relayMs: 20, ...limits },
      ...(count === 0 ? {} : { workers: { count, module, own } }),
    });
  }

  async submit(bytes: number): Promise<string> {
    const n = this.#count += 1;
    const block = Uint8Array.from({ length: 65_521 }, (_, at) => (at * 31 + (at >> 8) + n) & 0xff);
    const content = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += block.length) {
      content.set(block.subarray(0, bytes - at), at);
    }
    await Deno.writeFile(`${this.folder}/from-${n}`, content);
    return await this.#submit(n, `file://${this.folder}/from-${n}`);
  }

  submitFrom(uri: string): Promise<string> {
    return this.#submit(this.#count += 1, uri);
  }

  async #submit(n: number, uri: string): Promise<string> {
    const jobId = `run-${n}`;
    const jobs = [{ jobId, spec: this.#spec(n, uri) }];
    await propose(this.group, { type: "submitJobs", runId: "run", jobs, skipped: [] });
    return jobId;
  }

  async assign(jobId: string): Promise<void> {
    const assignments = [{ jobId, agent: "a1" }];
    await propose(this.group, { type: "assignJobs", assignments, slots: {} });
  }

  job(jobId: string): Job {
    return this.group.state.jobs.get(jobId)!;
  }

  until(jobId: string, holds: (job: Job) => boolean): Promise<Job> {
    return new Promise((resolve) => {
      const look = (): boolean => {
        const job = this.job(jobId);
        if (holds(job)) resolve(job);
        return holds(job);
      };
      if (look()) return;
      const unsubscribe = this.group.subscribe(() => {
        if (look()) unsubscribe();
      });
    });
  }

  assertDone(jobId: string): void {
    const job = this.job(jobId);
    assert.equal(job.state, "succeeded", job.why);
    const n = jobId.slice("run-".length);
    const digest = (name: string) =>
      createHash("sha256").update(Deno.readFileSync(`${this.folder}/${name}`)).digest("hex");
    assert.equal(digest(`out/to-${n}`), digest(`from-${n}`));
    assert.equal(job.receipt?.sha256, digest(`from-${n}`));
    assert.equal(this.published.get(jobId), 1);
    const left = [...Deno.readDirSync(`${this.folder}/out`)].map(({ name }) => name);
    assert.deepEqual(left.filter((name) => name.startsWith(`.quorus-${jobId}-`)), []);
  }

  untilBeat(holds: (heartbeat: Heartbeat) => boolean): Promise<Heartbeat> {
    return new Promise((resolve) => {
      const look = (heartbeat: Heartbeat): void => {
        if (!holds(heartbeat)) return;
        this.#beats.delete(look);
        resolve(heartbeat);
      };
      this.#beats.add(look);
    });
  }

  untilMoved(jobId: string, bytes: number): Promise<void> {
    return new Promise((resolve) => {
      const look = (moved: string, doneBytes: number): void => {
        if (moved !== jobId || doneBytes < bytes) return;
        this.#moves.delete(look);
        resolve();
      };
      this.#moves.add(look);
    });
  }

  beat(heartbeat: Heartbeat): void {
    for (const look of this.#beats) look(heartbeat);
  }

  moved(jobId: string, bytes: number): void {
    for (const look of this.#moves) look(jobId, bytes);
  }

  #spec(n: number, uri: string): TransferSpec {
    const plain = plainSpec();
    return {
      ...plain,
      name: `t${n}`,
      source: { ...plain.source, uri },
      destination: { ...plain.destination, uri: `file://${this.folder}/out/to-${n}` },
      pipeline: { ...plain.pipeline, chunkBytes: MIB, windowBytes: 2 * MIB },
    };
  }
}

/** A controller's door, as thin as it can be. */
const door = actor(Fleet, {
  state: (rig: Rig) => rig,
  on: {
    register: (rig, registration) =>
      later(async () => {
        const event = { type: "register", registration } as const;
        await propose(rig.group, { type: "agentEvent", agent: registration.agentId, event });
        return { ...LEADERSHIP, refused: null, heartbeatMs: 50 };
      }),
    heartbeat: (rig, heartbeat) => {
      rig.beat(heartbeat);
      return { ...LEADERSHIP, known: true };
    },
    report: (rig, { events }) =>
      later(async () => {
        await rig.held.promise;
        const refused = await Promise.all(
          events.map(({ jobId, event }) => rig.group.propose({ type: "jobEvent", jobId, event })),
        );
        return { refused: refused.map((reasons) => [...reasons]) };
      }),
    progress: (rig, { jobs }) => {
      for (const { jobId, progress } of jobs) rig.moved(jobId, progress.doneBytes);
    },
    relayed: () => ({ job: null }),
    summon: () => ({ isTold: false }),
    leave: () => ({ refused: [] }),
  },
});

const LEADERSHIP = { leader: "a1", term: 1 };
