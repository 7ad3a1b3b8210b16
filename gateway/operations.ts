/**
 * Changes that take long, and how they stand. This gateway remembers those that it has begun; the cluster
 * itself shows their outcome to everybody (`GET /v1/cluster`).
 */

import type { Written } from "../actors/desk/messages.ts";
import { errorData } from "../runtime/base/errors.ts";
import type { Env } from "../runtime/env/env.ts";
import { hexOf } from "./keys.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** One of them. */
export interface Operation {
  readonly id: string;
  /** What is being done, for people. */
  readonly what: string;
  readonly status: "running" | "succeeded" | "failed";
  /** Why it has failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
  readonly startedMs: number;
  readonly endedMs: number | null;
}

const ID_BYTES = 12;

/** See the file's comment. */
export class Operations {
  readonly #env: Env;
  readonly #limits: Pick<GatewayLimits, "operations">;
  /** Oldest first; with the key that began it. */
  readonly #known = new Map<string, { operation: Operation; keyId: string }>();

  constructor(env: Env, limits: Pick<GatewayLimits, "operations">) {
    this.#env = env;
    this.#limits = limits;
  }

  /** Begins one; Problem `overloaded` where too many run. */
  begin(keyId: string, what: string, work: () => Promise<Written>): Operation {
    this.#makeRoom();
    const id = `op-${hexOf(this.#env.random.bytes(ID_BYTES))}`;
    const startedMs = this.#env.clock.now();
    const operation: Operation = {
      id,
      what,
      status: "running",
      error: null,
      startedMs,
      endedMs: null,
    };
    this.#known.set(id, { operation, keyId });
    work().then(
      (written) => this.#end(id, written.ok ? null : written),
      (thrown) => this.#end(id, errorData(thrown)),
    );
    return operation;
  }

  /** An operation of this key; `undefined` where there is none. */
  find(keyId: string, id: string): Operation | undefined {
    const known = this.#known.get(id);
    return known?.keyId === keyId ? known.operation : undefined;
  }

  #end(id: string, refused: { readonly code: string; readonly message: string } | null): void {
    const known = this.#known.get(id);
    if (known === undefined) return;
    const error = refused === null ? null : { code: refused.code, message: refused.message };
    const status = error === null ? "succeeded" : "failed";
    const endedMs = this.#env.clock.now();
    this.#known.set(id, { ...known, operation: { ...known.operation, status, error, endedMs } });
  }

  #makeRoom(): void {
    if (this.#known.size < this.#limits.operations) return;
    for (const [id, { operation }] of this.#known) {
      if (operation.status === "running") continue;
      this.#known.delete(id);
      return;
    }
    throw new Problem("overloaded", "too many operations are running; wait until one has ended", {
      retryable: true,
      retryAfterMs: 10_000,
    });
  }
}
