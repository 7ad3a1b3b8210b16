/** The module of the Workers in workers_test.ts: files, and calls that end the thread when told to. */

import { existsSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { serveAttempts } from "../../../actors/agent/workers/serve.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { intercepted } from "../../../protocols/wrappers/intercept.ts";
import { realEnv } from "../../../runtime/env/real.ts";

/** What a test tells the Workers. */
export interface TestOwn {
  /**
   * A file: whoever finds it removes it, and has its thread end while it reads for the second time. What
   * stands in it says how: `reject`, or `linger`: its port is lost, and it works on for as many ms as the
   * file says behind that, writing to `witness`.
   */
  readonly deadly: string;
  readonly witness: string;
  /** While there is such a file, every read but the first ones waits. */
  readonly pause: string;
}

/** Reads of 1 MiB that a pause lets through: some of them are in a checkpoint then. */
const BEFORE_PAUSE = 10;

function isTold(path: string): string | null {
  try {
    const text = Deno.readTextFileSync(path);
    Deno.removeSync(path);
    return text;
  } catch {
    return null;
  }
}

function endThread(how: string, witness: string): void {
  if (how === "reject") return void Promise.reject(new Error("a bug of this test"));
  parentPort!.postMessage({ type: "gone" });
  const endMs = Date.now() + Number(how.split(" ")[1]);
  while (Date.now() < endMs) Deno.writeTextFileSync(witness, "x", { append: true });
  parentPort!.close();
  void Promise.reject(new Error("a bug of this test"));
}

async function paused(path: string): Promise<void> {
  while (existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 5));
}

function deadly({ deadly, witness, pause }: TestOwn) {
  let reads = 0;
  return intercepted(fileProtocol(), {
    around: async (call, go) => {
      if (call.side === "source" && call.operation === "read" && ++reads > 1) {
        if (reads > BEFORE_PAUSE) await paused(pause);
        const how = isTold(deadly);
        if (how !== null) {
          endThread(how, witness);
          await new Promise<never>(() => {});
        }
      }
      return await go();
    },
  });
}

const nobody = () => Promise.reject(new Error("no secrets here"));
await serveAttempts(realEnv({ log: { write: () => {} } }), (own) => ({
  protocols: protocolRegistry([deadly(own as TestOwn)]),
  secrets: { secret: nobody, env: nobody, file: nobody },
}));
