/** Draws a plan of faults; pure: the same random stream gives the same plan. */

import { assert } from "../base/assert.ts";
import {
  type Fault,
  FAULT_RANGES,
  type FaultEvent,
  type FaultKind,
  type FaultPlan,
} from "./faults.ts";
import type { Direction } from "./network.ts";
import { directionsBetween } from "./network.ts";
import type { SeededRandom } from "./random.ts";

/** What a plan is drawn for. */
export interface FaultScope {
  /** Names of the machines that suffer. */
  readonly nodes: readonly string[];
  readonly durationMs: number;
  /** Only these; all unless given. */
  readonly kinds?: readonly FaultKind[];
}

type Draw = (from: Drawing) => Fault;

/** How often each kind is drawn, against the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  cut: 4,
  clog: 3,
  delay: 3,
  reset: 3,
  crash: 4,
  stop: 2,
  slow: 2,
  jump: 1,
  drift: 1,
  disk: 2,
};

const DRAWS: Readonly<Record<FaultKind, Draw>> = {
  cut: (from) => ({ kind: "cut", directions: from.partition(), forMs: from.length("cutMs") }),
  clog: (from) => ({ kind: "clog", directions: from.some(), forMs: from.length("clogMs") }),
  delay: (from) => ({
    kind: "delay",
    directions: from.some(),
    delayMs: { low: FAULT_RANGES.delayMs.low, high: from.length("delayMs") },
    forMs: from.length("spikeMs"),
  }),
  reset: (from) => ({ kind: "reset", between: from.direction() }),
  crash: (from) => ({
    kind: "crash",
    node: from.node(),
    crash: from.random.chance(0.5) ? "power" : "process",
    forMs: from.length("downMs"),
  }),
  stop: (from) => ({ kind: "stop", node: from.node(), forMs: from.length("stopMs") }),
  slow: (from) => ({
    kind: "slow",
    node: from.node(),
    turnMs: from.length("slowTurnMs"),
    forMs: from.length("slowMs"),
  }),
  jump: (from) => ({ kind: "jump", node: from.node(), byMs: from.whole("jumpMs") }),
  drift: (from) => ({
    kind: "drift",
    node: from.node(),
    wallPpm: from.whole("wallPpm"),
    monotonicPpm: from.whole("monotonicPpm"),
  }),
  disk: (from) => ({
    kind: "disk",
    node: from.node(),
    rates: {
      readErrorRate: from.within("readErrorRate"),
      writeErrorRate: from.within("writeErrorRate"),
      syncErrorRate: from.within("syncErrorRate"),
      crashWriteErrorRate: from.within("crashWriteErrorRate"),
    },
    forMs: from.length("diskMs"),
  }),
};

const NEED_TWO_NODES: ReadonlySet<FaultKind> = new Set(["cut", "clog", "delay", "reset"]);

/** Draws a plan; `intensity` from 0 (nothing happens) to 1 says how close together its faults are. */
export function drawFaults(random: SeededRandom, intensity: number, scope: FaultScope): FaultPlan {
  assert(intensity >= 0 && intensity <= 1, "an intensity lies between 0 and 1");
  const from = new Drawing(random, scope.nodes);
  const kinds = (scope.kinds ?? Object.keys(WEIGHTS) as FaultKind[]).filter((kind) =>
    scope.nodes.length >= (NEED_TWO_NODES.has(kind) ? 2 : 1)
  );
  const events: FaultEvent[] = [];
  if (intensity === 0 || kinds.length === 0) return { durationMs: scope.durationMs, events };
  const { low, high } = FAULT_RANGES.gapMs;
  const gapMs = high * Math.pow(low / high, intensity);
  for (;;) {
    const last = events.at(-1)?.atMs ?? 0;
    const atMs = Math.round(last + random.next() * 2 * gapMs);
    if (atMs >= scope.durationMs) return { durationMs: scope.durationMs, events };
    events.push({ atMs, ...DRAWS[from.kind(kinds)](from) });
  }
}

class Drawing {
  readonly random: SeededRandom;
  readonly #nodes: readonly string[];

  constructor(random: SeededRandom, nodes: readonly string[]) {
    this.random = random;
    this.#nodes = nodes;
  }

  kind(kinds: readonly FaultKind[]): FaultKind {
    let left = this.random.next() * kinds.reduce((sum, kind) => sum + WEIGHTS[kind], 0);
    for (const kind of kinds) {
      left -= WEIGHTS[kind];
      if (left < 0) return kind;
    }
    return kinds.at(-1)!;
  }

  /** Uniform in the range. */
  within(name: keyof typeof FAULT_RANGES): number {
    const { low, high } = FAULT_RANGES[name];
    return low + this.random.next() * (high - low);
  }

  /** A whole number in the range; never the -0 that JSON does not know. */
  whole(name: keyof typeof FAULT_RANGES): number {
    return Math.round(this.within(name)) + 0;
  }

  /** In the range, short ones as often as long ones of ten times the length. */
  length(name: keyof typeof FAULT_RANGES): number {
    const { low, high } = FAULT_RANGES[name];
    return Math.round(100 * low * Math.pow(high / low, this.random.next())) / 100;
  }

  node(): string {
    return this.#nodes[this.random.integer(0, this.#nodes.length - 1)]!;
  }

  direction(): Direction {
    const one = this.random.integer(0, this.#nodes.length - 1);
    const other = (one + this.random.integer(1, this.#nodes.length - 1)) % this.#nodes.length;
    return [this.#nodes[one]!, this.#nodes[other]!];
  }

  /** One direction or more. */
  some(): Direction[] {
    const all = directionsBetween(this.#nodes.map((node) => [node]));
    const rate = this.random.next();
    const chosen = all.filter(() => this.random.chance(rate));
    return chosen.length > 0 ? chosen : [this.direction()];
  }

  /** Two sides that do not hear each other; one that is not heard; or any directions. */
  partition(): Direction[] {
    const shape = this.random.integer(0, 2);
    if (shape === 0) return this.some();
    const inside = new Set(this.#nodes.filter(() => this.random.chance(0.5)));
    if (inside.size === 0 || inside.size === this.#nodes.length) return this.some();
    const groups = [[...inside], this.#nodes.filter((node) => !inside.has(node))];
    const both = directionsBetween(groups);
    return shape === 1 ? both : both.filter(([from]) => inside.has(from));
  }
}
