import assert from "node:assert/strict";
import { ProtocolError } from "../../../protocols/errors.ts";
import type { MemoryFaults } from "../../../protocols/memory/operations.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { CHUNK, Rig, sha256, SLOT, withParts } from "./rig.ts";

const SIZE = 3 * CHUNK + 100;
const OTHER = new TextEncoder().encode("another file");

interface Refused {
  readonly what: string;
  readonly code: string;
  readonly state: "failed" | "retrying";
  readonly faults?: MemoryFaults;
  readonly parts?: Parameters<typeof withParts>[0];
}

const REFUSED: readonly Refused[] = [
  {
    what: "is truncated",
    code: "truncated",
    state: "retrying",
    faults: { truncateAtBytes: 9_000 },
  },
  {
    what: "ends before its first byte",
    code: "truncated",
    state: "retrying",
    faults: { truncateAtBytes: 0 },
  },
  { what: "has a byte too many", code: "tooLong", state: "failed", faults: { oneByteMore: true } },
  {
    what: "changes in the middle",
    code: "changed",
    state: "retrying",
    faults: { change: { atBytes: 5_000, bytes: new Uint8Array(SIZE).fill(7) } },
  },
  {
    what: "changes to another size",
    code: "changed",
    state: "retrying",
    faults: { change: { atBytes: 5_000, bytes: new Uint8Array(SIZE + 50).fill(7) } },
  },
  {
    what: "is not what the checksum says",
    code: "checksumMismatch",
    state: "failed",
    parts: {
      validation: { checksum: { algorithm: "sha256", valueHex: "0".repeat(64), required: true } },
    },
  },
  {
    what: "is too small",
    code: "sizeRefused",
    state: "failed",
    parts: { validation: { minBytes: SIZE + 1 } },
  },
  {
    what: "is too large",
    code: "sizeRefused",
    state: "failed",
    parts: { validation: { maxBytes: SIZE - 1 } },
  },
  {
    what: "is too large without having said so",
    code: "sizeRefused",
    state: "failed",
    faults: { noLength: true },
    parts: { validation: { maxBytes: SIZE - 1 } },
  },
  {
    what: "cannot be verified as far as asked",
    code: "verificationUnavailable",
    state: "failed",
    parts: { validation: { level: "source" } },
  },
  {
    what: "has no checksum although one is required",
    code: "verificationUnavailable",
    state: "failed",
    parts: { validation: { checksum: { algorithm: "sha256", valueHex: null, required: true } } },
  },
  {
    what: "breaks off with a network error",
    code: "unreachable",
    state: "retrying",
    faults: { failures: [{ operation: "read", times: 1, code: "unreachable" }] },
  },
];

for (const to of ["file", "memory"] as const) {
  for (const { what, code, state, faults, parts } of REFUSED) {
    Deno.test(`a source that ${what} is never published (to ${to})`, async () => {
      for (const parallelRanges of [1, 3]) {
        if (parallelRanges > 1 && (faults?.noLength || faults?.oneByteMore)) continue;
        const spec = withParts({ ...parts, pipeline: { parallelRanges } });
        const rig = new Rig({ to, spec });
        await rig.place("/out/to", OTHER);
        rig.put(SIZE);
        if (faults !== undefined) rig.source.setFaults("/from", faults);
        const job = await rig.attempt();
        assert.equal(job.error?.code, code, `${job.error?.message} (${parallelRanges} ranges)`);
        assert.equal(job.state, state);
        assert.deepEqual(await rig.published(), OTHER);
        const kept = await rig.temporaries();
        const checkpoint = await rig.env.world.complete(rig.tools.checkpoints.load("run-1"));
        assert.deepEqual(kept, checkpoint === null ? [] : [checkpoint.temp]);
      }
    });
  }
}

Deno.test("a source that is not there leaves nothing behind", async () => {
  const rig = new Rig();
  const job = await rig.attempt();
  assert.deepEqual([job.state, job.error?.code], ["failed", "notFound"]);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a source that changed for good is fetched anew by the next attempt", async () => {
  const rig = new Rig();
  rig.put(SIZE);
  const changed = new Uint8Array(SIZE + 9).fill(3);
  rig.source.setFaults("/from", { change: { atBytes: 5_000, bytes: changed } });
  assert.equal((await rig.attempt()).error?.code, "changed");
  const job = await rig.attempt();
  assert.equal(job.receipt?.sha256, sha256(changed));
  assert.deepEqual(await rig.published(), changed);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a checksum and a source that vouch for the bytes reach the level source", async () => {
  const bytes = new Rig().put(SIZE);
  const checksum = { algorithm: "sha256", valueHex: sha256(bytes), required: true } as const;
  const rig = new Rig({ spec: withParts({ validation: { checksum, level: "source" } }) });
  rig.put(SIZE);
  assert.equal((await rig.attempt()).receipt?.level, "source");
});

