/** The folder of the runs' own state is on a full disk. */

import assert from "node:assert/strict";
import { inFolder, namesIn, writeFiles } from "../cli/folder.ts";
import { quorus } from "../cli/memory_process.ts";
import { requireMount, withTmpfs } from "./tmpfs.ts";

const KIB = 1_024;
const mountable = requireMount();

/** `quorus copy small to`, its state on a disk of 1 MiB with so many bytes free. */
async function copyWithRoom(
  freeBytes: number,
): Promise<{ code: number; text: string; names: string[] }> {
  const seen = { code: -1, text: "", names: [""] };
  await inFolder(async (cwd) => {
    Deno.mkdirSync(`${cwd}/disk`);
    await withTmpfs(`${cwd}/disk`, 1, async () => {
      writeFiles(cwd, { small: "x", "disk/ballast": new Uint8Array(2 ** 20 - freeBytes) });
      const { code, out, err } = await quorus(["copy", "small", "to", "--data", "disk/data"], {
        cwd,
      });
      Object.assign(seen, { code, text: out + err, names: namesIn(cwd) });
    });
  });
  return seen;
}

Deno.test({
  name: "a data folder without room for the run's log is told in one line before anything moves",
  ...mountable,
  fn: async () => {
    const { code, text, names } = await copyWithRoom(0);
    assert.equal(code, 1);
    assert.match(
      text,
      /^quorus: cannot write .*: the file system is full .*; free space there.*\n$/,
    );
    assert.deepEqual(names, ["disk", "small"]);
  },
});

Deno.test({
  name: "a file that needs no checkpoint arrives although there is no room for one",
  ...mountable,
  fn: async () => {
    const { code, text, names } = await copyWithRoom(44 * KIB);
    assert.equal(code, 0, text);
    assert.deepEqual(names, ["disk", "small", "to"]);
  },
});
