/**
 * A rate limiter, one actor per key: run it with `deno run -A examples/08_rate_limiter.ts`.
 *
 * 1. Each key has a token bucket of its own, a child that is started when the key first comes.
 * 2. A bucket that nobody asks for a while is full again, so it is stopped: memory is for those who come.
 * 3. Who asks says how long it can wait. A limiter that is late must not make its users late.
 */

import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { actor, ActorError, ask, protocol, type Ref, startNode, tell } from "@quorus/quorus";

const BURST = 2;
const REFILL_MS = 400; // one token each
const IDLE_MS = BURST * REFILL_MS; // then a bucket is full, and a new one is no gift
const MOST_KEYS = 10_000;

const Verdict = z.object({ allowed: z.boolean(), retryAfterMs: z.number() });
const Bucket = protocol("example.bucket", {
  version: 1,
  messages: { take: ask(z.object({}), Verdict) },
});
const Limiter = protocol("example.limiter", {
  version: 1,
  messages: {
    take: ask(z.object({ key: z.string() }), Verdict),
    idle: tell(z.object({ key: z.string() })),
  },
});

const bucket = actor(Bucket, {
  state: (_args, ctx) => ({ tokens: BURST, atMs: ctx.env.clock.monotonic() }),
  on: {
    take: (state, _body, ctx) => {
      const nowMs = ctx.env.clock.monotonic(); // never Date.now: tests run this on virtual time
      state.tokens = Math.min(BURST, state.tokens + (nowMs - state.atMs) / REFILL_MS);
      state.atMs = nowMs;
      if (state.tokens < 1) {
        return { allowed: false, retryAfterMs: Math.ceil((1 - state.tokens) * REFILL_MS) };
      }
      state.tokens -= 1;
      return { allowed: true, retryAfterMs: 0 };
    },
  },
});

const limiter = actor(Limiter, {
  state: () => new Map<string, Ref<typeof Bucket>>(),
  on: {
    take: (buckets, { key }, ctx) => {
      let known = buckets.get(key);
      if (known === undefined) {
        if (buckets.size >= MOST_KEYS) return { allowed: false, retryAfterMs: IDLE_MS };
        known = ctx.spawn(bucket, {});
        buckets.set(key, known);
      }
      ctx.after(`idle ${key}`, IDLE_MS, "idle", { key }); // the same name replaces the timer
      return known.ask("take", {});
    },
    idle: (buckets, { key }, ctx) => {
      ctx.stop(buckets.get(key));
      buckets.delete(key);
    },
  },
});

const node = startNode({ id: "limits" });
const gate = node.spawn(limiter, { name: "limiter" });

/** Whether to serve a request now. A limiter that does not answer in time lets it pass. */
async function mayPass(key: string): Promise<boolean> {
  try {
    return (await gate.ask("take", { key }, { withinMs: 50 })).allowed;
  } catch (error) {
    if (error instanceof ActorError && error.code === "AskTimeout") return true;
    throw error;
  }
}

const burst = await Promise.all([1, 2, 3, 4].map(() => mayPass("ada")));
console.log("ada, four at once:", burst.join(" "));
console.log("bob has a bucket of his own:", await mayPass("bob"));
const { retryAfterMs } = await gate.ask("take", { key: "ada" });
await delay(retryAfterMs);
console.log("ada, after the time she was told:", await mayPass("ada"));
console.log("actors:", node.metrics().actors);
await delay(IDLE_MS + 200);
console.log("actors when nobody has come for a while:", node.metrics().actors);
await node.stop();
