import assert from "node:assert/strict";
import fc from "fast-check";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { ALLOWED, type JobEvent, lifecycle } from "../../../actors/job/lifecycle.ts";
import {
  FINAL_STATES,
  type Grant,
  type Job,
  type JobState,
  type Lease,
  LEASED_STATES,
  type Receipt,
  temporaryName,
} from "../../../actors/job/record.ts";
import { EMPTY_DIGEST } from "../../../actors/set/digest.ts";
import { NEW_SET, NO_COUNTS } from "../../../actors/set/record.ts";
import { Rig } from "./rig.ts";

const NOW = 5_000;
const LEASE: Lease = { epoch: 1, group: 0, index: 7, agent: "local" };
const STATES = [
  "submitted",
  "queued",
  "assigned",
  "running",
  "verifying",
  "publishing",
  "succeeded",
  "retrying",
  "paused",
  "cancelled",
  "failed",
  "unknown",
] as const satisfies readonly JobState[];
const ERROR = { code: "io", message: "broke", retryable: true, definite: true };
const GRANT: Grant = {
  leaseIndex: 7,
  temp: "t",
  finalName: "to",
  replace: true,
  size: 1,
  sha256: "a",
  root: "r",
  fileId: null,
  level: "size",
};
const RECEIPT: Receipt = {
  outcome: "published",
  name: "to",
  bytes: 1,
  sha256: "a",
  root: "r",
  level: "size",
  fence: "seize",
  fileId: null,
  fetchedBytes: 1,
  keptBytes: 0,
  attempts: 1,
  startedMs: 1,
  endedMs: 2,
};
const LOST = { temp: "lost", leaseIndex: 5 };
const PROGRESSED = {
  leaseIndex: 7,
  temp: "t",
  chunkBytes: 8,
  chunks: 1,
  root: "r",
  fingerprint: { size: 16, mtimeMs: 1, etag: null, version: null },
};
const template = new Rig().job;

function jobIn(state: JobState, more: Partial<Job> = {}): Job {
  const leased = LEASED_STATES.has(state);
  const endedMs = FINAL_STATES.has(state) ? 1 : null;
  const lease = leased ? LEASE : null;
  return { ...template, state, lease, stale: [LOST], endedMs, attempts: 1, ...more };
}

const EVENTS: Readonly<Record<JobEvent["type"], JobEvent>> = {
  admit: { type: "admit" },
  assign: { type: "assign", lease: { ...LEASE, index: 9 } },
  phase: { type: "phase", lease: LEASE, phase: "running" },
  grant: { type: "grant", lease: LEASE, grant: GRANT },
  notPublished: { type: "notPublished", lease: LEASE },
  succeed: { type: "succeed", lease: LEASE, receipt: { ...RECEIPT, outcome: "skipped" } },
  fail: { type: "fail", lease: LEASE, error: ERROR, retryAtMs: 6_000 },
  ambiguous: { type: "ambiguous", lease: LEASE, error: ERROR },
  release: { type: "release", lease: LEASE, why: "gone" },
  lose: { type: "lose", why: "silent" },
  handBack: { type: "handBack", lease: { ...LEASE, index: LOST.leaseIndex } },
  progress: { type: "progress", lease: LEASE, progressed: PROGRESSED },
  files: {
    type: "files",
    lease: LEASE,
    batch: 1,
    grants: [],
    done: [],
    counts: NO_COUNTS,
    failures: [],
    digest: EMPTY_DIGEST,
  },
  recall: { type: "recall", lease: LEASE, versions: [] },
  intend: { type: "intend", intent: "pause", why: "wait" },
  decide: { type: "decide", published: true, why: "seen" },
};

