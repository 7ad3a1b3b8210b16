/** What makes the disk for mounts worth its price: a call that hangs stops nobody else. */

import assert from "node:assert/strict";
import { mountedDisk } from "../../../runtime/env/real/mounted_disk.ts";

async function withFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-mounted-" });
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("a call that hangs leaves the process going: opening a FIFO waits on a thread of its own", () =>
  withFolder(async (folder) => {
    await new Deno.Command("mkfifo", { args: [`${folder}/fifo`] }).output();
    // Nobody writes to it yet: as a mount whose server does not answer, it never returns.
    const hanging = mountedDisk.open(`${folder}/fifo`, { read: true });
    assert.equal(await mountedDisk.stat(`${folder}/none`), null);
    const writer = await Deno.open(`${folder}/fifo`, { write: true });
    const file = await hanging;
    assert.equal((await file.stat()).kind, "other");
    writer.close();
    await file.close();
  }));

Deno.test("a mode is that of the file that is open, and never given through a link", () =>
  withFolder(async (folder) => {
    const [path, other] = [`${folder}/file`, `${folder}/other`];
    await Deno.writeTextFile(other, "kept", { mode: 0o600 });
    const file = await mountedDisk.open(path, { write: true, createNew: true, mode: 0o600 });
    await Deno.remove(path);
    await Deno.symlink(other, path);
    await assert.rejects(file.setMode(0o666), { code: "symlink" });
    await Deno.remove(path);
    await Deno.writeTextFile(path, "another", { mode: 0o600 });
    await assert.rejects(file.setMode(0o666), { code: "notFound" });
    await file.close();
    for (const seen of [path, other]) assert.equal((await Deno.stat(seen)).mode! & 0o777, 0o600);
  }));
