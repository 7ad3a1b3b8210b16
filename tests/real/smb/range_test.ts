/** Files of a real share from their middle on, by smbclient's `reget` and a bound on what it writes. */

import assert from "node:assert/strict";
import { protocolLimits } from "../../../protocols/limits.ts";
import {
  assertBytes,
  failure,
  fetched,
  NEVER,
  patterned,
  sourceOf,
} from "../../conformance/case.ts";
import { requirePrograms } from "../require.ts";
import { smbHarness } from "./harness.ts";

const needs = requirePrograms(["smbd", "smbpasswd", "smbclient", "prlimit"]);

Deno.test({
  name: "smb: a large file goes on from its middle, in pieces that leave nothing behind",
  ...needs,
  async fn() {
    const harness = await smbHarness();
    try {
      const start = 10_000_001;
      const whole = patterned(start + protocolLimits.smbRangeBytes + 5_000_000);
      await harness.source!.put("big", whole);
      const source = sourceOf(harness, harness.source!, "big");
      const { fingerprint } = await source.stat(NEVER);
      const reader = await source.open({ start, end: null }, fingerprint, NEVER);
      const buffer = new Uint8Array(1_048_576);
      let at = start;
      let most = 0;
      for (;;) {
        const count = await reader.read(buffer);
        if (count === 0) break;
        assertBytes(buffer.subarray(0, count), whole.subarray(at, at + count), `from ${at}`);
        at += count;
        most = Math.max(most, blocksOf(harness.samba.folder));
      }
      assert.equal(at, whole.length);
      assert.deepEqual(await reader.confirm(), fingerprint);
      await reader.close();
      assert.ok(
        most > 0 && most <= protocolLimits.smbRangeBytes * 1.1,
        `${most} bytes of the disk`,
      );
      assert.equal(blocksOf(harness.samba.folder), 0);
      await source.close();
    } finally {
      await harness.close();
    }
  },
});

Deno.test({
  name: "smb: parts that end with the file are whole, wherever they begin",
  ...needs,
  async fn() {
    const harness = await smbHarness();
    try {
      const whole = patterned(4 * 1_048_576);
      await harness.source!.put("f", whole);
      const source = sourceOf(harness, harness.source!, "f");
      for (const start of [1, 1_048_576, 3 * 1_048_576, whole.length - 1, whole.length]) {
        const part = await fetched(source, { start, end: null });
        assertBytes(part, whole.subarray(start), `from ${start}`);
      }
      await source.close();
    } finally {
      await harness.close();
    }
  },
});

Deno.test({
  name: "smb: a part of a file that is another one by then is changed",
  ...needs,
  async fn() {
    const harness = await smbHarness();
    try {
      await harness.source!.put("f", patterned(100_000));
      const source = sourceOf(harness, harness.source!, "f");
      const reader = await source.open({ start: 10, end: null }, null, NEVER);
      await harness.source!.put("f", patterned(100_000, 2));
      const error = await failure(() => reader.read(new Uint8Array(10)), "another version");
      assert.equal(error.code, "changed");
      await reader.close();
      assertBytes(
        await fetched(source, { start: 99_990, end: 99_995 }),
        patterned(100_000, 2).subarray(99_990, 99_995),
        "five bytes",
      );
      assert.equal(blocksOf(harness.samba.folder), 0);
      await source.close();
    } finally {
      await harness.close();
    }
  },
});

/** What the pieces in a folder take of the disk; what is hollow takes nothing. */
function blocksOf(folder: string): number {
  let bytes = 0;
  for (const { name } of Deno.readDirSync(folder)) {
    if (name.startsWith("quorus-smb-")) {
      bytes += (Deno.statSync(`${folder}/${name}`).blocks ?? 0) * 512;
    }
  }
  return bytes;
}
