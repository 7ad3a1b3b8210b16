/** What only a real machine has: devices, FIFOs, other processes, threads. */

import assert from "node:assert/strict";
import type { DiskErrorCode } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import { diskError } from "../../../runtime/env/real/disk_errors.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { REAL, suiteTest } from "./subject.ts";

function failsWith(code: DiskErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof DiskError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

suiteTest(REAL, "a full device is noSpace, with what to do", async ({ env }) => {
  const file = await env.disk.open("/dev/full", { write: true });
  await assert.rejects(file.write(new Uint8Array(10), 0), (error) => {
    assert.match((error as Error).message, /write \/dev\/full.*full.*free space/);
    return failsWith("noSpace")(error);
  });
  await file.close();
});

suiteTest(
  REAL,
  "opening a FIFO that took a file's place does not block",
  async ({ env, directory }) => {
    const path = `${directory}/fifo`;
    await new Deno.Command("mkfifo", { args: [path] }).output();
    const file = await env.disk.open(path, { read: true });
    assert.equal((await file.stat()).kind, "other");
    await file.close();
    await assert.rejects(env.disk.open(path, { write: true }), DiskError);
  },
);

suiteTest(REAL, "closing waits for a read under way", async ({ env, directory }) => {
  const file = await env.disk.open(`${directory}/a`, { read: true, write: true, create: true });
  await file.write(new Uint8Array(1_000_000).fill(5), 0);
  const into = new Uint8Array(1_000_000);
  const reading = file.read(into, 0);
  await file.close();
  assert.ok(into.subarray(0, await reading).every((byte) => byte === 5));
});

Deno.test("real: each errno has its code, whether named or numbered", () => {
  const named = (code: string) => Object.assign(new Error("x"), { code });
  const cases: readonly [unknown, DiskErrorCode][] = [
    [named("EDQUOT"), "noSpace"],
    [named("EPERM"), "denied"],
    [named("EROFS"), "readOnly"],
    [named("EXDEV"), "crossDevice"],
    [named("EMFILE"), "io"],
    [new Error("No space left on device (os error 28)"), "noSpace"],
    [new Error("Too many levels (os error 40)"), "symlink"],
    [new Deno.errors.NotCapable("no"), "denied"],
    ["odd", "io"],
  ];
  for (const [thrown, code] of cases) assert.equal(diskError("open x", thrown).code, code);
});

Deno.test("real: the lock of a process killed with SIGKILL is free", async () => {
  const directory = Deno.makeTempDirSync();
  const path = `${directory}/lock`;
  const program = `const f = Deno.openSync(${JSON.stringify(path)}, { create: true, write: true });
    console.log(f.tryLockSync(true)); setInterval(() => {}, 1000);`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /true/);
  const env = realEnv();
  assert.equal(await env.disk.tryLock(path), null);
  child.kill("SIGKILL");
  await child.status;
  await reader.cancel();
  const lock = await env.disk.tryLock(path);
  assert.notEqual(lock, null);
  await lock?.release();
  env.close();
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("real: closing an Env rejects hashing under way and refuses new lanes", async () => {
  const env = realEnv();
  const block = { bytes: new Uint8Array(1_000_000) };
  const lane = env.hash.lane();
  const feeding = lane.feed(block, 1_000_000);
  env.close();
  await assert.rejects(feeding, /Env was closed/);
  await assert.rejects(
    (async () => await env.hash.lane().feed(block, 1_000_000))(),
    /Env was closed/,
  );
});
