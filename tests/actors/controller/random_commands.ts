/** Commands that a fast-check property draws: runs, jobs, agents and configuration, valid or stale. */

import fc from "fast-check";
import type { Command } from "../../../actors/controller/commands.ts";
import type { Registration } from "../../../actors/agent/registration.ts";
import { Rig } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";

const { spec } = new Rig();
const plan = emptyPlan();

const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);
const runId = pick("r1", "r2", "r3");
const agent = pick("x", "y");
const name = pick("one", "two", "three");
const jobId = fc.tuple(runId, name).map(([run, job]) => `${run}-${job}`);
const intent = pick("run" as const, "pause" as const, "cancel" as const);

/** A lease that may well be the job's own: indexes are small numbers. */
const lease = fc.record({
  epoch: fc.constant(1),
  group: fc.constant(0),
  index: fc.integer({ min: 1, max: 40 }),
  agent,
});

const created: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("createRun"),
  runId,
  tenant: pick("acme", "other"),
  plan: fc.constant(plan),
});

/** An empty list. */
const nothing = <T>() => fc.constant<T[]>([]);

const staged: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("stageRun"),
  runId,
  tenant: pick("acme", "other"),
  number: fc.integer({ min: 0, max: 1 }),
  transfers: nothing<never>(),
  levels: nothing<never>(),
  jobs: nothing<never>(),
});

const startedTogether: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("createRuns"),
  runs: fc.uniqueArray(runId, { minLength: 1, maxLength: 2 }).chain((ids) =>
    fc.tuple(...ids.map((id) =>
      fc.record({
        runId: fc.constant(id),
        tenant: pick("acme", "other"),
        plan: fc.constant(plan),
        pieces: fc.integer({ min: 0, max: 2 }),
        jobs: nothing<never>(),
        retryOf: pick(null, "r9"),
      })
    ))
  ),
});

const dropped: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("dropStaged"),
  beforeMs: fc.integer({ min: 0, max: 50 }),
});

const started: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("startRun"),
  runId,
  tenant: pick("acme", "other"),
  plan: fc.constant(plan),
}).map((command) => ({ ...command, jobs: [{ jobId: `${command.runId}-one`, transfer: 0 }] }));

const submitted: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("submitJobs"),
  runId,
  jobs: fc.constant([]),
  skipped: fc.array(fc.constant({ name: "late", why: "not wanted", failed: false }), {
    maxLength: 1,
  }),
}).chain((command) =>
  fc.uniqueArray(name, { maxLength: 3 }).map((names) => ({
    ...command,
    jobs: names.map((one) => ({ jobId: `${command.runId}-${one}`, spec: { ...spec, name: one } })),
  }))
);

const assigned: fc.Arbitrary<Command> = fc.record({
  type: fc.constant("assignJobs"),
  assignments: fc.array(fc.record({ jobId, agent }), { maxLength: 3 }),
});

const reported = fc.record({
  jobId,
  event: fc.oneof(
    fc.record({ type: fc.constant("phase"), lease, phase: pick("running", "verifying") }),
    fc.record({ type: fc.constant("release"), lease, why: fc.constant("why") }),
    fc.record({ type: fc.constant("lose"), why: fc.constant("gone") }),
    fc.record({ type: fc.constant("intend"), intent, why: fc.constant("asked") }),
    fc.record({
      type: fc.constant("fail"),
      lease,
      error: fc.constant({ code: "X", message: "x", retryable: true, definite: true }),
      retryAtMs: fc.option(fc.integer({ min: 1, max: 1_000 })),
    }),
  ),
});

const happened = reported.map((one) => ({
  type: "jobEvent" as const,
  ...one,
})) as fc.Arbitrary<Command>;

const happenedTogether = fc.array(reported, { minLength: 1, maxLength: 4 })
  .map((events) => ({ type: "jobEvents" as const, events })) as fc.Arbitrary<Command>;

const configured: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    type: fc.constant("putDefinition"),
    tenant: fc.constant("acme"),
    name,
    text: pick("a: 1", "b: 2"),
    ifVersion: fc.constant(null),
  }),
  fc.record({
    type: fc.constant("deleteDefinition"),
    tenant: fc.constant("acme"),
    name,
    ifVersion: fc.constant(null),
  }),
  fc.record({
    type: fc.constant("putKey"),
    key: fc.record({
      id: pick("k1", "k2"),
      sha256: fc.constant("0".repeat(64)),
      scope: pick("viewer", "admin"),
      tenants: fc.constant(null),
      label: fc.constant("a key"),
      expiresMs: fc.constant(null),
    }),
  }),
) as fc.Arbitrary<Command>;

/** An agent as it registers. */
export function registrationOf(agentId: string, incarnation: string): Registration {
  return {
    agentId,
    incarnation,
    hostname: "host",
    version: "1",
    capabilities: {
      protocols: ["memory"],
      maxConcurrentTransfers: 2,
      maxBandwidthMbps: null,
      supportedFeatures: [],
    },
    resources: {
      cpu: { cores: 1, architecture: "x86_64" },
      memory: { totalBytes: 1, availableBytes: 1 },
      storage: null,
      network: { interfaces: [], totalBandwidthMbps: null },
    },
    location: { datacenter: null, zone: null, region: null, tags: [] },
    security: { certificateFingerprint: null, supportedAuthMethods: [] },
    volumes: [],
  };
}

const met: fc.Arbitrary<Command> = fc.tuple(agent, pick("1", "2"), pick("come", "lose", "drain"))
  .map(([id, incarnation, what]) => ({
    type: "agentEvent",
    agent: id,
    event: what === "come"
      ? { type: "register", registration: registrationOf(id, incarnation) }
      : what === "lose"
      ? { type: "lose", incarnation, why: "silent" }
      : { type: "drain", why: "asked", untilMs: null },
  }));

/** A command. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  created,
  staged,
  startedTogether,
  dropped,
  started,
  submitted,
  { arbitrary: assigned, weight: 2 },
  { arbitrary: happened, weight: 3 },
  happenedTogether,
  configured,
  met,
  fc.record({
    type: fc.constant("intendRun"),
    runId,
    intent,
    why: fc.constant("asked"),
  }) as fc.Arbitrary<Command>,
  fc.record({
    type: fc.constant("endRun"),
    runId,
    outcome: pick("succeeded", "failed"),
    why: fc.constant("done"),
  }) as fc.Arbitrary<Command>,
  fc.record({
    type: fc.constant("releaseAgent"),
    agent,
    why: fc.constant("its process ended"),
  }) as fc.Arbitrary<Command>,
);