Deno.test("reading again finds a write that the disk has damaged", async () => {
  for (const size of [10, SIZE]) {
    let damaged = false;
    const rig = new Rig({
      spec: withParts({ validation: { level: "reread" } }),
      after: (call, { env }) => {
        if (call.side !== "sink" || call.operation !== "write" || damaged) return;
        damaged = true;
        env.machine.flipBit(`/out/${call.name}`, 5);
      },
    });
    const bytes = rig.put(size);
    const job = await rig.attempt();
    assert.deepEqual([job.state, job.error?.code], ["retrying", "temporaryDamaged"]);
    assert.equal(await rig.published(), null);
    assert.deepEqual(await rig.temporaries(), [], "what is damaged is not kept");
    const again = await rig.attempt();
    assert.equal(again.receipt?.level, "reread");
    assert.equal(again.receipt?.sha256, sha256(bytes));
  }
});

Deno.test("permissions and the source's time are given to the published file", async () => {
  const rig = new Rig({
    spec: withParts({ destination: { permissions: 0o640, preserveMtime: true } }),
  });
  rig.put(SIZE);
  assert.equal((await rig.attempt()).state, "succeeded");
  const info = await rig.env.world.complete(rig.env.disk.stat("/out/to"));
  assert.equal(info?.mode, 0o640);
  assert.equal(info?.mtimeMs, 1_000_000_000_000);
});

Deno.test("a missing secret fails the job by name, and nothing is contacted", async () => {
  const rig = new Rig({
    spec: withParts({ source: { auth: { type: "bearer", token: [{ secret: "TOKEN" }] } } }),
  });
  const job = await rig.attempt();
  assert.equal(job.state, "failed");
  assert.equal(rig.opened.length, 0);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a job that takes longer than its timeout fails as such", async () => {
  for (const stallAtBytes of [0, 9_000]) {
    const rig = new Rig({ spec: (spec) => ({ ...spec, timeoutMs: 5_000 }) });
    rig.put(SIZE);
    rig.source.setFaults("/from", { stallAtBytes });
    const job = await rig.attempt();
    assert.deepEqual([job.state, job.error?.code], ["failed", "jobTimeout"]);
    assert.equal(await rig.published(), null);
  }
});

Deno.test("a full disk is a clear error, and nothing is published", async () => {
  const rig = new Rig({ faults: { capacityBytes: 2 * CHUNK + SLOT } });
  rig.put(SIZE);
  const job = await rig.attempt();
  assert.equal(job.error?.code, "noSpace");
  assert.equal(await rig.published(), null);
});

Deno.test("a sync that failed once condemns the file, though later syncs succeed", async () => {
  let failed = 0;
  const rig = new Rig({
    before: (call) => {
      if (call.side !== "sink" || call.operation !== "sync" || failed++ > 0) return;
      throw new ProtocolError("io", "the device reported an error");
    },
  });
  const bytes = rig.put(5 * CHUNK);
  const job = await rig.attempt();
  assert.deepEqual([job.state, job.error?.code], ["retrying", "temporaryDamaged"]);
  assert.deepEqual(await rig.temporaries(), []);
  assert.equal((await rig.attempt()).receipt?.sha256, sha256(bytes));
});

Deno.test("failing syncs never lead to a published file that a power loss damages", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const rig = new Rig({ seed });
    await rig.place("/out/other", OTHER);
    rig.env.machine.faults.syncErrorRate = 0.25;
    const bytes = rig.put(6 * CHUNK + seed);
    let job = rig.job;
    for (let n = 0; n < 3 && (job.state === "queued" || job.state === "retrying"); n++) {
      job = await rig.attempt();
    }
    if (job.state !== "succeeded") continue;
    rig.env.crash("power");
    rig.env = rig.env.restart();
    const seen = await rig.published();
    // A recovered name is only as durable as the sink's own probe makes it.
    if (job.receipt!.outcome === "recovered" && seen === null) continue;
    assert.equal(seen === null ? null : sha256(seen), sha256(bytes), `seed ${seed}`);
  }
});

Deno.test("tidying up that fails after publishing does not unmake the success", async () => {
  const rig = new Rig();
  rig.put(5 * CHUNK);
  const drop = () => Promise.reject(new Error("the store is gone"));
  rig.tools = { ...rig.tools, checkpoints: { ...rig.tools.checkpoints, drop } };
  const job = await rig.attempt();
  assert.equal(job.state, "succeeded", job.why);
  assert.ok(rig.env.machine.logRecords.some((one) => one.message === "could not tidy up"));
});

Deno.test("a close that fails after publishing does not unmake the success", async () => {
  const rig = new Rig({
    before: (call) => {
      if (call.operation === "close") throw new ProtocolError("io", "closing failed");
    },
  });
  rig.put(SIZE);
  const job = await rig.attempt();
  assert.equal(job.state, "succeeded", job.why);
});

const POLICIES: readonly TransferSpec["destination"]["conflict"][] = [
  "overwrite",
  "fail",
  "skip",
  "rename",
];