/** Where each event leads from the states in which it may come. */
const LEADS: Readonly<Record<JobEvent["type"], Partial<Record<JobState, JobState>>>> = {
  admit: { submitted: "queued" },
  assign: { queued: "assigned", retrying: "assigned" },
  phase: { assigned: "running", ...same("running", "verifying", "publishing") },
  grant: active("publishing"),
  notPublished: active("running"),
  succeed: active("succeeded"),
  fail: active("retrying"),
  ambiguous: { assigned: "unknown", running: "unknown", publishing: "unknown" },
  release: active("queued"),
  lose: active("queued"),
  handBack: {
    queued: "queued",
    retrying: "retrying",
    paused: "paused",
    unknown: "unknown",
    ...same("assigned", "running", "verifying", "publishing"),
  },
  progress: same("assigned", "running", "verifying", "publishing"),
  files: active("running"),
  recall: same("assigned", "running", "verifying", "publishing"),
  intend: {
    submitted: "paused",
    queued: "paused",
    retrying: "paused",
    paused: "paused",
    unknown: "paused",
    assigned: "assigned",
    running: "running",
    verifying: "verifying",
    publishing: "publishing",
  },
  decide: { unknown: "succeeded" },
};

function same(...states: JobState[]): Partial<Record<JobState, JobState>> {
  return Object.fromEntries(states.map((state) => [state, state]));
}

function active(to: JobState): Partial<Record<JobState, JobState>> {
  return { assigned: to, running: to, verifying: to, publishing: to };
}

Deno.test("every event leads from every state where the table says, or is refused", () => {
  for (const [type, event] of Object.entries(EVENTS)) {
    for (const state of STATES) {
      const set = type === "files" ? { set: NEW_SET } : {};
      const before = jobIn(state, set);
      const after = lifecycle(before, event, NOW);
      const expected = LEADS[event.type][state];
      assert.equal(ALLOWED[event.type].includes(state), expected !== undefined, `${type}/${state}`);
      if (expected === undefined) assert.ok("refused" in after, `${type} in ${state} is refused`);
      else {assert.equal(
          "refused" in after ? after.refused : after.state,
          expected,
          `${type}/${state}`,
        );}
    }
  }
});

Deno.test("an event of a stale lease is refused whatever it says", () => {
  const stale = [{ ...LEASE, index: 6 }, { ...LEASE, epoch: 0 }, { ...LEASE, group: 1 }];
  for (const event of Object.values(EVENTS)) {
    // A lease is made by `assign`, and over when it is handed back.
    if (!("lease" in event) || event.type === "assign" || event.type === "handBack") continue;
    for (const lease of stale) {
      for (const state of ALLOWED[event.type]) {
        const after = lifecycle(jobIn(state), { ...event, lease }, NOW);
        assert.ok("refused" in after && /stale/.test(after.refused), `${event.type} in ${state}`);
      }
    }
  }
});

Deno.test("no grant is given against the owner's will, nor for a second file of one lease", () => {
  for (const intent of ["pause", "cancel"] as const) {
    assert.ok("refused" in lifecycle(jobIn("running", { intent }), EVENTS.grant, NOW));
  }
  const granted = jobIn("publishing", { grant: GRANT });
  const other = { ...EVENTS.grant, grant: { ...GRANT, temp: "other" } } as JobEvent;
  assert.ok("refused" in lifecycle(granted, other, NOW));
  const renamed = { ...EVENTS.grant, grant: { ...GRANT, finalName: "to (1)" } } as JobEvent;
  assert.ok(!("refused" in lifecycle(granted, renamed, NOW)), "another name for the same file");
});

Deno.test("a grant is for the lease that asks for it, and never for the file of a lost lease", () => {
  const cases: readonly [Partial<Grant>, RegExp | null][] = [
    [{}, null],
    [{ leaseIndex: 6 }, /asks for lease 6/],
    [{ temp: LOST.temp }, /that of a lost lease/],
  ];
  for (const [wrong, refused] of cases) {
    const event = { type: "grant", lease: LEASE, grant: { ...GRANT, ...wrong } } as const;
    const after = lifecycle(jobIn("running"), event, NOW);
    if (refused === null) assert.ok(!("refused" in after));
    else assert.match("refused" in after ? after.refused : "taken", refused);
  }
});

