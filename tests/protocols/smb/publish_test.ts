/** Publishing that is cut between its steps, and files that change under a reader. */

import assert from "node:assert/strict";
import type { Sink, SinkFile } from "../../../protocols/contract.ts";
import {
  assertBytes,
  assertFails,
  failure,
  fetched,
  NEVER,
  patterned,
  sha256,
  sinkOf,
} from "../../conformance/case.ts";
import { paperHarness, paperSource } from "./paper_harness.ts";

const BYTES = patterned(3_000);
const EXPECTED = { name: "final", size: BYTES.length, sha256: sha256(BYTES), fileId: null };

/** A share whose server fails with the status of a command, as long as one is set. */
async function failing(
  body: (
    harness: ReturnType<typeof paperHarness>,
    sink: Sink,
    failures: Map<string, string>,
  ) => Promise<void>,
): Promise<void> {
  const failures = new Map<string, string>();
  const harness = paperHarness({ answer: (verb) => failures.get(verb) ?? null });
  await harness.run!(() => body(harness, sinkOf(harness, harness.sink!, "final"), failures));
  await harness.close();
}

async function written(sink: Sink): Promise<SinkFile> {
  const file = await sink.create("t.part", NEVER);
  await file.write(BYTES, 0);
  return file;
}

function publish(sink: Sink, file: SinkFile, replace: boolean) {
  return sink.publish(file, { name: "final", replace, mtimeMs: null, mode: null });
}

Deno.test("smb: cut after the rename, the file is published, and the probe takes the rest away", () =>
  failing(async (harness, sink, failures) => {
    failures.set("rmdir", "NT_STATUS_ACCESS_DENIED removing remote directory file x\n");
    assert.equal((await publish(sink, await written(sink), true)).size, BYTES.length);
    assert.ok(harness.share.at("\\data\\t.part") !== null, "an empty directory is left over");
    failures.clear();
    assert.equal(await sink.probe("t.part", EXPECTED), "published");
    assert.equal(harness.share.at("\\data\\t.part"), null);
  }));

Deno.test("smb: cut between the two steps of publishing without replacing, the probe finishes it", () =>
  failing(async (harness, sink, failures) => {
    failures.set("del", "NT_STATUS_SHARING_VIOLATION deleting remote file x\n");
    const file = await written(sink);
    const error = await failure(() => publish(sink, file, false), "the second step");
    assert.equal(error.definite, false, "it may be published, and is");
    failures.clear();
    assert.equal(await sink.probe("t.part", EXPECTED), "published");
    assertBytes(harness.share.at("\\data\\final")!.bytes, BYTES, "the final file");
    assert.equal(harness.share.at("\\data\\t.part"), null);
  }));

Deno.test("smb: a seizure that meets an open file is tried again, and nothing is lost", () =>
  failing(async (_, sink, failures) => {
    await (await written(sink)).sync();
    failures.set("rename", "NT_STATUS_SHARING_VIOLATION renaming files x -> y \n");
    const error = await failure(() => sink.seize("t.part", "s.part"), "an open file");
    assert.equal(error.code, "io");
    assert.ok(error.retryable && error.definite);
    failures.clear();
    assert.equal(await sink.seize("t.part", "s.part"), true);
    assert.equal(await sink.probe("s.part", EXPECTED), "unpublished");
  }));

Deno.test("smb: a file that grows or shrinks between the look and the reading is changed", async () => {
  for (const size of [BYTES.length + 1, BYTES.length - 1, 0]) {
    const harness = paperHarness({
      answer: (verb) => {
        if (verb === "get") harness.share.put("\\data\\f", patterned(size));
        return null;
      },
    });
    harness.share.put("\\data\\f", BYTES);
    await harness.run!(async () => {
      const source = paperSource(harness, "f");
      await assertFails(() => fetched(source), ["changed", "tooLong"], `${size} bytes`);
    });
    await harness.close();
  }
});

Deno.test("smb: below a root no junction is passed, whether it is written or asked", () =>
  failing(async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "in/out/f", { root: "/share/data" });
    harness.share.put("\\data\\in\\out\\g", BYTES);
    harness.share.links.add("out");
    await assertFails(() => sink.create("t.part", NEVER), "escapes", "create");
    await assertFails(() => sink.stat("g", NEVER), "escapes", "stat");
    await assertFails(() => sink.abort("t.part"), "escapes", "abort");
    assert.ok(harness.share.commands.every((command) => command.startsWith("ls ")));
    const declared = sinkOf(harness, harness.sink!, "in/out/f", { root: "/share/data/in/out" });
    assert.equal((await declared.stat("g", NEVER))?.size, BYTES.length);
  }));

Deno.test("smb: where no program can be bounded, or no folder is, only whole files are promised", async () => {
  for (const [quirks, folder] of [[{ hasNoLimits: true }, "/"], [{}, null]] as const) {
    const harness = paperHarness(quirks, folder);
    harness.share.put("\\data\\f", BYTES);
    await harness.run!(async () => {
      const source = paperSource(harness, "f");
      assert.equal((await source.stat(NEVER)).ranges, false);
      assertBytes(await fetched(source), BYTES, "the whole file");
      await assertFails(
        () => fetched(source, { start: 1, end: null }),
        "rangeNotSupported",
        "a part",
      );
    });
    await harness.close();
  }
});
