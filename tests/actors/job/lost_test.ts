import assert from "node:assert/strict";
import { runAttempt } from "../../../actors/job/attempt.ts";
import type { JobEvent } from "../../../actors/job/lifecycle.ts";
import { Meter } from "../../../actors/job/meter.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { AttemptTools } from "../../../actors/job/tools.ts";
import type { Fence } from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { CHUNK, Rig, type RigOptions, sha256, withParts } from "./rig.ts";

const SIZE = 10 * CHUNK + 300;

/** An attempt that is under way while its lease is lost. */
interface Lost {
  readonly ended: Promise<JobEvent>;
  /** Lets it go on, where it was held up. */
  readonly goOn: () => void;
}

/** Begins an attempt whose answers from the controllers are held up, from `from` on. */
function begin(rig: Rig, from: JobEvent["type"] | null): Lost & { readonly held: Promise<void> } {
  rig.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "old" }] });
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const tools: AttemptTools = {
    ...rig.tools,
    propose: async (command) => {
      const refused = await rig.tools.propose(command);
      if (command.type === "jobEvent" && command.event.type === from) {
        reached.resolve();
        await gate.promise;
      }
      return refused;
    },
  };
  const { job } = rig;
  const meter = new Meter(rig.env.clock);
  const ended = runAttempt(tools, job, job.lease!, meter, new AbortController().signal);
  return { ended, goOn: gate.resolve, held: reached.promise };
}

/** The final file was made once, and by the writer that the receipt names. */
function publishes(rig: Rig): number {
  return rig.sink.history.filter(({ operation }) => operation === "publish").length;
}

function report(rig: Rig, event: JobEvent): readonly string[] {
  assert.ok(event.type !== "assign");
  return rig.command({ type: "jobEvent", jobId: "run-1", event });
}

for (const to of ["file", "memory"] as const) {
  Deno.test(`a writer that goes on after its lease was lost cannot publish any more (to ${to})`, async () => {
    const rig = new Rig({ to });
    const bytes = rig.put(SIZE);
    const old = begin(rig, "grant");
    await rig.env.world.complete(old.held);
    assert.equal(rig.job.state, "publishing");
    rig.lose();
    const { lease, grant } = { lease: rig.job.stale[0]!, grant: rig.job.grant! };
    assert.equal(grant.leaseIndex, lease.leaseIndex);

    const job = await rig.attempt(rig.otherTools());
    assert.equal(job.state, "succeeded", job.why);
    assert.equal(job.receipt?.outcome, "published");
    const before = await rig.published();
    old.goOn();
    const end = await rig.env.world.complete(old.ended);
    assert.equal(end.type, "fail");
    assert.match(report(rig, end)[0] ?? "", /succeeded|stale/);
    assert.deepEqual(await rig.published(), before);
    assert.deepEqual(before, bytes);
    if (to === "memory") assert.equal(publishes(rig), 1);
    assert.deepEqual(await rig.temporaries(), []);
  });

  Deno.test(`what a lost writer had published is found, not published again (to ${to})`, async () => {
    const rig = new Rig({ to });
    const bytes = rig.put(SIZE);
    const old = begin(rig, null);
    const end = await rig.env.world.complete(old.ended);
    assert.equal(end.type, "succeed");
    rig.lose();
    const job = await rig.attempt(rig.otherTools());
    assert.equal(job.receipt?.outcome, "recovered", job.why);
    assert.match(report(rig, end)[0] ?? "", /succeeded/, "two receipts are not one");
    assert.deepEqual(await rig.published(), bytes);
    if (to === "memory") assert.equal(publishes(rig), 1);
  });

  Deno.test(`an attempt that dies after seizing leaves enough to the next one (to ${to})`, async () => {
    const rig = new Rig({ to });
    const bytes = rig.put(SIZE);
    const old = begin(rig, "grant");
    await rig.env.world.complete(old.held);
    rig.lose();
    // The second one is lost as well, and never heard of again.
    const second = begin(rig, "notPublished");
    await rig.env.world.complete(second.held);
    rig.lose();
    const job = await rig.attempt(rig.otherTools());
    assert.equal(job.receipt?.outcome, "published", job.why);
    assert.deepEqual(await rig.published(), bytes);
    old.goOn();
    second.goOn();
    await rig.env.world.complete(Promise.all([old.ended, second.ended]));
    assert.deepEqual(await rig.published(), bytes);
    if (to === "memory") assert.equal(publishes(rig), 1);
  });
}

