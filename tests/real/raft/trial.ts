/** One trial: clients at work, faults one after the other, and the verdict on what the clients were told. */

import assert from "node:assert/strict";
import { Clients } from "./clients.ts";
import { type Cluster, pause } from "./cluster.ts";
import type { Fault } from "./faults.ts";
import { KvClient } from "./store_client.ts";
import { assertJudgedOk, type Verdict } from "./verdict.ts";

/** Writes that must be done for clients to count as served. */
const SERVED_WRITES = 5;
/** While a fault lasts: some elections. */
const SERVED_WITHIN_MS = 10_000;
/** When it is healed: processes start, on a machine that may be busy. */
const HEALED_WITHIN_MS = 30_000;
const CALM_MS = 300;

/** How a trial is made. */
export interface TrialOptions {
  readonly name: string;
  readonly faults: readonly Fault[];
  readonly clients?: number;
  readonly random?: (bound: number) => number;
  /** Told of every step, for people who watch. */
  readonly told?: (text: string) => void;
}

/** What a trial came to. */
export interface Trial extends Verdict {
  /** From each fault's beginning until writes were done again (until it was healed, where none could be). */
  readonly servedAgainMs: Readonly<Record<string, number>>;
}

/**
 * Runs faults against a cluster under load. Error unless clients are served again after each (and while it
 * lasts, where a majority is left), every member is level at the end, and the history is judged ok.
 */
export async function tryFaults(cluster: Cluster, options: TrialOptions): Promise<Trial> {
  const { name, faults, random = () => 0, told = () => {} } = options;
  const places = cluster.members.map(({ plan }) => plan.http);
  const clients = new Clients({
    count: options.clients ?? 8,
    members: places.length,
    prefix: `${name}-`,
    connect: () => new KvClient(places),
    seed: random(2 ** 30) + 1,
  });
  const servedAgainMs: Record<string, number> = {};
  let struck = "no fault yet";
  try {
    await served(clients, performance.now(), HEALED_WITHIN_MS);
    for (const fault of faults) {
      await pause(CALM_MS);
      told(fault.name);
      struck = fault.name;
      servedAgainMs[fault.name] = await endure(cluster, clients, fault, random);
      told(`${fault.name}: served again after ${Math.round(servedAgainMs[fault.name]!)} ms`);
    }
    await clients.stop();
    await cluster.settled();
  } catch (error) {
    await clients.abandon();
    throw new Error(`${name}, ${struck}: ${String(error)}\n${cluster.logs()}`, { cause: error });
  }
  return { ...await assertJudgedOk(clients.history, name), servedAgainMs };
}

async function endure(
  cluster: Cluster,
  clients: Clients,
  fault: Fault,
  random: (bound: number) => number,
): Promise<number> {
  const struckMs = performance.now();
  const heal = await fault.strike(cluster, random);
  let againMs = 0;
  try {
    if (fault.leavesMajority) {
      againMs = await served(clients, performance.now(), SERVED_WITHIN_MS) - struckMs;
    }
    await pause(Math.max(0, struckMs + fault.lastsMs - performance.now()));
  } finally {
    await heal();
  }
  const doneMs = await served(clients, performance.now(), HEALED_WITHIN_MS);
  await cluster.complete(); // or the next fault would meet a group that lacks somebody already
  return fault.leavesMajority ? againMs : doneMs - struckMs;
}

/** When so many writes had been done that began at `sinceMs` or later. */
async function served(clients: Clients, sinceMs: number, withinMs: number): Promise<number> {
  const untilMs = performance.now() + withinMs;
  while (clients.writesDone(sinceMs) < SERVED_WRITES) {
    assert.ok(performance.now() < untilMs, `nobody was served within ${withinMs} ms`);
    await pause(20);
  }
  return performance.now();
}
