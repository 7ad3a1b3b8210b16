/** What attempts on a Worker are carried out with. */

import type { Ref } from "../../../runtime/actor/ref.ts";
import type { LimitValues } from "../../../runtime/base/limits.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { Throttles } from "../../../protocols/wrappers/throttle.ts";
import type { ProtocolRegistry } from "../../../protocols/registry.ts";
import { BufferPool } from "../../job/buffers.ts";
import { checkpointStore } from "../../job/checkpoint.ts";
import type { AttemptTools } from "../../job/tools.ts";
import type { ACTOR_LIMITS } from "../../limits.ts";
import { replicationOf } from "../replication.ts";
import { revealer, type SecretSources } from "../reveal.ts";
import { keysOf } from "./keys.ts";
import type { Keeper, Opening } from "./messages.ts";
import type { Reports } from "./reports.ts";

type Limits = LimitValues<typeof ACTOR_LIMITS>;

/** What the attempts of a Worker are carried out with; made anew in each, from plain data. */
export interface WorkerOwn {
  readonly protocols: ProtocolRegistry;
  readonly secrets: SecretSources;
}

/** Checkpoints and reports go to the keeper; everything else is the thread's own. */
export function workerTools(
  env: Env,
  { limits, volumes, sync }: Opening,
  { protocols, secrets }: WorkerOwn,
  keeper: Ref<typeof Keeper>,
  reports: Reports,
): AttemptTools {
  const keys = keysOf(keeper, limits.workerAnswerMs);
  return {
    env,
    protocols,
    reveal: revealer(secrets),
    propose: (command) => {
      if (command.type !== "jobEvent") {
        throw new TypeError(`an attempt reports what happens to its job, not ${command.type}`);
      }
      return reports.report({ jobId: command.jobId, event: command.event });
    },
    checkpoints: checkpointStore(() => Promise.resolve(keys)),
    buffers: new BufferPool(limits.slotBytes, limits.poolBytes),
    limits,
    sync,
    replication: replicationOf(volumes, limits, env),
    throttles: new Throttles(env),
  };
}

/**
 * The limits of each thread of an agent with so many Workers: what an agent has once, its own thread and
 * they have in equal parts.
 */
export function limitsOfThread(limits: Limits, workers: number): Limits {
  const threads = workers + 1;
  return {
    ...limits,
    poolBytes: Math.floor(limits.poolBytes / threads),
    replicatedPerSecond: Math.max(1, Math.floor(limits.replicatedPerSecond / threads)),
  };
}

/** How many Workers an agent on so many cores starts unless it is told; none where one would do. */
export function workersFor(cores: number, limits: Limits): number {
  const shares = Math.floor(limits.poolBytes / limits.workerPoolBytes) - 1;
  const count = Math.min(cores, limits.workersMost, shares);
  return count > 1 ? count : 0;
}
