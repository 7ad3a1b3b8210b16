/**
 * A pool of threads that survives the death of one: run it with
 * `deno run -A examples/09_worker_pool/pool.ts`.
 *
 * 1. A Worker is a node: its actors are told, asked and watched like any others.
 * 2. Waiting is a task. The pool's handlers never await, so the pool always sees what has happened.
 * 3. When a Worker dies, the ask that it had fails, and its watch ends as `unreachable`. The pool gives
 *    the work to whoever is free, and starts the Worker again.
 */

import { z } from "zod";
import {
  actor,
  ActorError,
  type Context,
  protocol,
  type Ref,
  startNode,
  tell,
} from "@quorus/quorus";
import { Primes } from "./protocol.ts";

const CHUNK = 50_000;
const MOST_ATTEMPTS = 3; // or a chunk that kills its Worker would kill one after the other

const Pool = protocol("example.pool", {
  version: 1,
  messages: { count: tell(z.object({ below: z.number() })) },
});

interface Chunk {
  readonly from: number;
  readonly to: number;
  readonly attempt: number;
}

/** Arguments of a start are no message: they may hold functions. */
interface Args {
  readonly workers: readonly string[];
  readonly startWorker: (name: string) => Promise<unknown>;
  readonly finished: (primes: number) => void;
}

interface State extends Args {
  readonly queue: Chunk[];
  /** Names of Workers without work. */
  readonly idle: string[];
  /** Chunks by the Worker that has them. */
  readonly busy: Map<string, Chunk>;
  primes: number;
}

type PoolContext = Context<typeof Pool>;

const counterOf = (name: string, ctx: PoolContext): Ref<typeof Primes> =>
  ctx.ref(Primes, `quorus://${name}/counter`);

/** Then `ended` comes too, and starts the Worker again. */
const isGone = (error: unknown): boolean =>
  error instanceof ActorError && error.code === "Unreachable";

function start(name: string, state: Args, ctx: PoolContext): void {
  ctx.task(`start ${name}`, () => state.startWorker(name).then(() => name));
}

function dispatch(state: State, ctx: PoolContext): void {
  while (state.idle.length > 0 && state.queue.length > 0) {
    const name = state.idle.shift()!;
    const chunk = state.queue.shift()!;
    const counter = counterOf(name, ctx);
    state.busy.set(name, chunk);
    ctx.task(name, (signal) => counter.ask("count", chunk, { withinMs: 60_000, signal }));
  }
  if (state.queue.length + state.busy.size === 0) state.finished(state.primes);
}

const pool = actor(Pool, {
  state: (args: Args, ctx): State => {
    for (const name of args.workers) start(name, args, ctx);
    return { ...args, queue: [], idle: [], busy: new Map(), primes: 0 };
  },
  on: {
    count: (state, { below }, ctx) => {
      for (let from = 0; from < below; from += CHUNK) {
        state.queue.push({ from, to: Math.min(below, from + CHUNK), attempt: 1 });
      }
      dispatch(state, ctx);
    },
  },
  done: (state, task, ctx) => {
    const chunk = state.busy.get(task.name);
    state.busy.delete(task.name);
    if (chunk === undefined) { // a start; one that failed fails the pool, and its supervisor decides
      if (!task.ok) throw task.error;
      const name = task.value as string;
      ctx.watch(counterOf(name, ctx));
      state.idle.push(name);
    } else if (task.ok) {
      state.primes += task.value as number;
      state.idle.push(task.name);
    } else { // whether it was counted is unknown, but to count again does no harm
      if (chunk.attempt === MOST_ATTEMPTS) throw task.error;
      console.log(`${task.name} lost the chunk from ${chunk.from}`);
      if (!isGone(task.error)) state.idle.push(task.name);
      state.queue.unshift({ ...chunk, attempt: chunk.attempt + 1 });
    }
    dispatch(state, ctx);
  },
  ended: (state, { ref, reason }, ctx) => {
    const name = new URL(ref.address).hostname;
    console.log(`${name} is ${reason}: started again`);
    start(name, state, ctx);
  },
});

const node = startNode({ id: "main", logLevel: "error" });
const { promise: primes, resolve: finished } = Promise.withResolvers<number>();
const module = import.meta.resolve("./worker.ts");
const args = {
  workers: ["w1", "w2"],
  startWorker: (name: string) => node.worker(module, { name }),
  finished,
};
node.spawn(pool, { name: "pool", args }).tell("count", { below: 400_000 });
console.log("primes below 400,000:", await primes);
await node.stop(); // ends its Workers too
