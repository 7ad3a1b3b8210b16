/** A set whose process is killed at any moment: the next run does what is left, and only that. */

import assert from "node:assert/strict";
import { inFolder } from "./folder.ts";
import { endOf, quorus, startQuorus } from "./quorus.ts";

const FILES = 1_500;
const KILLED_AT = [50, 400, 900];

Deno.test("copy of a directory: kill -9 in its middle, and every file is published once", async () => {
  await inFolder(async (folder) => {
    const source = `${folder}/in`;
    const destination = `${folder}/out`;
    const expected = await fill(source);
    const args = ["copy", `${source}/`, `${destination}/`, "--data", `${folder}/data`];
    const first = new Map<string, number>();
    for (const count of KILLED_AT) {
      const run = startQuorus(args);
      await untilThere(destination, count, run.ended);
      run.kill("SIGKILL");
      await run.ended;
      await note(destination, first);
    }
    assert.ok(first.size >= KILLED_AT.at(-1)!);
    const { code, out, err } = await quorus([...args, "--json"]);
    assert.equal(code, 0, err);
    const { receipt } = endOf(out, "in")!;
    const { files } = receipt as unknown as { files: Record<string, number> };
    assert.equal(files["failed"], 0);
    const found = await contents(destination);
    assert.deepEqual(found, expected);
    const last = new Map<string, number>();
    await note(destination, last);
    for (const [path, inode] of first) {
      assert.equal(last.get(path), inode, `${path} was published again`);
    }
  });
});

async function fill(folder: string): Promise<Map<string, string>> {
  const expected = new Map<string, string>();
  for (let n = 0; n < FILES; n++) {
    const path = `d${n % 12}/e${n % 5}/file ${n}.txt`;
    await Deno.mkdir(`${folder}/d${n % 12}/e${n % 5}`, { recursive: true });
    const text = `${n} `.repeat(n % 200);
    await Deno.writeTextFile(`${folder}/${path}`, text);
    expected.set(path, text);
  }
  return sorted(expected);
}

function sorted(map: Map<string, string>): Map<string, string> {
  return new Map([...map].sort(([a], [b]) => a < b ? -1 : 1));
}

async function contents(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const path of pathsBelow(folder)) {
    found.set(path, await Deno.readTextFile(`${folder}/${path}`));
  }
  return sorted(found);
}

/** The inode of each file that has its final name. */
async function note(folder: string, inodes: Map<string, number>): Promise<void> {
  for await (const path of pathsBelow(folder)) {
    if (path.includes(".quorus-")) continue;
    const { ino } = await Deno.lstat(`${folder}/${path}`);
    inodes.set(path, ino ?? 0);
  }
}

async function* pathsBelow(folder: string, below = ""): AsyncIterable<string> {
  for await (const { name, isDirectory } of Deno.readDir(`${folder}/${below}`)) {
    if (isDirectory) yield* pathsBelow(folder, `${below}${name}/`);
    else yield below + name;
  }
}

/** Looks until so many files have their final names. */
async function untilThere(folder: string, count: number, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => isOver = true);
  while (!isOver) {
    let seen = 0;
    try {
      for await (const path of pathsBelow(folder)) if (!path.includes(".quorus-")) seen += 1;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
    if (seen >= count) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
  }
}
