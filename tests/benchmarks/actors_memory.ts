/** Prints the heap bytes of one idle actor that has handled a message; run with `--expose-gc`. */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import { startNode } from "../../runtime/actor/node.ts";
import { ask, protocol } from "../../runtime/actor/protocol.ts";
import { realEnv } from "../../runtime/env/real.ts";

const ACTORS = 100_000;
const Idle = protocol("bench.idle", {
  version: 1,
  messages: { ping: ask(z.object({}), z.null()) },
});
const idle = actor(Idle, { state: () => ({ count: 0 }), on: { ping: () => null } });

function heapBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) throw new Error("run with --v8-flags=--expose-gc");
  collect();
  collect();
  return Deno.memoryUsage().heapUsed;
}

const env = realEnv({ log: { write: () => {} } });
const node = startNode(env, { id: "bench" });
const warm = node.spawn(idle, { name: "warm" });
await warm.ask("ping", {});
const before = heapBytes();
for (let index = 0; index < ACTORS; index += 1) {
  const ref = node.spawn(idle, { name: `actor-${index}` });
  if (index % 1_000 === 0) await ref.ask("ping", {});
}
await new Promise((resolve) => setTimeout(resolve, 0));
const bytes = (heapBytes() - before) / ACTORS;
await node.stop();
env.close();
await Deno.stdout.write(new TextEncoder().encode(`${bytes}\n`));
