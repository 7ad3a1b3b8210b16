/** Going on with a temporary file that nobody can read before it is published. */

import assert from "node:assert/strict";
import { ProtocolError } from "../../../protocols/errors.ts";
import { CHUNK, Rig, sha256, withParts } from "./rig.ts";

const SIZE = 10 * CHUNK + 300;
const UNREAD = {
  sink: { fence: "conditional", readBack: false, randomWrites: false },
} as const;

/** A rig whose first attempt has lost its source at a chosen byte. */
async function interrupted(at: number) {
  let isCut = true;
  const rig: Rig = new Rig({
    to: "memory",
    sink: UNREAD,
    before: (call, self) => {
      if (!isCut || call.operation !== "read" || call.side !== "source" || self.fetched < at) {
        return;
      }
      isCut = false;
      throw new ProtocolError("unreachable", "the line broke");
    },
  });
  const bytes = rig.put(SIZE);
  const job = await rig.attempt();
  assert.equal(job.state, "retrying", job.why);
  return { rig, bytes };
}

function written(rig: Rig): number {
  const writes = rig.sink.history.filter(({ operation }) => operation === "write");
  return writes.reduce((sum, { size }) => sum + size, 0);
}

Deno.test("what was written is not written again; the source is read again for the hash", async () => {
  for (const at of [3 * CHUNK + 5, 8 * CHUNK]) {
    const { rig, bytes } = await interrupted(at);
    const before = written(rig);
    const job = await rig.attempt();
    assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
    assert.deepEqual(await rig.published(), bytes);
    assert.ok(job.receipt!.keptBytes >= at - 2 * CHUNK, `${job.receipt!.keptBytes} kept`);
    assert.equal(written(rig) - before, SIZE - job.receipt!.keptBytes);
    assert.deepEqual(await rig.temporaries(), []);
  }
});

Deno.test("a source whose bytes have changed under the same version is fetched anew", async () => {
  const { rig, bytes } = await interrupted(8 * CHUNK);
  for (const { bytes: held } of rig.source.files.values()) held[5] = held[5]! ^ 1;
  bytes[5] = bytes[5]! ^ 1;
  const job = await rig.attempt();
  assert.equal(job.receipt?.sha256, sha256(bytes), job.why);
  assert.equal(job.receipt!.keptBytes, 0);
  assert.deepEqual(await rig.published(), bytes);
});

Deno.test("what stands at the destination is replaced and not skipped where nobody can read it", async () => {
  const spec = withParts({ destination: { conflict: "skip" } });
  const rig = new Rig({ to: "memory", sink: UNREAD, spec });
  const bytes = rig.put(SIZE);
  const { mtimeMs } = [...rig.source.files.values()][0]!;
  await rig.place("/out/to", bytes, mtimeMs);
  const job = await rig.attempt();
  assert.equal(job.receipt?.outcome, "published", job.why);
});
