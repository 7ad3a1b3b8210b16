import assert from "node:assert/strict";
import { Released } from "../../../actors/job/tools.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { CHUNK, Rig, sha256, SLOT, withParts } from "./rig.ts";

const SIZE = 10 * CHUNK + 300;
const WINDOW = 4 * SLOT;
const INTERVAL = 2 * CHUNK;

/** A rig whose first attempt has lost its source in the middle, at a chosen byte. */
async function interrupted(at: number, options: ConstructorParameters<typeof Rig>[0] = {}) {
  let cut = true;
  const rig: Rig = new Rig({
    ...options,
    before: (call, self) => {
      options.before?.(call, self);
      if (!cut || call.operation !== "read" || call.side !== "source" || self.fetched < at) return;
      cut = false;
      throw new ProtocolError("unreachable", "the line broke");
    },
  });
  const bytes = rig.put(SIZE);
  const job = await rig.attempt();
  assert.equal(job.state, "retrying", job.why);
  return { rig, bytes };
}

for (const to of ["file", "memory"] as const) {
  for (const parallelRanges of [1, 3]) {
    Deno.test(`a broken line costs at most what was on its way (to ${to}, ${parallelRanges} ranges)`, async () => {
      for (const at of [CHUNK, 3 * CHUNK + 5, 8 * CHUNK, SIZE - 1]) {
        const { rig, bytes } = await interrupted(at, {
          to,
          spec: withParts({ pipeline: { parallelRanges } }),
        });
        const before = rig.fetched;
        const job = await rig.attempt();
        assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
        assert.deepEqual(await rig.published(), bytes);
        const again = before + rig.fetched - SIZE;
        const ahead = parallelRanges > 1 ? 4 * CHUNK + 2 * SLOT : 0;
        assert.ok(again <= WINDOW + CHUNK + ahead, `${again} bytes again`);
        assert.equal(job.receipt!.keptBytes + job.receipt!.fetchedBytes, SIZE);
        assert.deepEqual(await rig.temporaries(), []);
      }
    });
  }

  for (const intent of ["pause", "cancel"] as const) {
    Deno.test(`${intent} keeps the checkpoint, and going on fetches only the rest (to ${to})`, async () => {
      let stopAt: number | null = 5 * CHUNK;
      const rig: Rig = new Rig({
        to,
        after: (_call, self) => {
          if (stopAt === null || self.fetched < stopAt) return;
          stopAt = null;
          self.abort.abort(new Released(intent));
        },
      });
      const bytes = rig.put(SIZE);
      const job = await rig.attempt();
      assert.equal(job.state, "queued", "its lease was handed back");
      assert.equal((await rig.temporaries()).length, 1);
      rig.abort = new AbortController();
      const first = rig.fetched;
      const done = await rig.attempt();
      assert.equal(done.receipt?.sha256, sha256(bytes));
      assert.ok(first + rig.fetched - SIZE <= WINDOW + CHUNK);
      assert.ok(done.receipt!.keptBytes >= 4 * CHUNK);
    });
  }
}

Deno.test("a crash costs at most window, checkpoint interval and a chunk", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    for (const kind of ["process", "power"] as const) {
      const rig = new Rig({ seed });
      const bytes = rig.put(SIZE);
      await rig.crash(20 + seed * 4, kind);
      const before = rig.fetched;
      const job = await rig.attempt();
      assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
      assert.deepEqual(await rig.published(), bytes);
      if (job.receipt!.outcome === "recovered") continue;
      const again = before + rig.fetched - SIZE;
      assert.ok(again <= WINDOW + INTERVAL + 2 * CHUNK, `${again} bytes again, seed ${seed}`);
      assert.deepEqual(await rig.temporaries(), []);
    }
  }
});

for (const parallelRanges of [1, 3]) {
  Deno.test(`a slow disk does not let more bytes go unkept (${parallelRanges} ranges)`, async () => {
    let most = 0;
    for (let ms = 300; ms < 2_500; ms += 150) {
      const rig = new Rig({
        to: "memory",
        spec: withParts({ pipeline: { parallelRanges } }),
        store: { delayMs: () => [0.2, 0.2] },
        sink: { delayMs: (operation) => operation === "sync" ? [200, 200] : [0.1, 0.1] },
        limits: { chunksAhead: 64 },
      });
      const bytes = rig.put(20 * CHUNK);
      await rig.crash(ms);
      const before = rig.fetched;
      const job = await rig.attempt();
      assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
      most = Math.max(most, before + rig.fetched - bytes.length);
    }
    const ahead = parallelRanges > 1 ? INTERVAL + 2 * SLOT : 0;
    assert.ok(most <= WINDOW + INTERVAL + CHUNK + ahead, `${most} bytes again`);
  });
}