for (const to of ["file", "memory"] as const) {
  for (const conflict of POLICIES) {
    Deno.test(`conflict ${conflict} without a conflict publishes (to ${to})`, async () => {
      const rig = new Rig({ to, spec: withParts({ destination: { conflict } }) });
      const bytes = rig.put(SIZE);
      assert.equal((await rig.attempt()).receipt?.outcome, "published");
      assert.deepEqual(await rig.published(), bytes);
    });
  }

  Deno.test(`conflict overwrite replaces what is there (to ${to})`, async () => {
    const rig = new Rig({ to });
    await rig.place("/out/to", OTHER);
    const bytes = rig.put(SIZE);
    assert.equal((await rig.attempt()).receipt?.outcome, "published");
    assert.deepEqual(await rig.published(), bytes);
  });

  Deno.test(`conflict fail leaves what is there, and fetches nothing (to ${to})`, async () => {
    const rig = new Rig({ to, spec: withParts({ destination: { conflict: "fail" } }) });
    await rig.place("/out/to", OTHER);
    rig.put(SIZE);
    const job = await rig.attempt();
    assert.deepEqual([job.state, job.error?.code], ["failed", "destinationExists"]);
    assert.deepEqual(await rig.published(), OTHER);
    assert.equal(rig.fetched, 0);
  });

  Deno.test(`conflict fail sees a file that appears meanwhile (to ${to})`, async () => {
    const appear = new Rig({ to, spec: withParts({ destination: { conflict: "fail" } }) });
    appear.put(SIZE);
    let placed = false;
    const rig = new Rig({
      to,
      spec: withParts({ destination: { conflict: "fail" } }),
      after: (call, { env, sink }) => {
        if (call.side !== "source" || call.operation !== "confirm" || placed) return;
        placed = true;
        if (to === "memory") sink.put("/out/to", OTHER);
        else env.machine.symlink("/nowhere", "/out/to");
      },
    });
    rig.put(SIZE);
    const job = await rig.attempt();
    assert.equal(job.error?.code, "destinationExists", job.why);
    assert.equal(job.grant, null);
  });

  Deno.test(`conflict rename finds the next free name (to ${to})`, async () => {
    const rig = new Rig({ to, spec: withParts({ destination: { conflict: "rename" } }) });
    await rig.place("/out/to", OTHER);
    await rig.place("/out/to (1)", OTHER);
    const bytes = rig.put(SIZE);
    assert.equal((await rig.attempt()).receipt?.name, "to (2)");
    assert.deepEqual(await rig.published("to (2)"), bytes);
    assert.deepEqual(await rig.published(), OTHER);
  });

  Deno.test(`conflict rename gives up after its limit of names (to ${to})`, async () => {
    const spec = withParts({ destination: { conflict: "rename" } });
    const rig = new Rig({ to, spec, limits: { renameCandidates: 1 } });
    await rig.place("/out/to", OTHER);
    rig.put(SIZE);
    assert.equal((await rig.attempt()).error?.code, "destinationExists");
  });

  Deno.test(`conflict skip leaves an equal file alone (to ${to})`, async () => {
    const rig = new Rig({ to, spec: withParts({ destination: { conflict: "skip" } }) });
    const bytes = rig.put(SIZE);
    await rig.place("/out/to", bytes, 1_000_000_000_000);
    const { receipt } = await rig.attempt();
    assert.deepEqual([receipt?.outcome, receipt?.sha256], ["skipped", sha256(bytes)]);
    assert.equal(rig.fetched, 0);
  });
}

Deno.test("a job that is skipped at its second attempt leaves nothing of the first", async () => {
  const rig = new Rig({ spec: withParts({ destination: { conflict: "skip" } }) });
  const bytes = rig.put(6 * CHUNK);
  rig.source.setFaults("/from", {
    failures: [{ operation: "confirm", times: 1, code: "unreachable" }],
  });
  assert.equal((await rig.attempt()).state, "retrying");
  assert.equal((await rig.temporaries()).length, 1);
  await rig.place("/out/to", bytes, 1_000_000_000_000);
  assert.equal((await rig.attempt()).receipt?.outcome, "skipped");
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a grant that is refused because the job was paused hands the lease back, and nothing has failed", async () => {
  let paused = false;
  const rig: Rig = new Rig({
    to: "memory",
    before: (call, self) => {
      // The order to let go is lost on its way to the agent.
      if (paused || call.side !== "source" || call.operation !== "read") return;
      paused = true;
      self.command({ type: "intendRun", runId: "run", intent: "pause", why: "wait" });
    },
  });
  const bytes = rig.put(SIZE);
  const job = await rig.attempt();
  assert.deepEqual([job.state, job.failures, job.error], ["paused", 0, null]);
  rig.command({ type: "intendRun", runId: "run", intent: "run", why: "go on" });
  const done = await rig.attempt();
  assert.deepEqual([done.state, done.receipt?.sha256], ["succeeded", sha256(bytes)]);
});
