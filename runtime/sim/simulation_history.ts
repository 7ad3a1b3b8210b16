/** What happened in a run, as the oracles read it. */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);

/** Something that happened: `kind` says what, `node` where. */
export interface Fact {
  readonly kind: string;
  readonly node?: string;
  readonly [name: string]: unknown;
}

/** A fact and its virtual time. */
export type PastFact = Fact & { readonly atMs: number };

/** Facts in the order in which they were recorded. */
export class History {
  readonly #facts: PastFact[] = [];
  readonly #nowMs: () => number;
  readonly #recorded: (fact: PastFact) => void;

  constructor(nowMs: () => number, recorded: (fact: PastFact) => void) {
    this.#nowMs = nowMs;
    this.#recorded = recorded;
  }

  /** Records one. */
  add(fact: Fact): void {
    assert(this.#facts.length < LIMITS.historyFacts, "a history fits historyFacts");
    const past = { ...fact, atMs: this.#nowMs() };
    this.#facts.push(past);
    this.#recorded(past);
  }

  /** All of them, or those of one kind. */
  facts(kind?: string): readonly PastFact[] {
    return kind === undefined ? this.#facts : this.#facts.filter((fact) => fact.kind === kind);
  }
}
