/**
 * An embedded run: every part of Quorus in one process, for as long as one run takes. The tree:
 *
 * ```text
 * quorus://local/agent                 carries out attempts
 *                  /JOB.LEASE          one attempt: reader -> hash -> writer -> checkpoint
 * quorus://local/controller            acts on what the group has committed
 *                      /scheduler      proposes assignments
 *                      /run-RUN        proposes jobs as the workflow's order allows
 * ```
 */

import { limitValues } from "../runtime/base/limits.ts";
import { startNode } from "../runtime/actor/node.ts";
import type { Node } from "../runtime/actor/node.ts";
import type { Ref } from "../runtime/actor/ref.ts";
import type { Env } from "../runtime/env/env.ts";
import { openJournal } from "../runtime/store/journal.ts";
import type { ProtocolRegistry } from "../protocols/registry.ts";
import type { Plan } from "../workflows/plan.ts";
import { agent } from "./agent/agent.ts";
import { Ways } from "./adaptive/ways.ts";
import { revealer, type SecretSources } from "./agent/reveal.ts";
import { controller } from "./controller/controller.ts";
import { ledgerPieces } from "./controller/ledgers.ts";
import { type LocalGroup, openLocalGroup } from "./controller/local_group.ts";
import type { Run, State } from "./controller/state.ts";
import { BufferPool } from "./job/buffers.ts";
import { checkpointStore } from "./job/checkpoint.ts";
import type { JobFeed } from "./job/messages.ts";
import type { JobIntent } from "./job/record.ts";
import { Throttles } from "../protocols/wrappers/throttle.ts";
import type { AttemptTools } from "./job/tools.ts";
import { ACTOR_LIMITS } from "./limits.ts";
import { fixedCandidates } from "./scheduler/candidates.ts";
import { openRunFolder, type RunFolder } from "./run_folder.ts";
import { localActions } from "./workflow/local_actions.ts";

/** The name of the one agent. */
const AGENT = "local";
/** The largest plan, and commands of a busy run behind it. */
const PENDING_BYTES = 2 * ACTOR_LIMITS.planBytes.value;

/** How an embedded run is started. */
export interface EmbeddedOptions {
  /** The run's own folder. */
  readonly folder: string;
  readonly runId: string;
  /** Makes the plan of a new execution; an unfinished one goes on with its own. */
  readonly plan: () => Plan;
  readonly protocols: ProtocolRegistry;
  readonly secrets: SecretSources;
  /** `false` gives up durability for speed. */
  readonly sync: boolean;
  /** Who is told about jobs: spawned on the run's node before anything starts. */
  readonly feed?: (node: Node) => Ref<typeof JobFeed>;
  readonly limits?: Partial<Record<keyof typeof ACTOR_LIMITS, number>>;
}

/** A run under way in this process. */
export interface Embedded {
  /** An unfinished execution was found and is gone on with. */
  readonly resumed: boolean;
  readonly node: Node;
  readonly state: State;
  /** Memory of the pipelines' buffers in use. */
  readonly lentBytes: number;
  /** Resolves to the run once it has ended; rejects if its log or node is lost. */
  readonly finished: Promise<Run>;
  /** Pauses, resumes or cancels every job of the run. */
  intend(intent: JobIntent, why: string): Promise<void>;
  /** Stops all work, keeps checkpoints, and frees the folder. An unfinished run can be gone on with. */
  close(): Promise<void>;
}

/** Starts or goes on with a run; RunFolderError `locked` if another process works on it. */
export async function startEmbedded(env: Env, options: EmbeddedOptions): Promise<Embedded> {
  const folder = await openRunFolder(env.disk, options.folder);
  try {
    const { group, resumed } = await openExecution(env, folder, options);
    return startTree(env, folder, group, resumed, options);
  } catch (error) {
    await folder.unlock();
    throw error;
  }
}

