/**
 * What one node holds, as a pure machine: it starts what it is granted, ends what is revoked, and never
 * starts under a token that it has seen, however late or often it hears of it.
 */

/** What was said about one entity. */
export interface Claim {
  readonly id: string;
  readonly token: number;
}

/** What happens to a keeper; `stopped`: the actor is gone, or was never started. */
export type KeeperInput =
  | ({ readonly do: "grant"; readonly kind: string } & Claim)
  | ({ readonly do: "revoke" } & Claim)
  | { readonly do: "stopped"; readonly id: string };

/** What must now be done, in order. */
export type KeeperEffect =
  | ({ readonly do: "start"; readonly kind: string } & Claim)
  | { readonly do: "stop"; readonly id: string }
  | ({ readonly do: "say"; readonly what: "started" | "ended" } & Claim);

interface Run {
  readonly token: number;
  isStopping: boolean;
}

/** See the head of this file. Owned by one keeper, changed in place. */
export class KeeperMachine {
  readonly #most: number;
  readonly #runs = new Map<string, Run>();
  /** The highest token heard of, by entity, oldest news first. */
  readonly #seen = new Map<string, number>();
  /** Stands for all entities that were forgotten: tokens grow over all of them. */
  #floor = 0;

  /** Remembers the tokens of at most so many entities. */
  constructor(most: number) {
    this.#most = most;
  }

  /** What runs, or has not ended yet. */
  holds(): Claim[] {
    return [...this.#runs].map(([id, { token }]) => ({ id, token }));
  }

  step(input: KeeperInput): KeeperEffect[] {
    switch (input.do) {
      case "grant":
        return this.#granted(input.id, input.kind, input.token);
      case "revoke":
        return this.#revoked(input.id, input.token);
      case "stopped":
        return this.#stopped(input.id);
    }
  }

  #granted(id: string, kind: string, token: number): KeeperEffect[] {
    const run = this.#runs.get(id);
    if (run?.token === token) {
      return run.isStopping ? [] : [{ do: "say", what: "started", id, token }];
    }
    if (token <= this.#highest(id)) return [{ do: "say", what: "ended", id, token }];
    // What was fenced elsewhere runs here still; the grant is said again when it has ended.
    if (run !== undefined) return this.#stop(id, run);
    this.#saw(id, token);
    this.#runs.set(id, { token, isStopping: false });
    return [{ do: "start", id, kind, token }, { do: "say", what: "started", id, token }];
  }

  #revoked(id: string, token: number): KeeperEffect[] {
    const run = this.#runs.get(id);
    if (token > this.#highest(id)) this.#saw(id, token);
    if (run === undefined || run.token > token) return [{ do: "say", what: "ended", id, token }];
    const stop = this.#stop(id, run);
    return run.token === token ? stop : [{ do: "say", what: "ended", id, token }, ...stop];
  }

  #stop(id: string, run: Run): KeeperEffect[] {
    if (run.isStopping) return [];
    run.isStopping = true;
    return [{ do: "stop", id }];
  }

  #stopped(id: string): KeeperEffect[] {
    const run = this.#runs.get(id);
    if (run === undefined) return [];
    this.#runs.delete(id);
    return [{ do: "say", what: "ended", id, token: run.token }];
  }

  #highest(id: string): number {
    return this.#seen.get(id) ?? this.#floor;
  }

  #saw(id: string, token: number): void {
    this.#seen.delete(id);
    this.#seen.set(id, token);
    if (this.#seen.size <= this.#most) return;
    const [oldest, highest] = this.#seen.entries().next().value!;
    this.#seen.delete(oldest);
    this.#floor = Math.max(this.#floor, highest);
  }
}