Deno.test("a receipt is taken only as far as a committed grant permits what it tells of", () => {
  const earlier = { ...GRANT, leaseIndex: 3 };
  const cases: readonly [Grant | null, Partial<Receipt>, RegExp | null][] = [
    [GRANT, {}, null],
    [GRANT, { outcome: "recovered" }, null],
    [earlier, { outcome: "recovered" }, null],
    [null, { outcome: "skipped" }, null],
    [null, {}, /has no grant/],
    [null, { outcome: "recovered" }, /has no grant/],
    [earlier, {}, /is of lease 3, not 7/],
    [earlier, { outcome: "skipped" }, /may have published to/],
    [GRANT, { name: "elsewhere" }, /is for 1 bytes as to/],
    [GRANT, { bytes: 2 }, /is for 1 bytes as to/],
    [GRANT, { sha256: "b" }, /is for 1 bytes as to/],
  ];
  for (const [grant, told, refused] of cases) {
    const event = { type: "succeed", lease: LEASE, receipt: { ...RECEIPT, ...told } } as const;
    const after = lifecycle(jobIn("publishing", { grant }), event, NOW);
    const text = "refused" in after ? after.refused : "taken";
    if (refused === null) assert.equal(text, "taken", JSON.stringify([grant?.leaseIndex, told]));
    else assert.match(text, refused);
  }
});

Deno.test("a grant is over only when it is certain that nothing was published", () => {
  const granted = jobIn("publishing", { grant: GRANT });
  const unclear = { ...ERROR, definite: false };
  const cases: readonly [Job, JobEvent, boolean][] = [
    [granted, EVENTS.fail, false],
    [granted, { ...EVENTS.fail, error: unclear } as JobEvent, true],
    [jobIn("assigned", { grant: { ...GRANT, leaseIndex: 3 } }), EVENTS.fail, true],
    [granted, EVENTS.release, true],
    [granted, EVENTS.notPublished, false],
    [granted, EVENTS.ambiguous, true],
  ];
  for (const [job, event, stays] of cases) {
    const after = lifecycle(job, event, NOW);
    assert.ok(!("refused" in after));
    assert.equal(after.grant !== null, stays, `${event.type} of ${job.grant?.leaseIndex}`);
  }
});

Deno.test("a job cancelled between grant and receipt does not claim that nothing happened", () => {
  const job = jobIn("publishing", { grant: GRANT, intent: "cancel" });
  const after = lifecycle(job, EVENTS.release, NOW);
  assert.ok(!("refused" in after));
  assert.deepEqual([after.state, after.endedMs], ["unknown", null]);
});

Deno.test("cancel and pause decide what becomes of a failed or released attempt", () => {
  const cases: readonly ["pause" | "cancel", "fail" | "release", JobState][] = [
    ["pause", "fail", "paused"],
    ["pause", "release", "paused"],
    ["cancel", "fail", "cancelled"],
    ["cancel", "release", "cancelled"],
  ];
  for (const [intent, event, state] of cases) {
    const after = lifecycle(jobIn("running", { intent }), EVENTS[event], NOW);
    assert.equal("refused" in after ? after.refused : after.state, state);
  }
  const last = lifecycle(jobIn("running"), { ...EVENTS.fail, retryAtMs: null } as JobEvent, NOW);
  assert.ok(!("refused" in last) && last.state === "failed" && last.endedMs === NOW);
});

Deno.test("who cancels a job is not overruled by who pauses or resumes it later", () => {
  for (const state of ALLOWED.intend) {
    const cancelled = jobIn(state, { intent: "cancel", grant: GRANT });
    for (const intent of ["pause", "run"] as const) {
      const after = lifecycle(cancelled, { type: "intend", intent, why: "wait" }, NOW);
      assert.match("refused" in after ? after.refused : "taken", /cancelled|unknown/, state);
    }
    const again = lifecycle(cancelled, { type: "intend", intent: "cancel", why: "wait" }, NOW);
    assert.ok(!("refused" in again), state);
  }
});

