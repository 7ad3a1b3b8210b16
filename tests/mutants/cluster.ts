/** Planted bugs of controllers, agents and jobs: each must be found by the simulation of a cluster. */

import type { Mutant } from "./mutant.ts";

const SCENARIO = "cluster/jobs";

export const CLUSTER_MUTANTS: readonly Mutant[] = [
  {
    name: "publish without a grant",
    file: "actors/job/publish.ts",
    find: `  await askForGrant(attempt, grant);\n`,
    replace: ``,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a stale lease is believed",
    file: "actors/job/record.ts",
    find: `a.epoch === b.epoch && a.group === b.group &&
    a.index === b.index`,
    replace: `a.epoch === b.epoch && a.group === b.group`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a temporary file is adopted from a writer who is not proved gone",
    file: "actors/job/lifecycle.ts",
    find: `return { ...job, lease: null, adoptable: [], stale: [...job.stale, ...adopted, own] };`,
    replace: `return { ...job, lease: null, adoptable: [...job.adoptable, own] };`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "lost leases are not seized",
    file: "actors/job/seize.ts",
    find: `  for (const { temp } of job.stale) {`,
    replace: `  for (const { temp } of job.stale.slice(1)) {`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "leases are not counted",
    file: "actors/controller/state.ts",
    find: `    leases = withMore(leases, to, 1);\n`,
    replace: ``,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a grant that led nowhere is forgotten before it is probed",
    file: "actors/job/lifecycle.ts",
    find: `      return settle(lost(job), event.why, nowMs);`,
    replace: `      return settle({ ...lost(job), grant: null }, event.why, nowMs);`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a lost agent keeps its leases",
    file: "actors/controller/agents.ts",
    find: `  if (agent.status === "unhealthy" || agent.status === "failed") {`,
    replace: `  if (agent.status === "failed") {`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a new leader does not take up what runs",
    file: "actors/controller/controller.ts",
    find: `      if (one.state === "running") takeUp(state, one.id, ctx);`,
    replace: `      if (one.state === "succeeded") takeUp(state, one.id, ctx);`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a lease token that does not grow",
    file: "actors/controller/assign.ts",
    find: `    ...{ epoch, group: GROUP, index, agent },`,
    replace: `    ...{ epoch, group: GROUP, index: 1, agent },`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a token is used again after a restore",
    file: "actors/controller/snapshot.ts",
    find: `    this.#state = { ...this.#state, ...head };`,
    replace: `    this.#state = { ...this.#state, ...head, epoch: head.epoch - 1 };`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "a checkpoint ahead of its data",
    file: "actors/job/checkpointer.ts",
    find: `    await file.sync().catch((error) => {
      this.#syncFailure = { error };
      throw error;
    });
`,
    replace: ``,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "effects of a replay are acted on",
    file: "actors/controller/outbox.ts",
    find: `    const isReplay = told.index <= this.#replayThrough;`,
    replace: `    const isReplay = told.index <= 0 * this.#replayThrough;`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "temporary files of jobs that have ended stay",
    file: "actors/fleet/leftovers.ts",
    find: `!mayHaveLeft(job) || this.#owing.has(job.id)`,
    replace: `!mayHaveLeft(job) || job.id !== ""`,
    scenario: SCENARIO,
    seeds: 60,
  },
  {
    name: "what was asked for again under its key is done again",
    file: "actors/controller/replica.ts",
    find: `    if (key === undefined) {`,
    replace: `    if (key !== null) {`,
    scenario: SCENARIO,
    seeds: 60,
  },
];
