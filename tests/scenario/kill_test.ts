/** A process that is killed at any moment costs a bounded number of bytes and nothing else. */

import assert from "node:assert/strict";
import { type KillReport, playKills, SENT_AGAIN_MAX_BYTES } from "./kills.ts";
import { inFolder } from "./folder.ts";

const MIB = 2 ** 20;
const settings = Deno.env;

Deno.test("run: kill -9 at random moments, and the next run finishes the file from what was kept", async () => {
  const scenario = {
    bytes: Number(settings.get("KILL_MIB") ?? 256) * MIB,
    kills: Number(settings.get("KILL_COUNT") ?? 6),
    seed: Number(settings.get("KILL_SEED") ?? 7),
    throttleBytesPerSecond: 128 * MIB,
  };
  const report = await inFolder((folder) => playKills(scenario, folder));
  assertHarmless(report, scenario.bytes);
  const resumed = report.kills.filter(({ resumedAt }) => resumedAt !== null && resumedAt > 0);
  assert.ok(resumed.length > 0, "no run went on with what an earlier one had kept");
});

function assertHarmless(report: KillReport, size: number): void {
  assert.deepEqual(report.finalName.wrongSizes, [], "a half-written file had the final name");
  const hashes = new Set(report.finalName.versions.map(({ sha256 }) => sha256));
  assert.equal(hashes.size, 1, "different files had the final name");
  assert.ok(report.sha256Right, "the final file is not the source's");
  assert.deepEqual(report.leftBehind, []);
  for (const kill of report.kills) {
    assert.ok(
      kill.sentAgainBytes <= SENT_AGAIN_MAX_BYTES,
      `${kill.sentAgainBytes} bytes were sent again after ${JSON.stringify(kill)}`,
    );
    assert.ok(kill.diskBytes <= size);
  }
}
