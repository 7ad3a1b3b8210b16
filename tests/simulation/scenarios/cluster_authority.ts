/** A decision maker that outlives the processes that ask it, as a Raft group does. */

import type { Authority } from "../../../runtime/cluster/authority.ts";
import { clusterLimits } from "../../../runtime/cluster/limits.ts";
import {
  type Life,
  noPlacement,
  type PlacementEffect,
  type PlacementInput,
  type PlacementState,
  type PlacementStep,
  stepPlacement,
} from "../../../runtime/cluster/placement_machine.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";

/** How long a decision takes to be agreed on, and then to be known, in virtual time. */
const AGREE_MS = 40;
/** Decisions that are not agreed on, as when a leader loses its term. */
const LOST_RATE = 0.05;

/** What was agreed on; every life of the deciding node asks it. */
export class DurableAuthority {
  readonly #sim: Simulation;
  readonly #random: SeededRandom;
  readonly #limits = clusterLimits();
  #state: PlacementState = noPlacement();
  #lastAtMs = 0;
  readonly #fences: (life: Life) => void;

  /** `fences` is told before a fence takes effect. */
  constructor(sim: Simulation, fences: (life: Life) => void) {
    this.#sim = sim;
    this.#fences = fences;
    this.#random = sim.random("authority");
  }

  get state(): PlacementState {
    return this.#state;
  }

  /** As one life of a node uses it: what its end cuts may have been agreed on, and it never hears. */
  of(env: SimulatedEnv): Authority {
    return {
      state: () => this.#state,
      peek: (input) => this.#step(input),
      propose: (input) => this.#propose(env, input),
    };
  }

  #propose(env: SimulatedEnv, input: PlacementInput): Promise<readonly PlacementEffect[]> {
    const { world } = this.#sim;
    const { promise, resolve, reject } = Promise.withResolvers<readonly PlacementEffect[]>();
    this.#lastAtMs = Math.max(this.#lastAtMs, world.nowMs + this.#random.next() * AGREE_MS);
    const inMs = this.#lastAtMs - world.nowMs;
    const outcome: { step?: PlacementStep; error?: unknown } = {};
    if (this.#random.chance(LOST_RATE)) outcome.error = new Error("planned: not agreed on");
    else world.schedule(inMs, "fault authority agrees", () => this.#agree(input, outcome));
    env.timers.after(inMs + 1 + this.#random.next() * AGREE_MS, () => {
      if (outcome.step === undefined) reject(outcome.error);
      else resolve(outcome.step.effects);
    });
    return promise;
  }

  /** Decisions take effect in the order of the calls. */
  #agree(input: PlacementInput, outcome: { step?: PlacementStep; error?: unknown }): void {
    try {
      if (input.do === "fenced") this.#fences(input);
      outcome.step = this.#step(input);
      this.#state = outcome.step.state;
    } catch (error) {
      outcome.error = error;
    }
  }

  #step(input: PlacementInput): PlacementStep {
    return stepPlacement(this.#state, input, this.#sim.world.nowMs, this.#limits);
  }
}
