import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { FileSink } from "../../../protocols/file/sink.ts";
import { fileUriOf } from "../../../protocols/file/uri.ts";
import { type CrashKind, simulatedEnv } from "../../../runtime/sim/env.ts";
import { NEVER, patterned, sha256 } from "../../conformance/case.ts";
import { bytesOf, putFile } from "./harness.ts";

const OLD = patterned(5_000, 1);
const NEW = patterned(20_000, 2);

/** How far a writer came before it died. */
interface Progress {
  granted: boolean;
  published: boolean;
  fileId: string | null;
}

async function write(sink: FileSink, replace: boolean, progress: Progress): Promise<void> {
  const file = await sink.create("t", NEVER);
  await file.write(NEW.subarray(0, 12_000), 0);
  await file.write(NEW.subarray(12_000), 12_000);
  progress.fileId = file.fileId;
  progress.granted = true;
  await sink.publish(file, { name: "f", replace, mtimeMs: 1_000, mode: 0o640 });
  progress.published = true;
}

function same(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && Buffer.compare(a, b) === 0;
}

async function crashed(seed: number, kind: CrashKind, replace: boolean): Promise<string> {
  const first = simulatedEnv({ seed, tornWrites: true });
  const { world } = first;
  const directory = replace ? "/data" : "/data/new";
  await world.complete((async () => {
    await first.disk.makeDirectory("/data");
    await first.disk.syncDirectory("/");
    if (replace) await putFile(first, "/data/f", OLD);
    if (replace) await (await first.disk.open("/data/f", { write: true })).sync();
    await first.disk.syncDirectory("/data");
  })());
  const endpoint = { uri: fileUriOf(`${directory}/f`), createDirectories: true, sync: true };
  const progress: Progress = { granted: false, published: false, fileId: null };
  const sink = new FileSink({ ...endpoint, root: "/data" }, first);
  write(sink, replace, progress).catch((thrown) => assert.fail(String(thrown)));
  await world.pass(world.random.next() * 25);
  first.crash(kind);
  const env = first.restart();
  return await world.complete((async () => {
    const final = await bytesOf(env, `${directory}/f`);
    const isNew = same(final, NEW);
    assert.ok(isNew || (replace ? same(final, OLD) : final === null), "old or new, never between");
    if (progress.published) assert.ok(isNew, "what was reported as published is there");
    if (!progress.granted) return "not granted";
    const expected = { name: "f", size: NEW.length, sha256: sha256(NEW) };
    const again = new FileSink({ ...endpoint, root: "/data" }, env);
    const { fileId } = progress;
    const answer = await again.probe("t", { ...expected, fileId });
    // Before its name is durable a granted file may be lost as a whole; then nobody can tell.
    if (answer !== "unknown") assert.equal(answer, isNew ? "published" : "unpublished");
    else assert.ok(!isNew && kind === "power");
    return answer;
  })());
}

for (const kind of ["process", "power"] as const) {
  for (const replace of [true, false]) {
    const how = replace ? "replacing" : "not replacing";
    Deno.test(`a ${kind} crash while ${how} leaves the old file or the whole new one`, async () => {
      const seen = new Map<string, number>();
      for (let seed = 1; seed <= 150; seed++) {
        const answer = await crashed(seed, kind, replace);
        seen.set(answer, (seen.get(answer) ?? 0) + 1);
      }
      for (const answer of ["not granted", "unpublished", "published"]) {
        assert.ok(seen.has(answer), `${answer} was never reached: ${[...seen]}`);
      }
    });
  }
}
