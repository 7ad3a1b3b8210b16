/** Which controller an agent speaks to: the leader as far as it is known, else one after the other. */

import { assert } from "../../runtime/base/assert.ts";

/** Who leads, as a controller has said. */
export interface Leadership {
  readonly leader: string | null;
  readonly term: number;
}

/** The ids of the controllers; a function where they change while the agent runs. */
export type ControllerIds = readonly string[] | (() => readonly string[]);

/** The controllers of one agent, shared by all of its parts that speak to them. */
export class Controllers {
  readonly #nodes: () => readonly string[];
  #leader: string | null = null;
  #term = -1;
  #turn: number;

  /** `random` in [0, 1): agents that start together do not all begin with the same one. */
  constructor(nodes: ControllerIds, random: number) {
    this.#nodes = typeof nodes === "function" ? nodes : () => nodes;
    assert(this.nodes.length > 0, "an agent has at least one controller");
    this.#turn = Math.floor(random * this.nodes.length);
  }

  /** All of them, as they are known now. */
  get nodes(): readonly string[] {
    return this.#nodes();
  }

  /** Whether a node is one of them. */
  has(node: string): boolean {
    return this.nodes.includes(node);
  }

  /** The leader, as far as it is known and has answered. */
  get leader(): string | null {
    return this.#leader;
  }

  /** Whom to ask now. */
  next(): string {
    return this.#leader ?? this.nodes[this.#turn % this.nodes.length] as string;
  }

  /** A controller has said who leads; older news are passed over. */
  heard({ leader, term }: Leadership): void {
    if (term < this.#term) return;
    if (leader === null && term === this.#term) return;
    this.#term = term;
    this.#leader = leader !== null && this.nodes.includes(leader) ? leader : null;
  }

  /** It has not answered: another one is next. */
  failed(node: string): void {
    if (node === this.#leader) this.#leader = null;
    else if (node !== this.nodes[this.#turn % this.nodes.length]) return;
    this.#turn += 1;
  }
}
