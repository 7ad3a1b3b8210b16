/** Any order of writing, cutting, syncing and coming back, against an array of bytes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { SinkFile } from "../../../protocols/contract.ts";
import { assertBytes, NEVER, patterned } from "../../conformance/case.ts";
import { OPTIONS, paperHarness } from "./paper_harness.ts";

const PART = 5_242_880;
const BYTES = patterned(4 * PART, 3);
const RUNS = 15;

type Step =
  | { readonly type: "write"; readonly bytes: number }
  | { readonly type: "cut"; readonly share: number }
  | { readonly type: "sync" }
  /** The process ends, and another one goes on. */
  | { readonly type: "return" };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("write"), bytes: fc.nat(2 * PART) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("cut"),
      share: fc.float({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("sync") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("return") }) },
) as fc.Arbitrary<Step>;

async function played(steps: readonly Step[]): Promise<void> {
  const harness = paperHarness({}, { options: { ...OPTIONS, conditional: "yes", partSize: PART } });
  await harness.run!(async () => {
    let sink = harness.sinkAt("f");
    let file: SinkFile = await sink.create("t", NEVER);
    let size = 0;
    /** What is promised to be there for another process. */
    let kept: number | null = null;
    for (const next of steps) {
      if (next.type === "write") {
        const end = Math.min(BYTES.length, size + next.bytes);
        await file.write(BYTES.subarray(size, end), size);
        size = end;
      } else if (next.type === "sync") {
        await file.sync();
        kept = size < PART ? size : size - size % PART;
      } else if (next.type === "cut") {
        const wanted = Math.floor(size * next.share);
        await file.truncate(wanted);
        size = await file.size();
        assert.ok(size <= wanted && size > wanted - PART, `${size} of ${wanted}`);
        kept = null;
      } else {
        await file.close();
        await sink.close();
        sink = harness.sinkAt("f");
        const again: SinkFile | null = await sink.reopen("t", NEVER);
        file = again ?? await sink.create("t", NEVER);
        const found = await file.size();
        assert.ok(kept === null || found >= kept, `${found} found, ${kept} kept`);
        assert.ok(found <= BYTES.length);
        // What was cut and sent before may still be there: it is cut once more, as a job does.
        if (found > size) await file.truncate(size);
        size = await file.size();
        kept = null;
      }
      assert.equal(await file.size(), size);
    }
    await sink.publish(file, { name: "f", replace: true, mtimeMs: null, mode: null });
    assertBytes(harness.server.objects.get("data/f")!.bytes, BYTES.slice(0, size), "the file");
    assert.deepEqual([...harness.server.objects.keys()], ["data/f"]);
    assert.equal(harness.server.uploads.size, 0);
  });
  await harness.close();
}

Deno.test("a file is what was written, whatever happens in between", async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 8 }), played), { numRuns: RUNS });
});
