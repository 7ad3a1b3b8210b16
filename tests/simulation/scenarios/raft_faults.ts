/** Faults of a group that is smaller than its scenario, and disks that run full. */

import { applyFaults, type FaultsUnderWay } from "../../../runtime/sim/fault_apply.ts";
import type { FaultEvent, FaultPlan } from "../../../runtime/sim/faults.ts";
import type { Direction } from "../../../runtime/sim/network.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { pick } from "./remote_mesh.ts";

/** How long a disk stays full. */
const FULL_MS = 8_000;
/** What is left on it when it begins. */
const LEFT_BYTES = 8_000;

/** Lets the plan happen to `machines` only: none of its faults is wasted on others. */
export function startFaults(sim: Simulation, machines: readonly string[]): FaultsUnderWay {
  const plan = narrowed(sim.plan, sim.scenario.nodes, machines);
  return applyFaults(sim.world, sim.cluster, plan);
}

function narrowed(
  { durationMs, events }: FaultPlan,
  all: readonly string[],
  machines: readonly string[],
): FaultPlan {
  const here = (name: string) => machines[all.indexOf(name) % machines.length]!;
  const between = (directions: readonly Direction[]): Direction[] =>
    directions.filter(([from, to]) => machines.includes(from) && machines.includes(to));
  const moved = (event: FaultEvent): FaultEvent[] => {
    if ("node" in event) return [{ ...event, node: here(event.node) }];
    if ("between" in event) {
      return between([event.between]).map((one) => ({ ...event, between: one }));
    }
    const directions = between(event.directions);
    return directions.length === 0 ? [] : [{ ...event, directions }];
  };
  return { durationMs, events: events.flatMap(moved) };
}

/** Disks run full now and then. */
export function fillDisks(sim: Simulation, machines: readonly string[]): void {
  const random = sim.random("full disks");
  const { world, cluster } = sim;
  for (let atMs = 0;;) {
    atMs += random.next() * 10_000;
    if (atMs >= sim.plan.durationMs) return;
    const name = pick(random, machines);
    const leftBytes = random.integer(0, LEFT_BYTES);
    const forMs = random.next() * FULL_MS;
    world.schedule(atMs, `fault disk full ${name}`, () => {
      const { faults, tree } = cluster.env(name).machine;
      faults.capacityBytes = tree.usedBytes() + leftBytes;
      world.schedule(forMs, `fault disk has room ${name}`, () => faults.capacityBytes = Infinity);
    });
  }
}

/** The power of most machines goes at once, now and then: only what was synced is left of them. */
export function cutPower(sim: Simulation, machines: readonly string[]): void {
  const random = sim.random("blackouts");
  const { world, cluster } = sim;
  for (let atMs = 0;;) {
    atMs += random.next() * 4_000;
    if (atMs >= sim.plan.durationMs) return;
    const dark = machines.filter(() => random.chance(0.8));
    const forMs = random.next() * 1_000;
    world.schedule(atMs, "fault blackout", () => {
      for (const name of dark) cluster.crash(name, "power");
      world.schedule(forMs, "fault blackout ends", () => {
        for (const name of dark) cluster.restart(name);
      });
    });
  }
}