Deno.test("every temporary file of an earlier attempt is remembered until the job succeeds", () => {
  const after = lifecycle(jobIn("running"), EVENTS.fail, NOW);
  assert.ok(!("refused" in after));
  const temp = temporaryName(template.id, LEASE);
  assert.deepEqual(after.adoptable, [{ temp, leaseIndex: LEASE.index }]);
});

Deno.test("the temporary file of a lost lease is nobody's to adopt until its holder hands it back", () => {
  const lost = lifecycle(jobIn("publishing", { grant: GRANT }), EVENTS.lose, NOW);
  assert.ok(!("refused" in lost));
  const temp = temporaryName(template.id, LEASE);
  assert.deepEqual(lost.stale, [LOST, { temp, leaseIndex: LEASE.index, agent: LEASE.agent }]);
  assert.deepEqual([lost.state, lost.adoptable, lost.grant], ["queued", [], GRANT]);
  const back = lifecycle(lost, { type: "handBack", lease: LEASE }, NOW);
  assert.ok(!("refused" in back));
  assert.deepEqual(back.stale, [LOST]);
  assert.deepEqual(back.adoptable, [{ temp, leaseIndex: LEASE.index }]);
  const never = { type: "handBack", lease: { ...LEASE, index: 6 } } as const;
  assert.ok("refused" in lifecycle(back, never, NOW));
});

Deno.test("a lost lease may hold every file that it could have adopted, until it is handed back", () => {
  const kept = { temp: "kept", leaseIndex: 3 };
  const lost = lifecycle(jobIn("running", { adoptable: [kept] }), EVENTS.lose, NOW);
  assert.ok(!("refused" in lost));
  const own = { temp: temporaryName(template.id, LEASE), leaseIndex: LEASE.index };
  const held = { temp: "kept", leaseIndex: LEASE.index };
  const { agent } = LEASE;
  assert.deepEqual([lost.adoptable, lost.stale], [
    [],
    [LOST, { ...held, agent }, { ...own, agent }],
  ]);
  const back = lifecycle(lost, { type: "handBack", lease: LEASE }, NOW);
  assert.ok(!("refused" in back));
  assert.deepEqual([back.adoptable, back.stale], [[held, own], [LOST]]);
});

Deno.test("random commands never break a job's invariants", () => {
  const kinds = [
    "assign",
    "pause",
    "run",
    "cancel",
    "grant",
    "grant",
    "notPublished",
    "succeed",
    "published",
    "fail",
    "failFinally",
    "ambiguous",
    "release",
    "releaseAgent",
    "decide",
    "decideNot",
    "stale",
  ] as const;
  const steps = fc.array(fc.constantFrom(...kinds), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (sequence) => {
      let state: State = new Rig().state;
      const grants = new Map<number, Set<string>>();
      let ends = 0;
      let lastLease = 0;
      let index = 10;
      for (const kind of sequence) {
        const before = state.jobs.get("run-1")!;
        const command = commandOf(kind, before);
        if (command === null) continue;
        const applied = apply(state, { version: 1, atMs: index * 10, command }, index++);
        const after = applied.state.jobs.get("run-1")!;
        if (applied.refused.length > 0 && command.type === "jobEvent") assert.equal(after, before);
        if (FINAL_STATES.has(before.state)) {
          assert.equal(after.state, before.state, "final is final");
        }
        if (before.endedMs === null && after.endedMs !== null) ends += 1;
        assert.equal(after.endedMs !== null, FINAL_STATES.has(after.state));
        const waits = after.state === "queued" || after.state === "retrying";
        assert.ok(!waits || after.intent === "run", "nobody waits for what will be refused");
        assert.equal(after.lease !== null, LEASED_STATES.has(after.state), after.state);
        if (after.lease !== null && after.lease !== before.lease) {
          assert.ok(after.lease.index > lastLease, "leases only grow");
          lastLease = after.lease.index;
        }
        if (before.endedMs === null && after.receipt?.outcome === "published") {
          assert.equal(after.grant?.leaseIndex, before.lease?.index, "its own lease was granted");
        }
        if (kind === "grant" && applied.refused.length === 0) {
          const temps = grants.get(after.grant!.leaseIndex) ?? new Set();
          grants.set(after.grant!.leaseIndex, temps.add(after.grant!.temp));
          assert.equal(temps.size, 1, "one lease publishes one file");
        }
        state = applied.state;
      }
      assert.ok(ends <= 1, "a job ends once");
      assert.ok(state.nowMs >= 0 && state.index === (index === 10 ? state.index : index - 1));
    }),
    { numRuns: 400 },
  );
});

