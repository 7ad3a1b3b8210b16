/** Disks that are full or may not be written: a clear message, exit 1, nothing half-written. */

import assert from "node:assert/strict";
import { type OneFile, withOneFile } from "../scenario/one_file.ts";
import { endOf } from "../scenario/quorus.ts";
import { requireMount, withTmpfs } from "./tmpfs.ts";

const MIB = 2 ** 20;
const mountable = requireMount();

/** The destination's folder is a disk of its own. */
async function onDisk(
  { folder }: OneFile,
  sizeMiB: number,
  work: (remount: (options: string) => void) => Promise<void>,
): Promise<void> {
  await Deno.mkdir(`${folder}/files`);
  await withTmpfs(`${folder}/files`, sizeMiB, work);
}

Deno.test({
  name:
    "run: a full disk is exit 1 and says so; with room again the same command finishes the file",
  ...mountable,
  fn: () =>
    withOneFile(48 * MIB, {}, (scene) =>
      onDisk(scene, 32, async (remount) => {
        const full = await scene.start().ended;
        assert.equal(full.code, 1, full.out + full.err);
        const error = endOf(full.out, "large-file")?.error;
        assert.equal(error?.code, "noSpace");
        assert.match(error?.message ?? "", /full|no space|free/i);
        assert.deepEqual(scene.names().filter((name) => !name.startsWith(".quorus-")), []);
        assert.ok(scene.names().length <= 1, scene.names().join());

        remount("size=128m");
        const again = await scene.start().ended;
        assert.equal(again.code, 0, again.out + again.err);
        assert.ok(scene.isRight());
        assert.deepEqual(scene.names(), ["large.bin"]);
      })),
});

Deno.test({
  name: "run: a file system that may only be read is exit 1, says so, and leaves nothing",
  ...mountable,
  fn: () =>
    withOneFile(MIB, {}, (scene) =>
      onDisk(scene, 8, async (remount) => {
        remount("ro");
        const { code, out, err } = await scene.start().ended;
        assert.equal(code, 1, out + err);
        assert.match(endOf(out, "large-file")?.error?.message ?? "", /read-only|EROFS/i);
        assert.deepEqual(scene.names(), []);
      })),
});