for (const fence of ["token", "conditional", "none"] as const satisfies readonly Fence[]) {
  Deno.test(`without seizing, an upload of a lost lease is aborted before the next one (${fence})`, async () => {
    const rig = new Rig({ to: "memory", sink: { sink: { fence } } });
    const bytes = rig.put(SIZE);
    const old = begin(rig, "grant");
    await rig.env.world.complete(old.held);
    rig.lose();
    const job = await rig.attempt(rig.otherTools());
    assert.equal(job.receipt?.outcome, "published", job.why);
    old.goOn();
    assert.equal((await rig.env.world.complete(old.ended)).type, "fail");
    assert.equal(publishes(rig), 1);
    assert.deepEqual(await rig.published(), bytes);
  });
}

/** A rig whose job was lost in the middle, its checkpoint replicated; the old writer has stopped. */
async function lostWithCheckpoint(
  options: RigOptions = {},
): Promise<{ rig: Rig; bytes: Uint8Array }> {
  let cut = true;
  const rig: Rig = new Rig({
    replicate: true,
    limits: { replicateMs: 0 },
    ...options,
    before: (call, self) => {
      if (!cut || call.operation !== "read" || call.side !== "source") return;
      if (self.fetched < 8 * CHUNK) return;
      cut = false;
      throw new ProtocolError("unreachable", "the line broke");
    },
  });
  const bytes = rig.put(SIZE);
  const old = begin(rig, null);
  await rig.env.world.complete(old.ended);
  await rig.env.world.pass(20);
  const { progressed } = rig.job;
  assert.ok(progressed !== null && progressed.chunks >= 4, "a checkpoint was replicated");
  rig.lose();
  return { rig, bytes };
}

for (const to of ["file", "memory"] as const) {
  Deno.test(`what a lost attempt had verified is copied, not fetched again (to ${to})`, async () => {
    const { rig, bytes } = await lostWithCheckpoint({ to });
    const chunks = rig.job.progressed!.chunks;
    const job = await rig.attempt(rig.otherTools());
    assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
    assert.equal(job.receipt?.keptBytes, chunks * CHUNK);
    assert.equal(rig.fetched, SIZE - chunks * CHUNK);
    assert.deepEqual(await rig.published(), bytes);
    assert.deepEqual(await rig.temporaries(), [], "what was seized is gone");
  });
}

