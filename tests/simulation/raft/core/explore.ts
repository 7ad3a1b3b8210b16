/** Runs one seed against a core: a plan, chaos under load, then the liveness phase. */

import { SeededRandom } from "../../../../runtime/sim/random.ts";
import { Cluster } from "../../../runtime/raft/cluster/cluster.ts";
import type { CoreFactory } from "../../../runtime/raft/cluster/core_factory.ts";
import type { Sometimes } from "../../../runtime/raft/cluster/sometimes.ts";
import { Violation } from "../../../runtime/raft/cluster/violation.ts";
import { Chaos } from "./chaos.ts";
import { Clients } from "./clients.ts";
import { requireLiveness, requireServiceAcrossBridge } from "./liveness.ts";
import { Operator } from "./operator.ts";
import { planOf } from "./plan.ts";

/** What broke. */
export interface CoreFailure {
  readonly seed: number;
  readonly invariant: string;
  readonly message: string;
  /** The last events as lines, the oldest first. */
  readonly trace: readonly string[];
}

/** What became of a seed. */
export interface SeedResult {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly failure: CoreFailure | null;
  readonly sometimes: Sometimes;
}

/** How a seed is run. */
export interface SeedOptions {
  /** This many full voters, no witness. */
  readonly nodes?: number | null;
  readonly traceKept?: number;
}

/** Runs `seed`; the same seed and core give the same result. */
export function runCoreSeed(
  seed: number,
  factory: CoreFactory,
  options: SeedOptions = {},
): SeedResult {
  const random = new SeededRandom(seed, "raft/core");
  const plan = planOf(random.stream("plan"), options.nodes ?? null);
  const { configuration, raft, pace } = plan;
  const { traceKept } = options;
  const cluster = new Cluster({
    seed,
    factory,
    configuration,
    raft,
    pace,
    extremeClocks: plan.extremeClocks,
    ...(traceKept === undefined ? {} : { traceKept }),
  });
  const operator = new Operator(cluster, plan, random.stream("operator"));
  const clients = new Clients(cluster, plan, random.stream("clients"));
  const chaos = new Chaos(cluster, plan, random.stream("chaos"), operator, clients);
  let failure: CoreFailure | null = null;
  try {
    cluster.begin();
    clients.begin();
    chaos.begin();
    cluster.run(plan.durationMs);
    clients.end();
    chaos.end();
    requireLiveness(cluster, pace);
    if (plan.isBridged) {
      requireServiceAcrossBridge(cluster, random.stream("bridge"));
      requireLiveness(cluster, pace);
    }
  } catch (error) {
    failure = failureOf(seed, error as Error, cluster);
  }
  const { steps, nowMs, invariants } = cluster;
  return { seed, steps, virtualMs: nowMs, failure, sometimes: invariants.sometimes };
}

function failureOf(seed: number, error: Error, cluster: Cluster): CoreFailure {
  const isJudged = error instanceof Violation;
  return {
    seed,
    invariant: isJudged ? error.invariant : `the core throws ${error.name}`,
    message: isJudged ? error.message : error.stack ?? error.message,
    trace: cluster.trace.lines(),
  };
}
