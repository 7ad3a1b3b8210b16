/** Reads by the leader's lease: never stale while clocks keep their bound, and found stale where they do not. */

import type { Env, TimerHandle } from "../../../runtime/env/env.ts";
import { FAULT_KINDS, type FaultKind } from "../../../runtime/sim/faults.ts";
import { directionsBetween } from "../../../runtime/sim/network.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { type Scenario, scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { Clients, type LedgerMesh } from "./raft_clients.ts";
import { lead, repair, serve, stop } from "./raft_end.ts";
import { startFaults } from "./raft_faults.ts";
import { drawLinks } from "./raft_kv.ts";
import { Ledger } from "./raft_ledger.ts";
import { RaftMesh } from "./raft_mesh.ts";
import { Recorder } from "./raft_record.ts";

const NODES = ["a", "b", "c"];
/** What members trust each other's clocks by. */
const DRIFT = 0.1;
const LIMITS = {
  segmentBytes: 65_536,
  commandBytes: 8_192,
  reserveBytes: 65_536,
  electionMs: 400,
  heartbeatMs: 25,
  // The slowest clock leads soon: its lease is the longest.
  priorityMs: 500,
  sessionIdleMs: 100 * 86_400_000,
};

/** An Env whose monotonic clock runs at `rate`, and its timers with it; the wall clock is right. */
function paced(env: Env, rate: number): Env {
  const { clock, timers } = env;
  return {
    ...env,
    clock: { now: () => clock.now(), monotonic: () => clock.monotonic() * rate },
    timers: {
      after: (ms, fn): TimerHandle => timers.after(ms / rate, fn),
      soon: (fn) => timers.soon(fn),
    },
  };
}

/** How fast each member's clock runs. */
type Rates = (random: SeededRandom) => readonly number[];

function clockScenario(
  spec: Pick<Scenario, "name" | "describe" | "canary">,
  kinds: readonly FaultKind[],
  intensity: readonly [number, number],
  rates: Rates,
): Scenario {
  return scenario({
    ...spec,
    durationMs: 10_000,
    nodes: NODES,
    faults: { kinds, intensity },
    sometimes: ["a later term", "a read by clock"],
    run: (sim) => run(sim, rates(sim.random("rates"))),
  });
}

/** Now and then whoever leads is alone for a while, and goes on to answer its own clients. */
function isolateLeaders(sim: Simulation, mesh: LedgerMesh): void {
  const random = sim.random("isolation");
  const { network } = sim.world;
  const again = (): void => {
    if (sim.isOver) return;
    const machine = mesh.leader()?.machine;
    if (machine !== undefined) {
      const groups = [[machine], NODES.filter((name) => name !== machine)];
      network.cut(directionsBetween(groups));
      sim.world.schedule(random.next() * 1_500, "fault isolation ends", () => {
        network.heal(directionsBetween(groups));
      });
    }
    sim.world.schedule(1_500 + random.next() * 1_500, "fault isolation", again);
  };
  sim.world.schedule(2_000, "fault isolation", again);
}

async function run(sim: Simulation, rates: readonly number[]): Promise<void> {
  const ledger = new Ledger(sim);
  const record = new Recorder(sim);
  const clients = new Clients({ sim, record, mesh: () => mesh, readsByClock: true, gapMs: 60 });
  const mesh: LedgerMesh = new RaftMesh(sim, {
    first: NODES.map((id, index) => ({ id, priority: index === 0 ? 2 : 1 })),
    limits: LIMITS,
    links: drawLinks(sim),
    clockDrift: DRIFT,
    paced: (env, machine) => paced(env, rates[NODES.indexOf(machine)]!),
    machine: (life, restored) => ledger.machine(life, restored),
    boot: (life) => clients.start(life),
  });
  const faults = startFaults(sim, mesh.machines);
  isolateLeaders(sim, mesh);
  await sim.pass(sim.plan.durationMs);
  faults.heal();
  repair(sim);
  await lead(sim, mesh);
  await serve(sim, mesh, record, clients);
  record.judge();
  await stop(sim, mesh);
}

/** With the world's own 1,000 parts per million still within the bound. */
const FASTEST = 1 + DRIFT - 0.01;

export const raftClock = clockScenario(
  {
    name: "raft/clock",
    describe: "reads by clock are linearizable where clocks keep the bound that was stated",
  },
  // Disks decide nothing here.
  FAULT_KINDS.filter((kind) => kind !== "disk"),
  [0.3, 0.9],
  (random) => NODES.map(() => 1 + random.next() * (FASTEST - 1)),
);

/** The wall clocks are right, so that nobody becomes suspicious. */
export const raftClockDrift = clockScenario(
  {
    name: "raft/clock-drift",
    describe: "reads by clock where clocks break the bound: the checker finds a stale one",
    canary: "the history is linearizable",
  },
  ["clog"],
  [0, 0.3],
  () => [1, 4, 4],
);