Deno.test("a flipped bit in what was kept costs the chunks from there on, not the right bytes", async () => {
  for (const chunk of [0, 2, 5]) {
    const { rig, bytes } = await interrupted(7 * CHUNK);
    const [temp] = await rig.temporaries();
    rig.env.machine.flipBit(`/out/${temp}`, chunk * CHUNK + 17);
    const job = await rig.attempt();
    assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
    assert.equal(job.receipt?.keptBytes, chunk * CHUNK);
    assert.equal(job.receipt?.fetchedBytes, SIZE - chunk * CHUNK);
    assert.deepEqual(await rig.published(), bytes);
    assert.deepEqual(await rig.temporaries(), [], "the damaged file is gone");
  }
});

Deno.test("damage in the first chunk is not counted as kept, so size limits still hold", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK, {
    spec: withParts({ validation: { maxBytes: SIZE } }),
  });
  const [temp] = await rig.temporaries();
  rig.env.machine.flipBit(`/out/${temp}`, 3);
  const job = await rig.attempt();
  assert.equal(job.state, "succeeded", job.why);
  assert.equal(job.receipt?.keptBytes, 0);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("a kept file that has become shorter is cut to whole chunks", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK);
  const [temp] = await rig.temporaries();
  const { disk } = rig.env;
  await rig.env.world.complete((async () => {
    const file = await disk.open(`/out/${temp}`, { write: true });
    await file.truncate(3 * CHUNK + 7);
    await file.close();
  })());
  const job = await rig.attempt();
  assert.equal(job.receipt?.keptBytes, 3 * CHUNK);
  assert.equal(job.receipt?.sha256, sha256(bytes));
});

Deno.test("a kept file that is gone costs everything again", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK);
  const [temp] = await rig.temporaries();
  await rig.env.world.complete(rig.env.disk.remove(`/out/${temp}`));
  const job = await rig.attempt();
  assert.equal(job.receipt?.fetchedBytes, SIZE);
  assert.equal(job.receipt?.sha256, sha256(bytes));
});

