/** Runs that have ended, made by commands, and segments of them. */

import { apply } from "../../../actors/controller/apply.ts";
import { archivable, versionOf } from "../../../actors/controller/archive.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import {
  type ArchivedRun,
  INITIAL_STATE,
  type SegmentRecord,
  type State,
} from "../../../actors/controller/state.ts";
import { segmentHash } from "../../../actors/archive/segment.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import { Rig } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";

const { spec } = new Rig();

/** The commands of a run with `jobs` jobs that was cancelled before any of them began. */
export function endedRun(runId: string, jobs = 2, tenant = "acme"): Command[] {
  const submitted = Array.from({ length: jobs }, (_, n) => ({
    jobId: `${runId}-${n}`,
    spec: { ...spec, name: `transfer-${n}` },
  }));
  return [
    { type: "createRun", runId, tenant, plan: emptyPlan() },
    {
      type: "submitJobs",
      runId,
      jobs: submitted,
      skipped: [{ name: "late", why: "not wanted", failed: false }],
    },
    { type: "intendRun", runId, intent: "cancel", why: "asked" },
    { type: "endRun", runId, outcome: "cancelled", why: "asked" },
  ];
}

/** A log of one process, in which a second passes with each command. */
export class Log {
  state: State = INITIAL_STATE;
  #index = 0;

  apply(...commands: readonly Command[]): readonly string[] {
    let refused: readonly string[] = [];
    for (const command of commands) {
      this.#index += 1;
      const entry = { version: 3, atMs: this.#index * 1_000, command } as const;
      const applied = apply(this.state, entry, this.#index, 1);
      this.state = applied.state;
      refused = applied.refused;
    }
    return refused;
  }

  /** Cuts a segment of these runs, which have ended. */
  async cut(env: SimulatedEnv, ...runIds: readonly string[]): Promise<Cut> {
    const rows = runIds.map((runId) => archivable(this.state, runId) as ArchivedRun);
    const { root: previous, count } = this.state.archive;
    const hash = await env.world.complete(segmentHash(env, count + 1, previous, rows));
    const runs = rows.map((row) => ({ runId: row.run.id, version: versionOf(row) }));
    const refused = this.apply({ type: "archiveRuns", previous, hash, runs });
    if (refused.length > 0) throw new Error(refused[0]);
    return { record: this.state.archive.segments.get(String(count + 1))!, rows };
  }
}

/** A segment and what is in it. */
export interface Cut {
  readonly record: SegmentRecord;
  readonly rows: readonly ArchivedRun[];
}
