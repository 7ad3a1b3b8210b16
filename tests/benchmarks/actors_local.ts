/**
 * Actors in one process: tell/s, ask/s, spawn/s and bytes per idle actor, beside a bare array mailbox
 * (the floor), nact and xstate, all in the same run and in turn.
 */

import * as nact from "nact";
import { createActor, fromTransition } from "xstate";
import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import { type Node, startNode } from "../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { alternate, type Report } from "./report.ts";

const ROUNDS = 7;
const TELLS = 1_000_000;
const BURST = 1_000;
const ASKS = 100_000;
const ASK_BURST = 100;
const SPAWNS = 50_000;
const NAME = "actors-local";

const Counter = protocol("bench.counter", {
  version: 1,
  messages: {
    add: tell(z.object({ amount: z.number() })),
    total: ask(z.object({}), z.number()),
  },
});

const counter = actor(Counter, {
  mailbox: { capacity: BURST * 2 },
  state: () => ({ total: 0 }),
  on: {
    add: (state, body) => {
      state.total += body.amount;
    },
    total: (state) => state.total,
  },
});

const env = realEnv({ log: { write: () => {} } });

/** Where the mailbox is full the runtime has left the loop to timers and I/O: so does the sender. */
const nextLoop = (): Promise<void> => new Promise((resolve) => env.timers.soon(resolve));

function perSecond(count: number, startedMs: number): number {
  return count / ((performance.now() - startedMs) / 1_000);
}

async function withNode<R>(run: (node: Node) => Promise<R>): Promise<R> {
  const node = startNode(env, { id: "bench" });
  const result = await run(node);
  await node.stop();
  return result;
}

/** Bursts of tells, each handled before the next: what a mailbox with a bound is made for. */
function quorusTell(): Promise<number> {
  return withNode(async (node) => {
    const ref = node.spawn(counter, { name: "counter" });
    const startedMs = performance.now();
    for (let sent = 0; sent < TELLS; sent += BURST) {
      for (let index = 0; index < BURST; index += 1) {
        while (ref.tell("add", { amount: 1 }) === "full") await nextLoop();
      }
      await Promise.resolve();
    }
    const total = await ref.ask("total", {});
    if (total !== TELLS) throw new Error(`lost messages: ${total}`);
    return perSecond(TELLS, startedMs);
  });
}

/** The floor: an array, a microtask, a switch. */
async function floorTell(): Promise<number> {
  let total = 0;
  let queue: { tag: string; body: { amount: number } }[] = [];
  let planned = false;
  const drain = (): void => {
    planned = false;
    const batch = queue;
    queue = [];
    for (const message of batch) if (message.tag === "add") total += message.body.amount;
  };
  const send = (tag: string, body: { amount: number }): void => {
    queue.push({ tag, body });
    if (planned) return;
    planned = true;
    Promise.resolve().then(drain);
  };
  const startedMs = performance.now();
  for (let sent = 0; sent < TELLS; sent += BURST) {
    for (let index = 0; index < BURST; index += 1) send("add", { amount: 1 });
    await Promise.resolve();
  }
  await Promise.resolve();
  if (total !== TELLS) throw new Error(`lost messages: ${total}`);
  return perSecond(TELLS, startedMs);
}

interface NactMessage {
  readonly tag: string;
  readonly amount: number;
  readonly sender?: nact.Ref<number>;
}

async function nactTell(): Promise<number> {
  const tells = TELLS / 10;
  const system = nact.start();
  let total = 0;
  const done = Promise.withResolvers<void>();
  const ref = nact.spawn(system, (_state: number, message: NactMessage) => {
    total += message.amount;
    if (total === tells) done.resolve();
    return total;
  });
  const startedMs = performance.now();
  for (let sent = 0; sent < tells; sent += BURST) {
    for (let index = 0; index < BURST; index += 1) nact.dispatch(ref, { tag: "add", amount: 1 });
    await Promise.resolve();
  }
  await done.promise;
  const rate = perSecond(tells, startedMs);
  nact.stop(system);
  return rate;
}

/** The lightest logic xstate has, with the same mutation. */
const counting = fromTransition(
  (state: { total: number }, event: { type: "add"; amount: number }) => {
    state.total += event.amount;
    return state;
  },
  { total: 0 },
);

function xstateTell(): number {
  const tells = TELLS;
  const ref = createActor(counting).start();
  const startedMs = performance.now();
  for (let index = 0; index < tells; index += 1) ref.send({ type: "add", amount: 1 });
  const rate = perSecond(tells, startedMs);
  ref.stop();
  return rate;
}

