/** The demo does what its first page says, as a program of its own with narrow permissions. */

import assert from "node:assert/strict";
import { dirname, resolve } from "node:path";
import { inFolder } from "../scenario/folder.ts";

const REPOSITORY = resolve(import.meta.dirname ?? ".", "../..");

/** With the permissions that it needs: the folder above the one that it makes, loopback, a sub-process. */
async function demo(folder: string): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-read",
      `--allow-write=${dirname(folder)}`,
      "--no-prompt",
      "--allow-net=127.0.0.1",
      "--allow-run",
      "examples/demo/demo.ts",
      folder,
    ],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stderr) + decoder.decode(stdout) };
}

Deno.test("the demo moves, resumes, skips by condition, verifies, and leaves the files", async () => {
  await inFolder(async (folder) => {
    const { code, text } = await demo(`${folder}/new/demo`);
    assert.equal(code, 0, text);
    assert.match(text, /photos: attempt 1 failed: .* the connection ended after 104857600 of/);
    assert.match(text, /photos: resumed, \d+\.\d MiB kept/);
    assert.match(text, /everything: skipped: its condition is false/);
    assert.match(text, /5 of 6 succeeded, 1 skipped/);
    assert.equal(text.match(/ right$/gm)?.length, 5, text);
    assert.doesNotMatch(text, /WRONG/);
    const [, files = ""] = /^The files are in (.*)$/m.exec(text) ?? [];
    assert.equal(Deno.statSync(`${files}/media/photos.bin`).size, 160 * 2 ** 20);
    assert.throws(() => Deno.statSync(`${files}/everything.bin`), Deno.errors.NotFound);
    const names = [...Deno.readDirSync(`${files}/media`)].map(({ name }) => name).sort();
    assert.deepEqual(names, ["photos.bin", "videos.bin"]);
  });
});
