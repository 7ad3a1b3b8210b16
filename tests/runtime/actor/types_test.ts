import assert from "node:assert/strict";
import { readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const misuse = new URL("./type_errors.ts", import.meta.url);

async function check(file: URL): Promise<string> {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", fileURLToPath(file)],
    env: { NO_COLOR: "1" },
  }).output();
  return code === 0 ? "" : new TextDecoder().decode(stderr);
}

Deno.test("the compiler refuses wrong tags, bodies, replies, args and missing handlers", async () => {
  assert.equal(await check(misuse), "");
});

Deno.test("each of these mistakes is an error of its own once its mark is gone", async () => {
  const source = await readFile(misuse, "utf8");
  const marks = source.match(/@ts-expect-error/g)!.length;
  const bare = new URL("./type_errors_bare.ts", import.meta.url);
  await writeFile(bare, source.replaceAll("@ts-expect-error", "an error:"));
  try {
    const errors = (await check(bare)).match(/TS\d+ \[ERROR\]/g)?.length ?? 0;
    assert.ok(errors >= marks, `${errors} errors for ${marks} marks`);
  } finally {
    await rm(bare);
  }
});