function quorusAsk(): Promise<number> {
  return withNode(async (node) => {
    const ref = node.spawn(counter, { name: "counter" });
    const startedMs = performance.now();
    const burst: Promise<number>[] = [];
    for (let sent = 0; sent < ASKS; sent += ASK_BURST) {
      burst.length = 0;
      for (let index = 0; index < ASK_BURST; index += 1) {
        burst.push(ref.ask("total", {}, { withinMs: 2_000 }));
      }
      await Promise.all(burst);
    }
    return perSecond(ASKS, startedMs);
  });
}

function quorusAskOneByOne(): Promise<number> {
  return withNode(async (node) => {
    const ref = node.spawn(counter, { name: "counter" });
    const startedMs = performance.now();
    for (let sent = 0; sent < ASKS; sent += 1) await ref.ask("total", {}, { withinMs: 2_000 });
    return perSecond(ASKS, startedMs);
  });
}

async function nactAsk(): Promise<number> {
  const asks = ASKS / 10;
  const system = nact.start();
  const ref = nact.spawn(system, (state: number, message: NactMessage) => {
    nact.dispatch(message.sender!, 1);
    return state;
  });
  const startedMs = performance.now();
  for (let sent = 0; sent < asks; sent += ASK_BURST) {
    await Promise.all(Array.from({ length: ASK_BURST }, () =>
      nact.query(
        ref,
        (sender: nact.Ref<number>) => ({ tag: "total", amount: 0, sender }),
        2_000,
      )));
  }
  const rate = perSecond(asks, startedMs);
  nact.stop(system);
  return rate;
}

function quorusSpawn(): Promise<number> {
  return withNode((node) => {
    const startedMs = performance.now();
    for (let index = 0; index < SPAWNS; index += 1) node.spawn(counter, {});
    return Promise.resolve(perSecond(SPAWNS, startedMs));
  });
}

function nactSpawn(): number {
  const spawns = SPAWNS / 5;
  const system = nact.start();
  const startedMs = performance.now();
  for (let index = 0; index < spawns; index += 1) {
    // Its own names are random and meet after some 50,000.
    nact.spawn(system, (state: number, _message: NactMessage) => state, `actor-${index}`);
  }
  const rate = perSecond(spawns, startedMs);
  nact.stop(system);
  return rate;
}

function xstateSpawn(): number {
  const spawns = SPAWNS / 5;
  const startedMs = performance.now();
  for (let index = 0; index < spawns; index += 1) createActor(counting).start();
  return perSecond(spawns, startedMs);
}

/** Heap per actor after collection; needs `--expose-gc`, so it runs in a process of its own. */
async function bytesPerActor(): Promise<number> {
  const output = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--v8-flags=--expose-gc",
      new URL("./actors_memory.ts", import.meta.url).pathname,
    ],
    stderr: "inherit",
  }).output();
  if (!output.success) throw new Error("measure memory: the child process failed");
  return Number(new TextDecoder().decode(output.stdout));
}

function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, index) => value / theirs[index]!);
}

/** Prints every figure of this benchmark. */
export async function bench(report: Report): Promise<void> {
  const tells = await alternate(ROUNDS, {
    quorus: quorusTell,
    floor: floorTell,
    nact: nactTell,
    xstate: xstateTell,
  });
  const show = (measure: string, unit: string, values: number[], aim?: string): void =>
    report({ bench: NAME, measure, unit, values, ...(aim === undefined ? {} : { aim }) });
  show("tell", "msg/s", tells.quorus, ">=8000000");
  show("tell_vs_bare_array", "ratio", ratios(tells.quorus, tells.floor), ">=0.2");
  show("tell_bare_array", "msg/s", tells.floor);
  show("tell_nact", "msg/s", tells.nact);
  show("tell_xstate", "msg/s", tells.xstate);
  const asks = await alternate(ROUNDS, {
    quorus: quorusAsk,
    alone: quorusAskOneByOne,
    nact: nactAsk,
  });
  show("ask", "ask/s", asks.quorus, ">=400000");
  show("ask_one_by_one", "ask/s", asks.alone);
  show("ask_nact", "ask/s", asks.nact);
  const spawns = await alternate(ROUNDS, {
    quorus: quorusSpawn,
    nact: nactSpawn,
    xstate: xstateSpawn,
  });
  show("spawn", "actor/s", spawns.quorus, ">=150000");
  show("spawn_nact", "actor/s", spawns.nact);
  show("spawn_xstate", "actor/s", spawns.xstate);
  const memory = await alternate(5, { quorus: bytesPerActor });
  show("bytes_per_idle_actor", "bytes", memory.quorus, "<=900");
  env.close();
}
