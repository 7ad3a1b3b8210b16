import assert from "node:assert/strict";
import { fingerprintChange } from "../../../protocols/fingerprint.ts";
import { fileSource } from "../../../protocols/file/source.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertFails, fetched, NEVER, patterned, readToEnd } from "../../conformance/case.ts";
import { putFile } from "./harness.ts";

const WHOLE = { start: 0, end: null };

async function inDirectory(
  body: (directory: string, env: ReturnType<typeof realEnv>) => Promise<void>,
) {
  const directory = await Deno.makeTempDir();
  const env = realEnv();
  try {
    await body(directory, env);
  } finally {
    env.close();
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test("a directory, a device and a FIFO are refused without being opened or waited for", () =>
  inDirectory(async (directory, env) => {
    const made = await new Deno.Command("mkfifo", { args: [`${directory}/fifo`] }).output();
    assert.ok(made.success);
    for (const path of [directory, "/dev/zero", "/dev/null", `${directory}/fifo`]) {
      const source = fileSource(env.disk, path);
      await assertFails(() => source.stat(NEVER), "nameRefused", path);
      await assertFails(() => source.open(WHOLE, null, NEVER), "nameRefused", path);
    }
  }));

Deno.test("a FIFO that takes a file's place while it is opened is refused", () =>
  inDirectory(async (directory, env) => {
    const path = `${directory}/a`;
    await putFile(env, path, patterned(10));
    const swapping = {
      ...env.disk,
      open: async (...args: Parameters<typeof env.disk.open>) => {
        await Deno.remove(path);
        await new Deno.Command("mkfifo", { args: [path] }).output();
        return await env.disk.open(...args);
      },
    };
    const source = fileSource(swapping, path);
    await assertFails(() => source.open(WHOLE, null, NEVER), "nameRefused", "the FIFO");
  }));

Deno.test("links in a declared path are followed", () =>
  inDirectory(async (directory, env) => {
    await putFile(env, `${directory}/real`, patterned(10));
    await Deno.symlink(`${directory}/real`, `${directory}/link`);
    assert.deepEqual(await fetched(fileSource(env.disk, `${directory}/link`)), patterned(10));
  }));

Deno.test("a file that another takes the place of while it is opened fails with changed", () =>
  inDirectory(async (directory, env) => {
    const path = `${directory}/a`;
    await putFile(env, path, patterned(10, 1));
    const swapping = {
      ...env.disk,
      open: async (...args: Parameters<typeof env.disk.open>) => {
        await putFile(env, path, patterned(10, 2));
        return await env.disk.open(...args);
      },
    };
    await assertFails(() => fileSource(swapping, path).open(WHOLE, null, NEVER), "changed", "open");
  }));

for (
  const [what, act] of [
    ["grown", (path: string) => Deno.writeFile(path, patterned(1), { append: true })],
    ["overwritten", (path: string) => Deno.writeFile(path, patterned(1_000, 2))],
    ["touched", (path: string) => Deno.utime(path, 1, 1)],
    ["truncated and filled up again", async (path: string) => {
      await Deno.truncate(path, 0);
      await Deno.truncate(path, 1_000);
    }],
  ] as const
) {
  Deno.test(`a file that was ${what} in place while it was read does not confirm`, () =>
    inDirectory(async (directory, env) => {
      const path = `${directory}/a`;
      await putFile(env, path, patterned(1_000, 1));
      await Deno.utime(path, 1_000_000_000, 1_000_000_000);
      const source = fileSource(env.disk, path);
      const reader = await source.open(WHOLE, null, NEVER);
      await reader.read(new Uint8Array(10));
      await act(path);
      await readToEnd(reader);
      const change = fingerprintChange(reader.facts.fingerprint, await reader.confirm());
      assert.notEqual(change, null);
      await reader.close();
      const { fingerprint } = reader.facts;
      await assertFails(() => source.open(WHOLE, fingerprint, NEVER), "changed", "resuming");
    }));
}

Deno.test("a file that was removed while it was read fails to confirm with changed", () =>
  inDirectory(async (directory, env) => {
    const path = `${directory}/a`;
    await putFile(env, path, patterned(1_000, 1));
    const reader = await fileSource(env.disk, path).open(WHOLE, null, NEVER);
    await Deno.remove(path);
    assert.deepEqual(await readToEnd(reader), patterned(1_000, 1));
    await assertFails(() => reader.confirm(), "changed", "confirm");
    await reader.close();
  }));

Deno.test("a file that may not be read is denied", () =>
  inDirectory(async (directory, env) => {
    const path = `${directory}/a`;
    await putFile(env, path, patterned(10));
    await Deno.chmod(path, 0);
    // Root may read everything: nothing to see then.
    if (Deno.uid() === 0) return;
    await assertFails(() => fetched(fileSource(env.disk, path)), "denied", "reading");
  }));
