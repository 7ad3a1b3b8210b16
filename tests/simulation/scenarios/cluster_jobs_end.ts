/** What must hold in the end: asked at the door, where it may have been archived, and seen in the store. */

import type { JobView } from "../../../actors/desk/messages.ts";
import { snapshotState } from "../../../actors/controller/snapshot.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { Clients, WantedFile, WantedRun } from "./cluster_jobs_clients.ts";
import type { Door } from "./cluster_jobs_door.ts";
import { AGENTS, type Machines } from "./cluster_jobs_machines.ts";
import type { Operator } from "./cluster_jobs_operator.ts";

const FINAL: ReadonlySet<string> = new Set(["succeeded", "cancelled", "failed"]);

/** The file that is to come to `uri`. */
export function wantedOf(clients: Clients, uri: string): WantedFile {
  for (const { files } of clients.runs) {
    for (const file of files) if (`memory://${file.to}` === uri) return file;
  }
  throw new RangeError(`nobody has asked for ${uri}`);
}

/** Whether the source has been like that. */
export function isVersion({ versions }: WantedFile, bytes: Uint8Array | undefined): boolean {
  return bytes !== undefined &&
    versions.some((one) =>
      one.length === bytes.length && one.every((byte, at) => byte === bytes[at])
    );
}

/** Whether all that was accepted has ended, as a client sees it; `jobs` is filled with what there is. */
export async function ended(
  door: Door,
  clients: Clients,
  jobs: Map<string, JobView[]>,
): Promise<true | string> {
  for (const { id: runId, isAccepted } of clients.runs) {
    if (!isAccepted) return `run ${runId} has no answer`;
    if (jobs.has(runId)) continue;
    const found = await door.read({ type: "run", runId });
    if (found.type !== "run") return `run ${runId} was accepted and is lost: ${found.type}`;
    const list = { runId, states: null, labels: [], after: null, limit: 1_000 };
    const page = await door.read({ type: "jobs", ...list });
    if (page.type !== "jobs") return `the jobs of run ${runId} are lost`;
    const open = page.jobs.filter(({ state }) => !FINAL.has(state));
    if (found.run.state !== "running" && open.length === 0) {
      jobs.set(runId, page.jobs);
      continue;
    }
    const seen = page.jobs.map(({ id, state, agent, why }) => `${id} ${state} ${agent}, ${why}`);
    return `run ${runId} is ${found.run.state}: ${seen.join("; ")}`;
  }
  return true;
}

/** What is where, against how jobs say that they have ended. */
export class Judge {
  readonly #sim: Simulation;
  readonly #machines: Machines;
  readonly #operator: Operator;

  constructor(sim: Simulation, machines: Machines, operator: Operator) {
    this.#sim = sim;
    this.#machines = machines;
    this.#operator = operator;
  }

  /** Looks at one run and what came of it. */
  run(run: WantedRun, jobs: readonly JobView[]): void {
    run.files.forEach((file, n) => {
      const job = jobs.find(({ name }) => name === `t${n}`);
      const stands = this.#machines.store.files.get(file.to);
      const seen = `${file.to} of ${job?.id}: ${job?.state}, ${job?.why}`;
      const { decided } = this.#operator;
      this.#sim.check("what nobody has cancelled succeeds", this.#isExcused(run, job), seen);
      if (job?.state === "succeeded") {
        this.#sim.check("what has succeeded is there", isVersion(file, stands?.bytes), seen);
        if (!decided.has(job.id)) this.#receipt(job, stands?.bytes);
      }
      // A person who says that it was not published may be wrong; nobody can help without a fence.
      const isSure = this.#machines.store.fence !== "none" && !decided.has(job?.id ?? "");
      if (job?.state === "cancelled" && isSure) {
        this.#sim.check("what was cancelled is not there", stands === undefined, seen);
      }
    });
  }

  #isExcused({ isCancelled }: WantedRun, job: JobView | undefined): boolean {
    return isCancelled || job?.state === "succeeded";
  }

  #receipt({ id, receipt }: JobView, bytes: Uint8Array | undefined): void {
    const { store } = this.#machines;
    const isTrue = receipt !== null && bytes !== undefined &&
      receipt["bytes"] === bytes.length && receipt["fence"] === store.fence &&
      (receipt["sha256"] === store.sha256(bytes) || isUnhashed(receipt, store.copies));
    this.#sim.check("a receipt tells the truth", isTrue, `${id}: ${JSON.stringify(receipt)}`);
  }

  /** All controllers that belong to the group are there, and have the same state at the same index. */
  sameStates(): true | string {
    const leader = this.#machines.leader()?.role;
    if (leader === undefined || leader === null) return "nobody leads";
    const { members } = leader.replica.raft.status().configuration;
    // A witness has no state.
    const full = members.filter(({ witness }) => !witness);
    const roles = full.map(({ id }) => this.#machines.controllers.get(id))
      .filter((life) => life?.env.alive === true && life.role !== null);
    if (roles.length < full.length) return "a controller is down";
    const states = roles.map((life) => life!.role!.replica.state);
    const indexes = new Set(states.map(({ index }) => index));
    if (indexes.size > 1) return `they are at ${[...indexes]}`;
    const texts = new Set(states.map((state) => [...snapshotState(state)].sort().join("\n")));
    this.#sim.check("equal indexes are equal states", texts.size === 1, [...texts].join("\n\n"));
    return true;
  }

  /** No attempt is left anywhere. */
  noAttempts(): true | string {
    for (const name of AGENTS) {
      const role = this.#machines.agents.get(name)?.role;
      if (role === undefined || role === null) return `${name} is down`;
      const { activeJobs, unreported } = role.status();
      if (activeJobs > 0) return `${name} has ${activeJobs} attempts left`;
      if (unreported > 0) return `${name} has ${unreported} reports that nobody took`;
    }
    return true;
  }

  /** What attempts have left: nothing, however their jobs have ended. */
  leftovers(): true | string {
    const left = [...this.#machines.store.uploads.keys()];
    return left.length === 0 ||
      `there are still ${left.map((path) => this.#past(path)).join("; ")}`;
  }

  /** What the store did to a path, for who has to find out. */
  #past(path: string): string {
    const { history, fence } = this.#machines.store;
    const steps = history.filter((one) =>
      (one.path === path || one.to === path) && one.operation !== "write"
    );
    const told = steps.map(({ atMs, operation }) => `${operation} at ${Math.round(atMs)}`);
    return `${path} (fence ${fence}: ${told.join(", ")})`;
  }
}

/** The store has copied the file, in this attempt or in one whose report never came: nobody has hashed it. */
function isUnhashed(receipt: Readonly<Record<string, unknown>>, copies: boolean): boolean {
  const isCopied = receipt["copiedBytes"] !== undefined || receipt["outcome"] === "recovered";
  return copies && isCopied && receipt["sha256"] === null && receipt["fetchedBytes"] === 0;
}