/** The group of the unfinished execution, or that of a new one. */
async function openExecution(
  env: Env,
  folder: RunFolder,
  options: EmbeddedOptions,
): Promise<{ group: LocalGroup; resumed: boolean }> {
  const { runId, sync } = options;
  let ledgers: State["ledgers"] | null = null;
  for (const earlier of folder.epochs) {
    const group = await openGroup(env, folder, earlier, sync);
    if (group.state.runs.get(runId)?.state === "running") {
      const why = "the process that held the lease has ended";
      await group.propose({ type: "releaseAgent", agent: AGENT, why });
      if (group.state.runs.get(runId)?.intent === "pause") {
        await group.propose({ type: "intendRun", runId, intent: "run", why: "gone on with" });
      }
      return { group, resumed: true };
    }
    ({ ledgers } = group.state);
    const hasBegun = group.state.runs.size > 0;
    await group.close();
    // An execution that did not come to its run has not taken all that it was to know.
    if (hasBegun) break;
  }
  const epoch = folder.epoch + 1;
  const group = await openGroup(env, folder, epoch, sync);
  try {
    const plan = options.plan();
    if (ledgers !== null) await keepLedgers(group, ledgers);
    await group.propose({ type: "createRun", runId, tenant: plan.tenant, plan });
    await folder.dropLogsBefore(epoch);
  } catch (error) {
    await group.close();
    throw error;
  }
  return { group, resumed: false };
}

/** What sets have copied in earlier executions is known to this one. */
async function keepLedgers(group: LocalGroup, ledgers: State["ledgers"]): Promise<void> {
  for (const ledger of ledgers.values()) {
    const { tenant, name } = ledger;
    for (const piece of ledgerPieces(ledger, ACTOR_LIMITS.submitBytes.value)) {
      await group.propose({ type: "putLedger", tenant, name, entries: piece.toBase64() });
    }
  }
}

async function openGroup(
  env: Env,
  folder: RunFolder,
  epoch: number,
  sync: boolean,
): Promise<LocalGroup> {
  const limits = { recordBytes: ACTOR_LIMITS.planBytes.value, pendingBytes: PENDING_BYTES };
  const journal = await openJournal(env, await folder.makeLog(epoch), { sync, limits });
  return await openLocalGroup(env, journal, epoch);
}

function startTree(
  env: Env,
  folder: RunFolder,
  group: LocalGroup,
  resumed: boolean,
  options: EmbeddedOptions,
): Embedded {
  const { runId } = options;
  const lost = Promise.withResolvers<never>();
  const node = startNode(env, { id: "local", onFatal: (error) => lost.reject(error) });
  const feed = options.feed?.(node) ?? null;
  const tools = attemptTools(env, folder, group, options);
  const worker = node.spawn(agent, { name: "agent", args: { tools, feed } });
  const agents = (id: string) => id === AGENT ? worker : null;
  const candidates = fixedCandidates(new Map([[AGENT, tools.limits.agentSlots]]));
  const finished = Promise.race([runEnd(group, runId), group.lost, lost.promise]);
  finished.catch(() => {});
  const args = { group, agents, candidates, feed, actions: localActions(tools) };
  node.spawn(controller, { name: "controller", args });
  return {
    resumed,
    node,
    get state() {
      return group.state;
    },
    get lentBytes() {
      return tools.buffers.lent * tools.buffers.slotBytes;
    },
    finished,
    intend: async (intent, why) => {
      await group.propose({ type: "intendRun", runId, intent, why });
    },
    close: async () => {
      try {
        await node.stop({ withinMs: tools.limits.stopMs });
        await group.close();
        await tools.checkpoints.close();
      } finally {
        await folder.unlock();
      }
    },
  };
}

function attemptTools(
  env: Env,
  folder: RunFolder,
  group: LocalGroup,
  options: EmbeddedOptions,
): AttemptTools {
  const limits = limitValues(ACTOR_LIMITS, options.limits);
  return {
    env,
    protocols: options.protocols,
    reveal: revealer(options.secrets),
    propose: (command) => group.propose(command),
    checkpoints: checkpointStore(() => env.kv.open(folder.keyValuePath)),
    buffers: new BufferPool(limits.slotBytes, limits.poolBytes),
    limits,
    sync: options.sync,
    replication: null,
    throttles: new Throttles(env),
    ways: new Ways(),
  };
}

/** Resolves when the run has ended. */
function runEnd(group: LocalGroup, runId: string): Promise<Run> {
  return new Promise((resolve) => {
    const unsubscribe = group.subscribe((effects) => {
      if (!effects.some((effect) => effect.type === "runChanged" && effect.runId === runId)) return;
      const run = group.state.runs.get(runId);
      if (run === undefined || run.state === "running") return;
      unsubscribe();
      resolve(run);
    });
  });
}
