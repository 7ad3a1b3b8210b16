/** Workers and the connection to them. */

import assert from "node:assert/strict";
import { realEnv } from "../../../runtime/env/real.ts";
import { SocketError } from "../../../runtime/env/errors.ts";
import type { WorkerHandle } from "../../../runtime/env/sockets.ts";
import { SocketRecorder } from "./socket_recorder.ts";

const MODULE = new URL("./socket_thread.ts", import.meta.url).href;
const bytes = (said: string) => new TextEncoder().encode(said);
const text = (frame: Uint8Array | undefined) => new TextDecoder().decode(frame);

interface Started {
  readonly worker: WorkerHandle;
  readonly recorder: SocketRecorder;
  readonly log: string[];
}

function workerTest(name: string, body: (started: Started) => Promise<void>): void {
  Deno.test(name, async () => {
    const log: string[] = [];
    const env = realEnv({
      log: { write: (level, message, facts) => log.push(JSON.stringify([level, message, facts])) },
    });
    const worker = env.workers.start(MODULE, { name: "w-1" });
    const recorder = new SocketRecorder(worker.socket);
    try {
      await body({ worker, recorder, log });
    } finally {
      worker.terminate();
      await recorder.ended();
      env.close();
    }
  });
}

Deno.test("there is no parent where nobody started us", () => {
  const env = realEnv();
  assert.equal(env.workers.parent, null);
  env.close();
});

workerTest("a worker answers what was sent before it ran", async ({ worker, recorder }) => {
  worker.socket.send(bytes("hello"));
  await recorder.received(1);
  assert.equal(text(recorder.frames[0]), "starter of worker w-1 true hello");
  assert.deepEqual(worker.socket.peer, {
    address: "worker w-1",
    encrypted: false,
    own: true,
    certificate: null,
  });
});

workerTest(
  "an Env works in a worker: hash threads, timers, turns",
  async ({ worker, recorder }) => {
    worker.socket.send(bytes("use env"));
    await recorder.received(1);
    assert.match(text(recorder.frames[0]), /^ba7816bf/); // FIPS 180-4, appendix B.1
  },
);

workerTest("a worker closes with code and reason, and both agree", async (started) => {
  started.worker.socket.send(bytes("close"));
  assert.deepEqual(await started.recorder.ended(), { code: 4_100, reason: "as ordered" });
  assert.deepEqual(started.log, []);
});

workerTest("its starter closes with code and reason, and both agree", async (started) => {
  started.worker.socket.close(4_200, "go");
  assert.deepEqual(await started.recorder.ended(), { code: 4_200, reason: "go" });
  assert.deepEqual(started.log, []);
});

workerTest("a worker that throws ends its socket with 1006 and a log", async (started) => {
  started.worker.socket.send(bytes("throw"));
  assert.equal((await started.recorder.ended()).code, 1006);
  assert.equal(started.log.length, 1);
  assert.match(started.log[0]!, /"error","a worker failed",.*w-1.*as ordered/);
});

workerTest("a worker that ends by itself ends its socket with 1006 and a log", async (started) => {
  started.worker.socket.send(bytes("exit"));
  assert.equal((await started.recorder.ended()).code, 1006);
  assert.match(started.log[0]!, /"error","a worker ended without a goodbye",.*w-1.*"code":3/);
});

workerTest("terminate ends its socket with 1006 and is no failure", async (started) => {
  started.worker.terminate();
  started.worker.terminate();
  assert.equal((await started.recorder.ended()).code, 1006);
  assert.deepEqual(started.log, []);
});

Deno.test("a worker without a module ends with 1006 and a log", async () => {
  const log: string[] = [];
  const env = realEnv({ log: { write: (_level, message) => log.push(message) } });
  const nowhere = new URL("./no_such_module.ts", import.meta.url).href;
  const worker = env.workers.start(nowhere, { name: "w-2" });
  assert.equal((await new SocketRecorder(worker.socket).ended()).code, 1006);
  assert.deepEqual(log, ["a worker failed"]);
  assert.throws(
    () => env.workers.start("relative.ts", { name: "w-3" }),
    (error) => error instanceof SocketError && /w-3.*absolute URL/.test(error.message),
  );
  env.close();
});
