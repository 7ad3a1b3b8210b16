/** The demo's plot: a run is submitted, its leader and an agent at work are killed, and it ends well. */

import type { Job, QuorusClient, Run } from "../../client.ts";
import { formatBytes } from "../../runtime/base/units.ts";
import type { DemoCluster } from "./cluster.ts";
import { Moments } from "./moments.ts";
import { Story } from "./story.ts";

const WORKFLOW = new URL("demo.yaml", import.meta.url);
/** So much of a file is there when the leader is killed. */
const UNDER_WAY_BYTES = 48 * 2 ** 20;
/** An agent is killed that has moved a file for so long: its checkpoints have been replicated. */
const BUSY_MS = 7_000;
/** Between two looks at who leads. */
const LOOK_MS = 20;

/** What it is played with. */
export interface Stage {
  readonly cluster: DemoCluster;
  /** Where the files come from. */
  readonly origin: string;
  /** Where they go. */
  readonly out: string;
  readonly signal: AbortSignal;
}

/** What came of it. */
export interface Played {
  readonly run: Run;
  readonly jobs: readonly Job[];
  readonly moments: Moments;
}

/** Plays it to the end of the run. */
export async function play(quorus: QuorusClient, stage: Stage): Promise<Played> {
  const { cluster, signal } = stage;
  const moments = new Moments();
  const story = new Story((text) => moments.tell(text));
  const { ended } = await story.open(quorus, signal);
  const runId = await submit(quorus, stage, moments);
  const side = noteCut(story, moments);

  await story.until("a transfer under way", () => story.busy(UNDER_WAY_BYTES));
  await killLeader(quorus, cluster, moments, signal);
  await killAgent(story, cluster, moments, await busyAgent(quorus, story, signal));

  const { state, why } = await ended;
  await side;
  moments.mark(`the run has ${state}: ${why}`);
  const run = await quorus.runs.get(runId, { signal });
  const jobs = await Array.fromAsync(quorus.jobs.list({ run: runId, signal }));
  return { run, jobs, moments };
}

async function submit(
  quorus: QuorusClient,
  { origin, out, signal }: Stage,
  moments: Moments,
): Promise<string> {
  const workflow = await Deno.readTextFile(WORKFLOW);
  const variables = { ORIGIN: origin, OUT: out };
  const [run] = await quorus.runs.submit({ workflow, variables }, { signal });
  if (run === undefined) throw new Error("nothing was started");
  moments.mark(`submitted demo.yaml: ${run.transfers} transfers, run ${run.id}`);
  return run.id;
}

/** The server cuts one connection; its job goes on where it was. */
async function noteCut(story: Story, moments: Moments): Promise<void> {
  const { id, name } = await story.until("a connection that is cut", () => story.broken());
  moments.keep(`${name}: the server has cut its connection`);
  await noteResumed(story, moments, id, name);
}

async function noteResumed(
  story: Story,
  moments: Moments,
  id: string,
  name: string,
): Promise<void> {
  const keptBytes = await story.until(`${name} to go on`, () => story.kept(id));
  moments.keep(`${name} resumed: ${formatBytes(keptBytes)} kept`);
}

async function killLeader(
  quorus: QuorusClient,
  cluster: DemoCluster,
  moments: Moments,
  signal: AbortSignal,
): Promise<void> {
  const { leader } = await quorus.cluster.get({ signal });
  if (leader === null) throw new Error("nobody leads");
  cluster.kill(leader);
  const killedMs = moments.nowMs;
  moments.mark(`kill -9 ${leader}: the controller that leads`);
  for (;;) {
    const seen = await quorus.cluster.get({ consistency: "stale", signal });
    if (seen.leader !== null && seen.leader !== leader) {
      return moments.mark(
        `${seen.leader} leads, ${(moments.nowMs - killedMs).toFixed(0)} ms later`,
      );
    }
    await pause(LOOK_MS);
  }
}

/** Who moves the file that is under way. */
async function busyAgent(quorus: QuorusClient, story: Story, signal: AbortSignal): Promise<string> {
  const known = await story.until("a busy agent", () => story.busy(UNDER_WAY_BYTES));
  await pause((known.startedMs ?? 0) + BUSY_MS - Date.now());
  const { name, state, agent } = await quorus.jobs.get(known.id, { signal });
  if (state === "running" && agent !== null) return agent;
  throw new Error(`${name} has ${state} before its agent could be killed`);
}

async function killAgent(
  story: Story,
  cluster: DemoCluster,
  moments: Moments,
  agent: string,
): Promise<void> {
  const lost = story.runningOn(agent);
  cluster.kill(agent);
  const killedMs = moments.nowMs;
  moments.mark(`kill -9 ${agent}: the agent that moves ${lost.map(({ name }) => name).join(", ")}`);
  for (const { id, name } of lost) {
    const again = await story.until(`${name} on another agent`, () => {
      const job = story.jobs.get(id);
      return job?.state === "running" && job.agent !== agent ? job : null;
    });
    const laterS = ((moments.nowMs - killedMs) / 1_000).toFixed(1);
    moments.keep(`${name} is on ${again.agent}, ${laterS} s later`);
    await noteResumed(story, moments, id, name);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
