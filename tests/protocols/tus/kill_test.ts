/** SIGKILL of the program in the middle of an upload by tus; the next run goes on, and it is the same file. */

import assert from "node:assert/strict";
import { assertBytes, patterned } from "../../conformance/case.ts";
import { quorus, startQuorus } from "../../scenario/quorus.ts";
import { startTusServer } from "../../servers/tus_server.ts";

const SIZE = 80 * 2 ** 20 + 12_345;
/** By then a checkpoint has been written, and more was sent since. */
const KILLED_AT = 52 * 2 ** 20;

Deno.test("an upload whose program was killed goes on where the server says it ended", async () => {
  const tus = await startTusServer();
  const folder = await Deno.makeTempDir({ prefix: "quorus-tus-kill-" });
  try {
    const bytes = patterned(SIZE);
    await Deno.writeFile(`${folder}/source.bin`, bytes);
    await Deno.writeTextFile(
      `${folder}/w.yaml`,
      `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: kill}
spec:
  source: {path: "${folder}/source.bin"}
  destination: {uri: "${tus.url}", options: {upload: tus, name: whole.bin, urls: "${folder}/urls"}}
  transfer: {chunkSize: 1MiB}
`,
    );
    const words = ["run", `${folder}/w.yaml`, "--data", `${folder}/data`, "--json"];
    const first = startQuorus([...words, "--max-rate", "32MB"]);
    await grown(tus.folder, first.ended);
    first.kill("SIGKILL");
    await first.ended;
    const before = tus.requests.length;
    const second = await quorus(words);
    assert.equal(second.code, 0, second.out + second.err);
    const [uploaded, ...more] = await tus.complete();
    assertBytes(uploaded!.bytes, bytes, "the upload");
    assert.equal(more.length, 0);
    const kept = Number([...second.out.matchAll(/"keptBytes":(\d+)/g)].at(-1)?.[1]);
    assert.ok(kept >= 24 * 2 ** 20, `${kept} bytes were kept`);
    const sent = tus.requests.slice(before).filter(({ method }) => method === "PATCH")
      .reduce((sum, { headers }) => sum + Number(headers.get("content-length")), 0);
    assert.ok(sent <= SIZE - KILLED_AT + 1, `${sent} bytes were sent again`);
  } finally {
    await tus.close();
    await Deno.remove(folder, { recursive: true });
  }
});

async function grown(folder: string, ended: Promise<unknown>): Promise<void> {
  let isOver = false;
  void ended.then(() => isOver = true);
  for (let attempt = 0; attempt < 3_000 && !isOver; attempt += 1) {
    for (const { name } of Deno.readDirSync(folder)) {
      const info = await Deno.lstat(`${folder}/${name}`).catch(() => null);
      if (info !== null && info.size >= KILLED_AT) return;
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail(`it never came to its middle: ${JSON.stringify(await ended)}`);
}