Deno.test("a source that has changed since is fetched from its start", async () => {
  const { rig } = await interrupted(7 * CHUNK);
  const changed = rig.put(SIZE, 5);
  const job = await rig.attempt();
  assert.deepEqual([job.receipt?.keptBytes, job.receipt?.sha256], [0, sha256(changed)]);
  assert.deepEqual(await rig.published(), changed);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a source that has lost its ranges is fetched from its start", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK);
  rig.source.setFaults("/from", { noRanges: true });
  const job = await rig.attempt();
  assert.deepEqual([job.receipt?.keptBytes, job.receipt?.sha256], [0, sha256(bytes)]);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("a range that is refused only when it is opened means starting over", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK, {
    spec: withParts({ validation: { maxBytes: SIZE } }),
    before: (call, self) => {
      if (call.operation !== "open" || self.job.attempts < 2 || self.opened.length > 0) return;
      self.opened.push("refused");
      throw new ProtocolError("rangeNotSupported", "no ranges today");
    },
  });
  const job = await rig.attempt();
  assert.equal(job.state, "succeeded", job.why);
  assert.deepEqual([job.receipt?.keptBytes, job.receipt?.sha256], [0, sha256(bytes)]);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("when all bytes were kept nothing is fetched", async () => {
  const rig = new Rig();
  const bytes = rig.put(SIZE);
  rig.source.setFaults("/from", {
    failures: [{ operation: "confirm", times: 1, code: "unreachable" }],
  });
  assert.equal((await rig.attempt()).state, "retrying");
  const job = await rig.attempt();
  assert.deepEqual([job.receipt?.keptBytes, job.receipt?.fetchedBytes], [SIZE, 0]);
  assert.equal(rig.opened.length, 0);
  assert.equal(job.receipt?.sha256, sha256(bytes));
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("another chunk size makes what was kept useless, and it is removed", async () => {
  const { rig, bytes } = await interrupted(7 * CHUNK);
  const job = rig.job;
  const pipeline = { ...job.spec.pipeline, chunkBytes: 2 * CHUNK };
  const spec = { ...job.spec, pipeline };
  rig.state = { ...rig.state, jobs: rig.state.jobs.set(job.id, { ...job, spec }) };
  const done = await rig.attempt();
  assert.deepEqual([done.receipt?.keptBytes, done.receipt?.sha256], [0, sha256(bytes)]);
  assert.deepEqual(await rig.temporaries(), []);
});

Deno.test("leftovers of crashed attempts are removed even if the source fails first", async () => {
  const rig = new Rig({ spec: withParts({ destination: { conflict: "skip" } }) });
  const bytes = rig.put(SIZE);
  await rig.crash(14);
  assert.equal((await rig.temporaries()).length, 1, "a file without a checkpoint");
  await rig.place("/out/to", new Uint8Array(3));
  rig.source.setFaults("/from", {
    failures: [{ operation: "stat", times: 1, code: "unreachable" }],
  });
  assert.equal((await rig.attempt()).state, "retrying");
  const job = await rig.attempt();
  assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
  assert.deepEqual(await rig.temporaries(), []);
});

for (const conflict of ["overwrite", "fail", "rename"] as const) {
  Deno.test(`an attempt that died while publishing is recovered, not repeated (${conflict})`, async () => {
    let recovered = 0;
    for (let ms = 60; ms < 140; ms += 2) {
      const rig = new Rig({ seed: ms, spec: withParts({ destination: { conflict } }) });
      const bytes = rig.put(6 * CHUNK);
      await rig.crash(ms);
      const job = await rig.attempt();
      assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
      assert.deepEqual(await rig.published(), bytes);
      assert.equal(await rig.published("to (1)"), null, "published once");
      assert.deepEqual(await rig.temporaries(), []);
      if (job.receipt?.outcome === "recovered") recovered += 1;
    }
    assert.ok(recovered > 0, "some crash fell between the grant and the receipt");
  });
}

Deno.test("a grant outlives an attempt that failed before it could probe", async () => {
  let publishLost = true;
  let probeFails = 0;
  const rig = new Rig({
    to: "memory",
    spec: withParts({ destination: { conflict: "fail" } }),
    before: (call) => {
      if (call.operation === "probe" && probeFails-- > 0) {
        throw new ProtocolError("timeout", "later");
      }
    },
    after: (call) => {
      if (call.operation !== "publish" || !publishLost) return;
      publishLost = false;
      throw new ProtocolError("timeout", "no answer", { definite: false });
    },
  });
  const bytes = rig.put(SIZE);
  probeFails = 2;
  const first = await rig.attempt();
  assert.deepEqual([first.state, first.error?.code], ["retrying", "publishUnclear"]);
  assert.equal((await rig.attempt()).state, "retrying", "the probe failed again");
  const job = await rig.attempt();
  assert.equal(job.receipt?.outcome, "recovered", job.why);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("an answer that was lost is found by probing", async () => {
  const rig = new Rig({ to: "memory" });
  const bytes = rig.put(SIZE);
  rig.sink.setFaults("/out/.quorus-run-1-1.0.3.part", {
    failures: [{ operation: "publish", times: 1, code: "timeout", applied: true }],
  });
  const job = await rig.attempt();
  assert.equal(job.receipt?.outcome, "recovered", job.why);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("a publish that certainly did not happen is tried again, and its grant is over", async () => {
  let times = 1;
  const rig = new Rig({
    to: "memory",
    before: (call) => {
      if (call.operation !== "publish" || times-- <= 0) return;
      throw new ProtocolError("timeout", "no answer", { definite: false });
    },
  });
  const bytes = rig.put(SIZE);
  const first = await rig.attempt();
  assert.deepEqual([first.state, first.error?.code], ["retrying", "publishFailed"]);
  assert.equal(first.grant, null);
  assert.equal((await rig.attempt()).receipt?.outcome, "published");
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("what somebody else put in the place of a granted file needs a decision", async () => {
  const rig = new Rig({ to: "memory" });
  rig.put(SIZE);
  rig.sink.setFaults("/out/.quorus-run-1-1.0.3.part", {
    failures: [{ operation: "publish", times: 1, code: "timeout", applied: true }],
  });
  const seen: string[] = [];
  const stolen = new Rig({
    to: "memory",
    after: (call, self) => {
      seen.push(call.operation);
      if (call.operation !== "publish") return;
      self.sink.put("/out/to", new Uint8Array(5));
      throw new ProtocolError("timeout", "no answer", { definite: false });
    },
  });
  stolen.put(SIZE);
  const job = await stolen.attempt();
  assert.equal(job.state, "unknown");
  assert.match(job.why, /cannot tell/);
});

Deno.test("nothing is published without a grant", async () => {
  const rig = new Rig({
    after: (call, self) => {
      if (call.operation !== "confirm") return;
      self.command({ type: "intendRun", runId: "run", intent: "cancel", why: "changed my mind" });
    },
  });
  rig.put(SIZE);
  const job = await rig.attempt();
  assert.equal(await rig.published(), null);
  assert.equal(job.state, "cancelled");
});
