/** One run of a scenario: what its author works with. */

import { assert, AssertionError } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import { type LimitTable, type LimitValues, limitValues } from "../base/limits.ts";
import { applyFaults, type FaultsUnderWay } from "./fault_apply.ts";
import type { FaultPlan } from "./faults.ts";
import type { SeededRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { SimCluster } from "./simulation_cluster.ts";
import { SimulationFailure, type SimulationFailureCode } from "./simulation_failure.ts";
import { History } from "./simulation_history.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";
import type { Recorder } from "./simulation_recorder.ts";
import { SimulationWorld } from "./simulation_world.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);

/** The smallest and the largest value that a seed may draw for a limit. */
export type SmallValues<T extends LimitTable> = {
  readonly [K in keyof T]?: readonly [low: number, high: number];
};

/** Which run this is. */
export interface SimulationOptions {
  readonly seed: number;
  readonly plan: FaultPlan;
  /** Keeps frames and marks for a diagram. */
  readonly recorder?: Recorder;
}

/** True where something holds; a text says why it does not. */
export type Holds = () => boolean | string | null | undefined | void;

interface Invariant {
  readonly name: string;
  readonly holds: Holds;
}

/** The world of one seed, its machines, its faults and its checks. */
export class Simulation {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly world: SimulationWorld;
  readonly cluster: SimCluster;
  readonly history: History;
  /** The faults of this run; at its `durationMs` the work should end too. */
  readonly plan: FaultPlan;
  /** Rare states that this run has reached. */
  readonly reached = new Set<string>();
  readonly #everyEvent: Invariant[] = [];
  readonly #atPoints: Invariant[] = [];
  readonly #endings: { readonly name: string; readonly holds: Holds }[] = [];
  #failure: SimulationFailure | null = null;
  #underWay: FaultsUnderWay | null = null;
  #endMs: number;

  constructor(scenario: Scenario, { seed, plan, recorder }: SimulationOptions) {
    this.scenario = scenario;
    this.seed = seed;
    this.plan = plan;
    this.#endMs = plan.durationMs;
    this.world = new SimulationWorld(seed, {
      onUnhandled: (process, reason) => this.#unhandled(process, reason),
      ...(recorder === undefined ? {} : { traceLines: LIMITS.traceLines }),
    });
    this.cluster = new SimCluster(this.world, (env, name) => recorder?.tap(env, name) ?? env);
    this.history = new History(() => this.world.nowMs, (fact) => recorder?.fact(fact));
    if (recorder !== undefined) {
      this.world.watch.noted = (atMs, label) => recorder.note(atMs, label);
    }
    this.world.watch.between = () => this.#between();
  }

  /** When the work and the faults end, in virtual time. */
  get endMs(): number {
    return this.#endMs;
  }

  /** Whether the time of work and faults is over. */
  get isOver(): boolean {
    return this.world.nowMs >= this.#endMs;
  }

  /** What failed first. */
  get failure(): SimulationFailure | null {
    return this.#failure;
  }

  /** A random stream of that name; equal seeds and names give equal streams. */
  random(concern: string): SeededRandom {
    return this.world.random.stream(`scenario/${concern}`);
  }

  /** Marks a rare state that the scenario has declared. */
  sometimes(name: string, isReached = true): void {
    assert(this.scenario.sometimes?.includes(name), `"${name}" is declared in sometimes`);
    if (isReached) this.reached.add(name);
  }

  /** Fails the run unless `holds`; `details` says what was seen. */
  check(name: string, holds: unknown, details: unknown = ""): void {
    if (!holds) this.fail(name, typeof details === "string" ? details : JSON.stringify(details));
  }

  /** Fails the run. */
  fail(name: string, details: string, cause?: unknown): never {
    throw this.#record("check", name, details, cause);
  }

  /** Must hold after every event, or (`at: "points"`) when {@link checkInvariants} is called. */
  invariant(name: string, holds: Holds, at: "events" | "points" = "events"): void {
    (at === "events" ? this.#everyEvent : this.#atPoints).push({ name, holds });
  }

  /** Looks at every invariant now. */
  checkInvariants(): void {
    for (const one of this.#everyEvent) this.#look("invariant", one);
    for (const one of this.#atPoints) this.#look("invariant", one);
  }

  /** Must hold at the very end, when the run and everything after it is done: what leaks. */
  atEnd(name: string, holds: Holds): void {
    this.#endings.push({ name, holds });
  }

  /**
   * Values of limits for this seed: of each limit in `small` the default, the smallest, or one between
   * its two; the others keep their defaults.
   */
  limits<T extends LimitTable>(table: T, small: SmallValues<T>): LimitValues<T> {
    const drawn: Record<string, number> = {};
    for (const [name, range] of Object.entries(small)) {
      if (range === undefined) continue;
      const [low, high] = range as readonly [number, number];
      const random = this.random(`limits/${name}`);
      const choice = random.integer(0, 2);
      if (choice === 1) drawn[name] = low;
      if (choice === 2) drawn[name] = random.integer(low, high);
    }
    return limitValues(table, drawn as Partial<LimitValues<T>>);
  }

  /** Lets the faults of the plan begin. */
  startFaults(): FaultsUnderWay {
    assert(this.#underWay === null, "faults begin once");
    this.#endMs = this.world.nowMs + this.plan.durationMs;
    this.#underWay = applyFaults(this.world, this.cluster, this.plan);
    return this.#underWay;
  }

  /** Lets the faults happen and time pass to the end of them; then everything is healed. */
  async faults(): Promise<void> {
    const underWay = this.startFaults();
    await this.pass(this.plan.durationMs);
    underWay.heal();
  }

  /** Lets virtual time pass. */
  async pass(ms: number): Promise<void> {
    await this.world.pass(Math.max(0, ms));
    this.#after();
  }

  /** Lets things happen until `work` settles. */
  async complete<T>(work: Promise<T>): Promise<T> {
    const result = await this.world.complete(work);
    this.#after();
    return result;
  }

  /** Liveness: with everything healed, `holds` must become true within that virtual time. */
  async converge(
    name: string,
    withinMs: number,
    holds: () => unknown,
  ): Promise<void> {
    this.#underWay?.heal();
    const stepMs = Math.max(1, withinMs / LIMITS.convergeSteps);
    const endMs = this.world.nowMs + withinMs;
    let last: unknown = false;
    while (this.world.nowMs < endMs) {
      last = holds();
      if (last instanceof Promise) last = await this.complete(last);
      if (last === true) return;
      await this.pass(Math.min(stepMs, endMs - this.world.nowMs));
    }
    last = holds();
    if (last instanceof Promise) last = await this.complete(last);
    if (last === true) return;
    const seen = typeof last === "string" ? `: ${last}` : "";
    throw this.#record("converge", name, `not within ${withinMs} ms after the faults${seen}`);
  }

  /** Ends the run: the last invariants and what must not be left. */
  finish(): void {
    this.#after();
    for (const one of this.#endings) this.#look("leak", one);
  }

  /** Takes what the scenario threw as the run's failure, unless something failed before. */
  threw(thrown: unknown): void {
    if (thrown instanceof SimulationFailure && this.#failure !== null) return;
    this.#record("thrown", "the run ends without an error", messageOf(thrown), thrown);
  }

  /** An error that no process is to blame for. */
  unhandled(reason: unknown): void {
    this.#record("unhandled", "every error is handled", messageOf(reason), reason);
  }

  #after(): void {
    if (this.#failure !== null) throw this.#failure;
    this.checkInvariants();
  }

  #between(): void {
    if (this.#failure !== null) throw this.#failure;
    for (const one of this.#everyEvent) this.#look("invariant", one);
  }

  #look(code: "invariant" | "leak", { name, holds }: Invariant): void {
    const seen = holds();
    if (seen === true || seen === null || seen === undefined) return;
    throw this.#record(code, name, typeof seen === "string" ? seen : "it does not hold");
  }

  #unhandled(process: string, reason: unknown): void {
    if (reason instanceof SimulationFailure) return;
    const isDefect = reason instanceof AssertionError;
    if (!isDefect && this.scenario.tolerates?.(reason) === true) {
      return this.cluster.restartSoon(process.slice(0, process.lastIndexOf("#")));
    }
    const what = `${process} did not handle: ${messageOf(reason)}`;
    this.#record("unhandled", "processes handle their errors", what, reason);
  }

  #record(
    code: SimulationFailureCode,
    name: string,
    details: string,
    cause?: unknown,
  ): SimulationFailure {
    const where = `${this.scenario.name}, seed ${this.seed}, ${this.world.nowMs.toFixed(3)} ms`;
    const failure = new SimulationFailure(
      code,
      name,
      `${where}: ${name}${details === "" ? "" : `: ${details}`}`,
      cause,
    );
    if (this.#failure === null) this.world.note(`failed: ${name}`);
    return this.#failure ??= failure;
  }
}
