/**
 * `sim`: how much virtual time an hour of real time is worth, for five linked nodes on one thread: idle
 * (pings and detectors only), and under load with faults.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import { startLinkedNode } from "../../runtime/remote/linked_node.ts";
import type { SimulatedEnv } from "../../runtime/sim/env.ts";
import { explore } from "../../runtime/sim/explore.ts";
import { type Scenario, scenario } from "../../runtime/sim/scenario.ts";
import type { Simulation } from "../../runtime/sim/simulation.ts";
import { LINK_FAULTS } from "../simulation/scenarios/remote_mesh.ts";
import type { Report } from "./report.ts";

const NODES = ["a", "b", "c", "d", "e"];
const PORT = 4_100;
const RUNS = 5;
/** Messages per second of each node, to one of the others in turn. */
const LOAD_PER_SECOND = 20;

const Busy = protocol("bench.busy", {
  version: 1,
  messages: { tick: tell(z.object({})), note: tell(z.object({ number: z.number() })) },
});

/** Sends its notes round to the others, and counts those that it gets. */
const busy = actor(Busy, {
  state: (args: { others: readonly string[] }, ctx) => {
    ctx.every("tick", 1_000 / LOAD_PER_SECOND, "tick", {});
    return { ...args, number: 0, received: 0 };
  },
  on: {
    tick: (state, _body, ctx) => {
      state.number += 1;
      const to = state.others[state.number % state.others.length]!;
      ctx.ref(Busy, `quorus://${to}/busy`).tell("note", { number: state.number });
    },
    note: (state) => {
      state.received += 1;
    },
  },
});

function boot(env: SimulatedEnv, name: string, isLoaded: boolean): void {
  const others = NODES.filter((other) => other !== name);
  const dialled = others.filter((other) => other > name);
  const node = startLinkedNode(env, {
    id: name,
    links: {
      listen: [{ hostname: name, port: PORT }],
      token: "a token of the benchmark",
      allowPlain: true,
      peers: dialled.map((peer) => ({ node: peer, url: `ws://${peer}:${PORT}` })),
    },
  });
  if (isLoaded) node.spawn(busy, { name: "busy", args: { others } });
}

function start(sim: Simulation, isLoaded: boolean): void {
  for (const name of NODES) sim.cluster.start(name, (env) => boot(env, name, isLoaded));
}

const idle: Scenario = scenario({
  name: "bench/idle",
  describe: "five linked nodes with nothing to say",
  durationMs: 3_600_000,
  nodes: NODES,
  run: async (sim) => {
    start(sim, false);
    await sim.faults();
  },
});

const loaded: Scenario = scenario({
  name: "bench/loaded",
  describe: "five nodes that tell each other much, with faults",
  durationMs: 300_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0.2, 0.6] },
  run: async (sim) => {
    start(sim, true);
    await sim.faults();
  },
});

async function hoursPerHour(measured: Scenario, seeds: readonly number[]): Promise<number[]> {
  const values: number[] = [];
  for (const seed of seeds) {
    // Its own figure: it runs the first seeds twice, to compare them, and times one of the two.
    const report = await explore(measured, { seeds: [seed], monotonicMs: () => performance.now() });
    const [failure] = report.failures;
    if (failure !== undefined) throw failure.error;
    values.push(report.simHoursPerHour);
  }
  return values;
}

/** Reports both figures. */
export async function bench(report: Report): Promise<void> {
  const seeds = Array.from({ length: RUNS }, (_, index) => index + 1);
  const figure = { bench: "sim", unit: "h/h" };
  report({ ...figure, measure: "idle", values: await hoursPerHour(idle, seeds), aim: ">=1000" });
  report({ ...figure, measure: "loaded", values: await hoursPerHour(loaded, seeds), aim: ">=100" });
}
