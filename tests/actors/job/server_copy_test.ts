import assert from "node:assert/strict";
import { runAttempt } from "../../../actors/job/attempt.ts";
import { Meter } from "../../../actors/job/meter.ts";
import type { MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import type { TransferSpec } from "../../../workflows/spec.ts";
import { CHUNK, Rig, type RigOptions, sha256, withParts } from "./rig.ts";

const PIECE = 2 * CHUNK;
const BYTES = 10 * PIECE;

type Sink = NonNullable<MemoryStoreOptions["sink"]>;

/** Source and destination in one store that copies by itself. */
function sameService(options: RigOptions & { readonly copies?: Sink } = {}): Rig {
  const { copies = {}, ...rest } = options;
  return new Rig({
    to: "same",
    ...rest,
    store: { sink: { serverCopy: true, ...copies }, copyPieceBytes: PIECE, ...rest.store },
  });
}

const validated = (validation: Partial<TransferSpec["validation"]>) => withParts({ validation });
const moved = (pipeline: Partial<TransferSpec["pipeline"]>) => withParts({ pipeline });

for (const fence of ["seize", "conditional", "token", "none"] as const) {
  Deno.test(`server copy: the service copies, nothing passes here, the file appears once (${fence})`, async () => {
    const rig = sameService({ copies: { fence } });
    const bytes = rig.put(BYTES);
    const { state, receipt } = await rig.attempt();
    assert.equal(state, "succeeded");
    assert.deepEqual(await rig.published(), bytes);
    assert.equal(rig.fetched, 0, "no byte was read here");
    assert.deepEqual(
      { ...receipt, startedMs: 0, endedMs: 0 },
      {
        ...{ outcome: "published", name: "to", bytes: BYTES, sha256: null, root: null },
        ...{ level: "size", fence, fileId: receipt?.fileId, fetchedBytes: 0, keptBytes: 0 },
        ...{ copiedBytes: BYTES, attempts: 1, startedMs: 0, endedMs: 0 },
      },
    );
    assert.equal(rig.source.history.filter(({ operation }) => operation === "publish").length, 1);
    assert.deepEqual(await rig.temporaries(), []);
  });
}

Deno.test("server copy: progress tells what the service has copied", async () => {
  const seen: number[] = [];
  const rig = sameService({
    after: ({ operation }, { meter }) => {
      if (operation === "serverCopy") seen.push(meter.read().copiedBytes ?? 0);
    },
  });
  rig.put(BYTES);
  await rig.attempt();
  assert.deepEqual(seen, [BYTES]);
  assert.equal(rig.meter.read().doneBytes, BYTES);
});

Deno.test("server copy: never means that the bytes stream", async () => {
  const rig = sameService({ spec: moved({ serverCopy: "never" }) });
  const bytes = rig.put(BYTES);
  const { receipt } = await rig.attempt();
  assert.equal(receipt?.sha256, sha256(bytes));
  assert.equal(receipt?.fetchedBytes, BYTES);
  assert.equal(receipt?.copiedBytes, undefined);
  assert.equal(receipt?.streamedBecause, undefined);
});

Deno.test("server copy: a level that needs the source's hash is not lowered: the bytes stream", async () => {
  const rig = sameService({ spec: validated({ level: "reread" }) });
  const bytes = rig.put(BYTES);
  const { receipt } = await rig.attempt();
  assert.equal(receipt?.level, "reread");
  assert.equal(receipt?.sha256, sha256(bytes));
  assert.equal(rig.fetched, BYTES);
  assert.match(receipt?.streamedBecause ?? "", /SHA-256, which nobody knows/);
});

Deno.test("server copy: a declared checksum is compared with the copy, read back", async () => {
  const probe = sameService();
  const valueHex = sha256(probe.put(BYTES));
  const checksum = { algorithm: "sha256", valueHex, required: true } as const;
  const rig = sameService({ spec: validated({ checksum, level: "source" }) });
  rig.put(BYTES);
  const { receipt } = await rig.attempt();
  assert.equal(receipt?.level, "reread");
  assert.equal(receipt?.sha256, valueHex);
  assert.equal(receipt?.copiedBytes, BYTES);
  assert.equal(rig.fetched, 0);
});

Deno.test("server copy: a copy with another checksum than declared is not published", async () => {
  const checksum = { algorithm: "sha256", valueHex: "ab".repeat(32), required: true } as const;
  const rig = sameService({ spec: validated({ checksum }) });
  rig.put(BYTES);
  const { state, error } = await rig.attempt();
  assert.equal(state, "failed");
  assert.equal(error?.code, "checksumMismatch");
  assert.equal(await rig.published(), null);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("server copy: a checksum where nothing can be read back streams", async () => {
  const probe = sameService();
  const valueHex = sha256(probe.put(BYTES));
  const checksum = { algorithm: "sha256", valueHex, required: true } as const;
  const rig = sameService({ copies: { readBack: false }, spec: validated({ checksum }) });
  rig.put(BYTES);
  const { receipt } = await rig.attempt();
  assert.equal(receipt?.level, "source");
  assert.equal(rig.fetched, BYTES);
  assert.match(receipt?.streamedBecause ?? "", /cannot be read before it is published/);
});

Deno.test("server copy: a source that changes in the middle is not published", async () => {
  const rig = sameService();
  rig.put(BYTES);
  const later = new Uint8Array(BYTES).fill(7);
  rig.source.setFaults("/from", { change: { atBytes: 3 * PIECE, bytes: later } });
  const first = await rig.attempt();
  assert.equal(first.state, "retrying");
  assert.equal(first.error?.code, "changed");
  assert.equal(await rig.published(), null);
  assert.deepEqual(await rig.temporaries(), [], "what is of the old version is not kept");
  const second = await rig.attempt();
  assert.equal(second.receipt?.copiedBytes, BYTES, "nothing of the old version is in it");
  assert.deepEqual(await rig.published(), later);
});

Deno.test("server copy: a source that changes after the last byte is not published", async () => {
  const rig = sameService({
    after: ({ operation }, { source }) => {
      if (operation === "serverCopy") source.put("/from", new Uint8Array(BYTES).fill(9));
    },
  });
  rig.put(BYTES);
  const { state, error } = await rig.attempt();
  assert.equal(state, "retrying");
  assert.equal(error?.code, "changed");
  assert.equal(await rig.published(), null);
});

for (const code of ["denied", "unsupported"] as const) {
  Deno.test(`server copy: where the service says ${code} under auto, the bytes stream in the same attempt`, async () => {
    const rig = sameService();
    const bytes = rig.put(BYTES);
    rig.source.setFaults("/from", { failures: [{ operation: "copy", times: 1, code }] });
    const told: string[] = [];
    const log = {
      write: (level: string, message: string) => void told.push(`${level} ${message}`),
    };
    const { state, receipt, attempts } = await rig.attempt({
      ...rig.tools,
      env: { ...rig.tools.env, log },
    });
    assert.equal(state, "succeeded");
    assert.equal(attempts, 1);
    assert.deepEqual(await rig.published(), bytes);
    assert.equal(receipt?.sha256, sha256(bytes));
    assert.equal(receipt?.fetchedBytes, BYTES);
    assert.match(receipt?.streamedBecause ?? "", /^the service refused to copy: cannot copy/);
    assert.deepEqual(told, ["warn the service refused to copy: the bytes stream"]);
    assert.deepEqual(await rig.temporaries(), []);
  });
}

Deno.test("server copy: a refusal in the middle takes back what was copied", async () => {
  const rig = sameService({
    after: ({ operation }) => assert.notEqual(operation, "seize"),
  });
  const bytes = rig.put(BYTES);
  let pieces = 0;
  const failures = [{ operation: "copy", times: Infinity, code: "denied" } as const];
  const record = rig.source.record.bind(rig.source);
  rig.source.record = (...event) => {
    if (event[0] === "write" && ++pieces === 4) rig.source.setFaults("/from", { failures });
    record(...event);
  };
  const { state, receipt } = await rig.attempt();
  assert.equal(state, "succeeded");
  assert.deepEqual(await rig.published(), bytes);
  assert.equal(receipt?.sha256, sha256(bytes));
  assert.equal(rig.meter.read().copiedBytes, undefined);
});

Deno.test("server copy: require fails where the service refuses, and leaves nothing", async () => {
  const rig = sameService({ spec: moved({ serverCopy: "require" }) });
  rig.put(BYTES);
  rig.source.setFaults("/from", { failures: [{ operation: "copy", times: 9, code: "denied" }] });
  const { state, error } = await rig.attempt();
  assert.equal(state, "failed");
  assert.equal(error?.code, "serverCopyUnavailable");
  assert.equal(rig.fetched, 0);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("server copy: require fails where verification would need the bytes", async () => {
  const rig = sameService({
    spec: withParts({
      pipeline: { serverCopy: "require" },
      validation: { level: "source" },
    }),
  });
  rig.put(BYTES);
  const { state, error } = await rig.attempt();
  assert.equal(state, "failed");
  assert.equal(error?.code, "serverCopyUnavailable");
  assert.match(error?.message ?? "", /SHA-256/);
});

Deno.test("server copy: require fails between two services", async () => {
  const rig = new Rig({ to: "memory", spec: moved({ serverCopy: "require" }) });
  rig.put(BYTES);
  const { state, error } = await rig.attempt();
  assert.equal(state, "failed");
  assert.equal(error?.code, "serverCopyUnavailable");
});

Deno.test("server copy: an empty file is made here, under require too", async () => {
  const rig = sameService({ spec: moved({ serverCopy: "require" }) });
  rig.put(0);
  const { state } = await rig.attempt();
  assert.equal(state, "succeeded");
  assert.deepEqual(await rig.published(), new Uint8Array(0));
});

Deno.test("server copy: a file that is sealed at rest streams", async () => {
  const key = new Uint8Array(32).fill(3).toBase64();
  const atRest = { compression: "gzip", maxRatio: null, keys: [] } as const;
  const rig = sameService({
    spec: (spec) => ({
      ...spec,
      destination: {
        ...spec.destination,
        access: { headers: {}, auth: null, timeoutMs: null, tls: null, options: {}, atRest },
      },
    }),
    reveal: () => Promise.resolve(key),
  });
  rig.put(BYTES);
  const { receipt } = await rig.attempt();
  assert.equal(receipt?.fetchedBytes, BYTES);
  assert.match(receipt?.streamedBecause ?? "", /compressed or sealed/);
});

for (const kind of ["process", "power"] as const) {
  Deno.test(`server copy: what was copied before a crash (${kind}) is gone on with`, async () => {
    const rig = sameService({ limits: { checkpointBytes: PIECE } });
    const bytes = rig.put(BYTES);
    // Two milliseconds a piece, the looks before it and the checkpoints.
    await rig.crash(14, kind);
    const [temp] = await rig.temporaries();
    assert.ok(temp !== undefined, "the copy had begun");
    const second = await rig.attempt();
    assert.equal(second.state, "succeeded", second.why);
    assert.deepEqual(await rig.published(), bytes);
    const { receipt } = second;
    assert.ok(receipt!.keptBytes >= PIECE, `kept ${receipt?.keptBytes}`);
    assert.equal(receipt!.keptBytes + receipt!.copiedBytes!, BYTES);
    assert.equal(rig.fetched, 0, "nothing is read to go on");
    assert.deepEqual(await rig.temporaries(), []);
  });
}

Deno.test("server copy: a crash at any moment ends in one file that is right", async () => {
  for (let ms = 1; ms <= 60; ms++) {
    const rig = sameService({ seed: ms, limits: { checkpointBytes: PIECE } });
    const bytes = rig.put(BYTES);
    await rig.crash(ms);
    if (rig.job.state !== "succeeded") await rig.attempt();
    assert.equal(rig.job.state, "succeeded", `after ${ms} ms: ${rig.job.why}`);
    assert.deepEqual(await rig.published(), bytes);
    assert.deepEqual(await rig.temporaries(), []);
  }
});

Deno.test("server copy: what was copied of another version is not gone on with", async () => {
  const rig = sameService({ limits: { checkpointBytes: PIECE } });
  rig.put(BYTES);
  await rig.crash(14);
  const later = rig.put(BYTES, 5);
  const { receipt } = await rig.attempt();
  assert.deepEqual(await rig.published(), later);
  assert.equal(receipt?.keptBytes, 0);
  assert.equal(receipt?.copiedBytes, BYTES);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("server copy: an attempt that is told to let go keeps what was copied", async () => {
  let isStopped = false;
  const rig = sameService({
    before: ({ operation }, { abort }) => {
      if (operation !== "sync" || isStopped) return;
      isStopped = true;
      abort.abort(new Error("the agent is stopping"));
    },
    limits: { checkpointBytes: 6 * PIECE },
  });
  const bytes = rig.put(BYTES);
  const first = await rig.attempt();
  assert.equal(first.state, "queued");
  rig.abort = new AbortController();
  const { receipt } = await rig.attempt({ ...rig.tools });
  assert.ok(receipt!.keptBytes >= 3 * PIECE);
  assert.deepEqual(await rig.published(), bytes);
});

for (const fence of ["seize", "conditional"] as const) {
  Deno.test(`server copy: a writer whose lease was lost in the middle publishes nothing (${fence})`, async () => {
    const rig = sameService({ copies: { fence } });
    const bytes = rig.put(BYTES);
    rig.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "old" }] });
    const { job } = rig;
    const { signal } = new AbortController();
    const old = runAttempt(rig.tools, job, job.lease!, new Meter(rig.env.clock), signal);
    await rig.env.world.pass(14);
    rig.lose();
    const { state, receipt } = await rig.attempt(rig.otherTools());
    assert.equal(state, "succeeded");
    assert.equal(receipt?.copiedBytes, BYTES);
    const end = await rig.env.world.complete(old);
    assert.ok(end.type === "fail" || end.type === "release", end.type);
    assert.deepEqual(await rig.published(), bytes);
    assert.equal(rig.source.history.filter(({ operation }) => operation === "publish").length, 1);
    assert.deepEqual(await rig.temporaries(), []);
  });
}

for (const replace of [true, false]) {
  Deno.test(`server copy: a publish whose answer is lost is known again by its bytes (${replace ? "over" : "beside"} what stands)`, async () => {
    const conflict = replace ? "overwrite" : "fail";
    const rig = sameService({
      copies: { fileId: false },
      spec: withParts({ destination: { conflict } }),
    });
    const bytes = rig.put(BYTES);
    // The name of the first attempt's temporary file: its lease is the third command.
    rig.source.setFaults("/out/.quorus-run-1-1.0.3.part", {
      failures: [{ operation: "publish", times: 1, code: "unreachable", applied: true }],
    });
    const { state, receipt } = await rig.attempt();
    assert.equal(state, "succeeded");
    assert.equal(receipt?.outcome, "recovered");
    assert.deepEqual(await rig.published(), bytes);
  });
}
