/** The demo does what the README says, as a program of its own with narrow permissions. */

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

Deno.test("the demo loses a connection, its leader and an agent, and every file is right and published once", async () => {
  await inFolder(async (folder) => {
    const { code, text } = await demo(`${folder}/new/demo`);
    assert.equal(code, 0, text);
    const [, table = ""] = text.split("What happened when:");
    assert.match(table, /submitted demo\.yaml: 6 transfers/);
    assert.match(table, /photos: the server has cut its connection/);
    assert.match(table, /photos resumed: 16\.0 MiB kept/);
    const [, leader] = /kill -9 (c\d): the controller that leads/.exec(table) ?? [];
    const [, next] = /(c\d) leads, \d+ ms later/.exec(table) ?? [];
    assert.ok(leader !== undefined && next !== undefined && leader !== next, table);
    const [, agent] = /kill -9 (a\d): the agent that moves .*videos/.exec(table) ?? [];
    const [, other] = /videos is on (a\d), \d+\.\d s later/.exec(table) ?? [];
    assert.ok(agent !== undefined && other !== undefined && agent !== other, table);
    assert.match(table, /videos resumed: \d+(\.\d)? (Mi)?B kept/);
    assert.match(table, /the run has succeeded/);
    assert.match(text, /everything was skipped: its condition is false/);
    assert.equal(text.match(/ right$/gm)?.length, 5, text);
    assert.doesNotMatch(text, /WRONG|TIMES/);
    const [, files = ""] = /^The files are in (.*);/m.exec(text) ?? [];
    assert.equal(Deno.statSync(`${files}/media/photos.bin`).size, 96 * 2 ** 20);
    assert.deepEqual(namesIn(`${folder}/new/demo`), ["files"], "all else is removed");
    assert.deepEqual(namesIn(files), ["index.bin", "media", "orders.bin", "report.bin"]);
    assert.deepEqual(namesIn(`${files}/media`), ["photos.bin", "videos.bin"]);
    const left = new Deno.Command("pgrep", { args: ["-f", folder] }).outputSync();
    assert.equal(new TextDecoder().decode(left.stdout), "", "no process is left");
  });
});

function namesIn(folder: string): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
