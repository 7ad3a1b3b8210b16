import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const misuse = new URL("./type_errors.ts", import.meta.url);
const root = new URL("../../../", import.meta.url);

async function check(path: string): Promise<string> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--config", fileURLToPath(new URL("deno.json", root)), path],
    env: { NO_COLOR: "1" },
  }).output();
  return code === 0 ? "" : new TextDecoder().decode(stderr);
}

Deno.test("the compiler refuses wrong tags, bodies, replies, args and missing handlers", async () => {
  assert.equal(await check(fileURLToPath(misuse)), "");
});

Deno.test("each of these mistakes is an error of its own once its mark is gone", async () => {
  const source = await readFile(misuse, "utf8");
  const marks = source.match(/@ts-expect-error/g)!.length;
  const folder = await mkdtemp(join(tmpdir(), "quorus-types-"));
  try {
    const bare = join(folder, "type_errors_bare.ts");
    const text = source.replaceAll("@ts-expect-error", "an error:");
    await writeFile(bare, text.replaceAll("../../../", root.href));
    const errors = (await check(bare)).match(/TS\d+ \[ERROR\]/g)?.length ?? 0;
    assert.ok(errors >= marks, `${errors} errors for ${marks} marks`);
  } finally {
    await rm(folder, { recursive: true });
  }
});