Deno.test("a prefix that the root does not prove is fetched again, all of it", async () => {
  const { rig, bytes } = await lostWithCheckpoint();
  const [temp] = await rig.temporaries();
  rig.env.machine.flipBit(`/out/${temp}`, CHUNK + 5);
  const job = await rig.attempt(rig.otherTools());
  assert.equal(job.receipt?.keptBytes, 0, job.why);
  assert.equal(rig.fetched, SIZE);
  assert.deepEqual(await rig.published(), bytes);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a prefix of another version of the source is of no use", async () => {
  const { rig } = await lostWithCheckpoint();
  const bytes = rig.put(SIZE, 7);
  const job = await rig.attempt(rig.otherTools());
  assert.equal(job.receipt?.keptBytes, 0, job.why);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("a lost file is never adopted, not even by the agent that wrote it", async () => {
  const { rig, bytes } = await lostWithCheckpoint();
  const stale = rig.job.stale[0]!.temp;
  const job = await rig.attempt();
  assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
  assert.notEqual(job.grant?.temp, stale);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("once it was handed back, its own agent adopts the file where it stands", async () => {
  const { rig, bytes } = await lostWithCheckpoint();
  const stale = rig.job.stale[0]!;
  const lease = { epoch: 1, group: 0, index: stale.leaseIndex, agent: "old" };
  assert.deepEqual(report(rig, { type: "handBack", lease }), []);
  const job = await rig.attempt();
  assert.equal(job.grant?.temp, stale.temp, "the very file was published");
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("a file that a lost attempt had adopted is seized from it as well", async () => {
  const { rig, bytes } = await lostWithCheckpoint();
  const kept = rig.job.stale[0]!;
  const first = { epoch: 1, group: 0, index: kept.leaseIndex, agent: "old" };
  assert.deepEqual(report(rig, { type: "handBack", lease: first }), []);
  // It goes on in the file of the earlier lease, up to its grant, and is lost there.
  const second = begin(rig, "grant");
  await rig.env.world.complete(second.held);
  assert.equal(rig.job.grant?.temp, kept.temp);
  rig.lose();
  assert.deepEqual(rig.job.adoptable, []);
  const job = await rig.attempt(rig.otherTools());
  assert.equal(job.receipt?.outcome, "published", job.why);
  second.goOn();
  assert.equal((await rig.env.world.complete(second.ended)).type, "fail");
  assert.deepEqual(await rig.published(), bytes);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("handed back, another agent copies what the checkpoint proves", async () => {
  const { rig, bytes } = await lostWithCheckpoint();
  const stale = rig.job.stale[0]!;
  const lease = { epoch: 1, group: 0, index: stale.leaseIndex, agent: "old" };
  assert.deepEqual(report(rig, { type: "handBack", lease }), []);
  const job = await rig.attempt(rig.otherTools());
  assert.ok(job.receipt!.keptBytes >= 4 * CHUNK, job.why);
  assert.deepEqual(await rig.published(), bytes);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("checkpoints of a destination that nobody else can read are not replicated", async () => {
  const rig = new Rig({ replicate: false });
  rig.put(SIZE);
  const job: Job = await rig.attempt();
  assert.equal(job.progressed, null);
});

Deno.test("a grant that was answered after the lease is not used where the policy is fail", async () => {
  const rig = new Rig({ spec: withParts({ destination: { conflict: "fail" } }) });
  const bytes = rig.put(SIZE);
  const old = begin(rig, "grant");
  await rig.env.world.complete(old.held);
  rig.lose();
  const job = await rig.attempt(rig.otherTools());
  assert.equal(job.receipt?.outcome, "published", job.why);
  old.goOn();
  assert.equal((await rig.env.world.complete(old.ended)).type, "fail");
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("checkpoints that no controller takes do not pile up", async () => {
  const rig = new Rig({ to: "memory", replicate: true, limits: { replicateMs: 0 } });
  rig.put(SIZE);
  let told = 0;
  const propose = rig.tools.propose;
  const tools: AttemptTools = {
    ...rig.tools,
    propose: (command) => {
      if (command.type !== "jobEvent" || command.event.type !== "progress") return propose(command);
      told += 1;
      return new Promise(() => {});
    },
  };
  rig.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "old" }] });
  const { job } = rig;
  const signal = new AbortController().signal;
  const ended = runAttempt(tools, job, job.lease!, new Meter(rig.env.clock), signal);
  assert.equal((await rig.env.world.complete(ended)).type, "succeed");
  assert.equal(told, 1);
});

Deno.test("an attempt that is begun again under its lease looks first whether it has published", async () => {
  const rig = new Rig({ to: "memory" });
  rig.put(SIZE);
  const first = begin(rig, null);
  assert.equal((await rig.env.world.complete(first.ended)).type, "succeed");
  assert.equal(rig.job.state, "publishing", "its receipt was never reported");
  const { job } = rig;
  const again = runAttempt(
    rig.tools,
    job,
    job.lease!,
    new Meter(rig.env.clock),
    new AbortController().signal,
  );
  const event = await rig.env.world.complete(again);
  assert.ok(event.type === "succeed", JSON.stringify(event));
  assert.deepEqual(report(rig, event), []);
  assert.equal(rig.job.receipt?.outcome, "recovered");
  assert.equal(publishes(rig), 1);
});
