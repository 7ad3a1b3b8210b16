/** The example of the page of files, run by the command line. */

import assert from "node:assert/strict";
import { quorus } from "../../scenario/quorus.ts";

Deno.test("file: the example of the page runs as it stands, and once only where the name is taken", async () => {
  const page = new URL("../../../protocols/file/README.md", import.meta.url);
  const example = /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
  const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "quorus-page-" }));
  try {
    const [from, to] = [`${folder}/in`, `${folder}/out`];
    for (const made of [from, to]) await Deno.mkdir(made);
    await Deno.writeTextFile(`${from}/orders.csv`, "1;2\n");
    await Deno.writeTextFile(`${from}/two words.csv`, "3;4\n");
    const modified = new Date("2024-02-29T12:30:15.250Z");
    await Deno.utime(`${from}/orders.csv`, modified, modified);
    const file = `${folder}/page.yaml`;
    await Deno.writeTextFile(file, example);
    const words = ["run", file, "--var", `IN=${from}`, "--var", `OUT=${to}`, "--data"];
    const first = await quorus([...words, `${folder}/one`]);
    assert.equal(first.code, 0, first.out + first.err);
    const [year] = [...Deno.readDirSync(to)].filter(({ isDirectory }) => isDirectory);
    const names = [...Deno.readDirSync(`${to}/${year!.name}`)].map(({ name }) => name);
    assert.deepEqual(names, ["orders.csv"], "the file and nothing left over");
    const { mode, mtime } = await Deno.stat(`${to}/${year!.name}/orders.csv`);
    assert.equal(mode! & 0o777, 0o640);
    assert.equal(mtime!.getTime(), modified.getTime());
    assert.equal(await Deno.readTextFile(`${to}/two words.csv`), "3;4\n");
    const second = await quorus([...words, `${folder}/two`]);
    assert.equal(second.code, 1);
    assert.match(second.out + second.err, /taken|exists/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
