/** Who lives under which token, as the entities tell it themselves. */

import type { Simulation } from "../../../runtime/sim/simulation.ts";
import type { ClusterLife } from "./cluster_mesh.ts";

/** One life of one entity. */
export interface Birth {
  readonly key: string;
  readonly token: number;
  readonly host: ClusterLife;
  readonly atMs: number;
  diedAtMs: number | null;
}

/** Objects as soon as a key lives twice, or a token is not greater than all before. */
export class Census {
  /** All births, oldest first. */
  readonly births: Birth[] = [];
  readonly #sim: Simulation;
  readonly #tokens = new Map<string, number>();
  /** Grants whose holder was fenced: it may live on, nothing that it writes is taken. */
  readonly #fenced = new Set<number>();

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  born(host: ClusterLife, key: string, token: number): Birth {
    const sim = this.#sim;
    const before = this.#tokens.get(key) ?? 0;
    // A grant that was on its way when its holder was fenced may still arrive there, and do no harm.
    const isLate = this.#fenced.has(token);
    sim.check("tokens grow", token > before || isLate, `${key}: ${token} after ${before}`);
    this.#tokens.set(key, Math.max(token, before));
    for (const other of this.living(key)) {
      const isFenced = this.#fenced.has(other.token) || isLate;
      const who =
        `${key} on ${host.life} under ${token}, on ${other.host.life} under ${other.token}`;
      sim.check("nobody lives twice", isFenced, who);
      sim.sometimes("a fenced one lives on beside the next");
    }
    const birth = { key, token, host, atMs: sim.world.nowMs, diedAtMs: null };
    this.births.push(birth);
    sim.history.add({ kind: "born", node: host.name, key, token });
    return birth;
  }

  died(birth: Birth): void {
    const { key, token, host } = birth;
    this.#sim.check("nobody dies twice", birth.diedAtMs === null, `${key} under ${token}`);
    birth.diedAtMs = this.#sim.world.nowMs;
    this.#sim.history.add({ kind: "died", node: host.name, key, token });
  }

  fenced(token: number): void {
    this.#fenced.add(token);
  }

  isFenced(token: number): boolean {
    return this.#fenced.has(token);
  }

  /** Who lives, of that key; those of a process that has ended do not. */
  living(key: string): Birth[] {
    return this.births.filter((birth) =>
      birth.key === key && birth.diedAtMs === null && birth.host.env.alive
    );
  }
}

/** What entities write to, outside of the cluster; it refuses tokens smaller than it has seen. */
export class FencedResource {
  readonly #sim: Simulation;
  readonly #census: Census;
  readonly #highest = new Map<string, number>();
  /** Written since the last change of hands, by key. */
  readonly values = new Map<string, number>();

  constructor(sim: Simulation, census: Census) {
    this.#sim = sim;
    this.#census = census;
  }

  /** False if it was refused. */
  write({ key, token }: Birth): boolean {
    const highest = this.#highest.get(key) ?? 0;
    if (token < highest) {
      this.#sim.sometimes("a stale token is refused");
      // Only a fence lets somebody write who has been replaced.
      this.#sim.check(
        "who is replaced has ended",
        this.#census.isFenced(token),
        `${key}: ${token}`,
      );
      return false;
    }
    this.#highest.set(key, token);
    this.values.set(key, (this.values.get(key) ?? 0) + 1);
    return true;
  }
}
