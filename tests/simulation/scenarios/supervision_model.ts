/** What supervision promises, as a model that only counts; one for each life of the node. */

import type { SupervisedPolicy } from "./supervision_tree.ts";

/** One incarnation of a supervisor. */
interface Watched {
  readonly policy: SupervisedPolicy;
  failures: number[];
  /** More failures than its intensity allows: nothing below it starts any more, and it fails. */
  isDoomed: boolean;
}

/** Objects by throwing through `object` as soon as a promise is broken. */
export class SupervisionModel {
  /** Restarts that were seen, and incarnations that failed for too many. */
  readonly seen = { restarts: 0, doomed: 0, watches: 0, ended: 0, asks: 0, settled: 0 };
  readonly #supervisors = new Map<string, Watched>();
  readonly #living = new Set<string>();
  readonly #tasks = new Map<string, number>();
  readonly #toldBefore = new Map<string, number>();
  readonly #endedOf = new Map<string, number>();
  readonly #object: (name: string, details: string) => never;

  constructor(object: (name: string, details: string) => never) {
    this.#object = object;
  }

  /** An incarnation of a supervisor begins. */
  supervises(key: string, policy: SupervisedPolicy): void {
    this.#supervisors.set(key, { policy, failures: [], isDoomed: false });
  }

  /** An incarnation begins below the supervisor incarnation `below`. */
  begins(address: string, incarnation: number, below: string | null): void {
    if (this.#living.has(address)) this.#object("one incarnation at a time", `${address} has two`);
    const tasks = this.#tasks.get(address) ?? 0;
    if (tasks > 0) {
      this.#object("one incarnation at a time", `${address} starts beside ${tasks} old tasks`);
    }
    if (incarnation > 1) this.seen.restarts += 1;
    const supervisor = below === null ? undefined : this.#supervisors.get(below);
    if (supervisor?.isDoomed === true) {
      this.#object("restarts stay within the intensity", `${address} starts below ${below}`);
    }
    this.#living.add(address);
  }

  /** It has ended, everything of it has settled. */
  ends(address: string, reason: "stopped" | "failed", nowMs: number, below: string | null): void {
    if (!this.#living.delete(address)) {
      this.#object("an incarnation ends once", `${address} was not alive`);
    }
    if (reason === "failed" && below !== null) this.fails(nowMs, below);
  }

  /** An incarnation failed, or did not start again. */
  fails(nowMs: number, below: string): void {
    const supervisor = this.#supervisors.get(below);
    if (supervisor === undefined || supervisor.isDoomed) return;
    const { max, perMs } = supervisor.policy;
    supervisor.failures = supervisor.failures.filter((atMs) => atMs > nowMs - perMs);
    supervisor.failures.push(nowMs);
    if (supervisor.failures.length > max) {
      supervisor.isDoomed = true;
      this.seen.doomed += 1;
    }
  }

  /** A supervisor, whose own code never fails, has ended. */
  supervisorEnds(key: string, reason: "stopped" | "failed"): void {
    if (reason === "failed" && this.#supervisors.get(key)?.isDoomed !== true) {
      this.#object("supervisors fail only beyond their intensity", key);
    }
  }

  taskBegins(address: string): void {
    this.#tasks.set(address, (this.#tasks.get(address) ?? 0) + 1);
  }

  taskEnds(address: string): void {
    this.#tasks.set(address, this.#tasks.get(address)! - 1);
  }

  watched(): void {
    this.seen.watches += 1;
  }

  /** A watched actor has told its watcher something. */
  tells(address: string): void {
    this.#toldBefore.set(address, (this.#toldBefore.get(address) ?? 0) + 1);
  }

  /** That has come. */
  told(address: string): void {
    if (this.#endedOf.has(address)) {
      this.#object("ended follows the last message", `${address} spoke after its end`);
    }
    this.#toldBefore.set(address, this.#toldBefore.get(address)! - 1);
  }

  /** `ended` has come; `isLate` if the watch was set when the actor had gone. */
  ended(address: string, isLate: boolean): void {
    this.seen.ended += 1;
    if (isLate) return;
    if (this.#endedOf.has(address)) this.#object("one ended for each watch", `${address} has two`);
    this.#endedOf.set(address, 1);
    const missing = this.#toldBefore.get(address) ?? 0;
    if (missing > 0) {
      this.#object("ended follows the last message", `${missing} of ${address} were on their way`);
    }
  }

  /** Who lives now. */
  get living(): number {
    return this.#living.size;
  }
}