function commandOf(kind: string, job: Job): Command | null {
  const { lease } = job;
  const intends = (intent: "run" | "pause" | "cancel"): Command => ({
    type: "intendRun",
    runId: "run",
    intent,
    why: kind,
  });
  switch (kind) {
    case "assign":
      return { type: "assignJobs", assignments: [{ jobId: "run-1", agent: "local" }] };
    case "pause":
    case "run":
    case "cancel":
      return intends(kind);
    case "releaseAgent":
      return { type: "releaseAgent", agent: "local", why: kind };
    case "decideNot":
      return {
        type: "jobEvent",
        jobId: "run-1",
        event: { type: "decide", published: false, why: "" },
      };
    case "decide":
      return {
        type: "jobEvent",
        jobId: "run-1",
        event: { type: "decide", published: true, why: "" },
      };
    case "stale":
      return {
        type: "jobEvent",
        jobId: "run-1",
        event: { type: "succeed", lease: { ...LEASE, index: 1 }, receipt: RECEIPT },
      };
  }
  if (lease === null) return null;
  const event = kind === "failFinally"
    ? { ...EVENTS.fail, retryAtMs: null, lease }
    : kind === "published"
    ? { type: "succeed", lease, receipt: RECEIPT }
    : { ...EVENTS[kind as "grant"], lease };
  const grant = { ...GRANT, leaseIndex: lease.index, temp: temporaryName(job.id, lease) };
  const command = kind === "grant" ? { ...event, grant } : event;
  return { type: "jobEvent", jobId: "run-1", event: command } as Command;
}

Deno.test("time in the state never falls, whatever the stamps say", () => {
  let state = INITIAL_STATE;
  for (const [index, atMs] of [100, 50, 300, 200].entries()) {
    const command: Command = { type: "releaseAgent", agent: "x", why: "" };
    state = apply(state, { version: 1, atMs, command }, index + 1).state;
  }
  assert.equal(state.nowMs, 300);
});

Deno.test("a decision that nothing was published follows what the owner wants by now", () => {
  const decided = { type: "decide", published: false, why: "looked" } as const;
  const cases = [["run", "queued"], ["pause", "paused"], ["cancel", "cancelled"]] as const;
  for (const [intent, state] of cases) {
    const after = lifecycle(jobIn("unknown", { intent, grant: GRANT }), decided, NOW);
    assert.ok(!("refused" in after));
    assert.deepEqual([after.state, after.grant], [state, null]);
  }
});

Deno.test("the pause before a retry is counted on the clock of the state, not on its agent's", () => {
  const fail = { ...EVENTS.fail, retryAtMs: NOW + 3_600_000, retryInMs: 200 } as JobEvent;
  const after = lifecycle(jobIn("running"), fail, NOW);
  assert.equal("refused" in after ? after : after.retryAtMs, NOW + 200);
});

Deno.test("another agent's lease of the same command is not its own, whatever its index", () => {
  const forged = { ...LEASE, agent: "forger" };
  for (const event of Object.values(EVENTS)) {
    if (!("lease" in event) || event.type === "assign" || event.type === "handBack") continue;
    const after = lifecycle(
      jobIn("publishing", { grant: GRANT }),
      { ...event, lease: forged },
      NOW,
    );
    assert.match("refused" in after ? after.refused : "taken", /stale/, event.type);
  }
  const lost = lifecycle(jobIn("running", { stale: [] }), EVENTS.lose, NOW) as Job;
  assert.ok("refused" in lifecycle(lost, { type: "handBack", lease: forged }, NOW));
  assert.ok(!("refused" in lifecycle(lost, { type: "handBack", lease: LEASE }, NOW)));
});
