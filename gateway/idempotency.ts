/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): the same key and request is done once,
 * however often and wherever it is sent. What was done is remembered by the controllers; this gateway
 * remembers what is being worked on, and its last answers.
 */

import type { Env } from "../runtime/env/env.ts";
import { hexOf, sha256Of } from "./keys.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** What makes two requests the same. */
export interface RequestIdentity {
  readonly keyId: string;
  /** The header; `null`: the gateway makes a key for this request alone. */
  readonly header: string | null;
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** `If-Match` and `If-None-Match`: what was asked depends on them. */
  readonly conditions: string;
  readonly body: string;
}

/** A request under its key. */
export interface Keyed {
  /** As the controllers know it: nobody can tell the client's key from it, or use another client's. */
  readonly key: string;
  readonly fingerprint: string;
}

interface Kept {
  readonly fingerprint: string;
  readonly untilMs: number;
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
}

const RANDOM_BYTES = 16;

/** The requests of one gateway by their keys. */
export class Idempotency {
  readonly #env: Env;
  readonly #limits: GatewayLimits;
  readonly #inFlight = new Map<string, string>();
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();

  constructor(env: Env, limits: GatewayLimits) {
    this.#env = env;
    this.#limits = limits;
  }

  /** Key and fingerprint of a request. */
  keyed(identity: RequestIdentity): Keyed {
    const { keyId, header, method, path, conditions, body } = identity;
    const given = header === null ? hexOf(this.#env.random.bytes(RANDOM_BYTES)) : keyText(
      header,
      this.#limits.idempotencyKeyCharacters,
    );
    const said = JSON.stringify([method, path, conditions, body]);
    return {
      key: sha256Of(this.#env.hash, JSON.stringify([keyId, given])),
      fingerprint: sha256Of(this.#env.hash, said),
    };
  }

  /** The answer of `work`, or the one that this request had; 409 while it is worked on, 422 for another. */
  async once(keyed: Keyed, work: () => Promise<Response>): Promise<Response> {
    const { key, fingerprint } = keyed;
    const running = this.#inFlight.get(key);
    if (running !== undefined) throw running === fingerprint ? inFlight() : reused();
    const kept = this.#kept.get(key);
    if (kept !== undefined && kept.untilMs > this.#env.clock.monotonic()) {
      if (kept.fingerprint !== fingerprint) throw reused();
      const headers = new Headers(
        kept.headers.map(([name, value]): [string, string] => [name, value]),
      );
      headers.set("idempotency-replayed", "true");
      return new Response(kept.body, { status: kept.status, headers });
    }
    this.#inFlight.set(key, fingerprint);
    try {
      return await this.#keep(keyed, await work());
    } finally {
      this.#inFlight.delete(key);
    }
  }

  async #keep({ key, fingerprint }: Keyed, response: Response): Promise<Response> {
    if (!response.ok) return response;
    const body = await response.text();
    const headers = [...response.headers];
    if (body.length <= this.#limits.idempotencyBytes) {
      const untilMs = this.#env.clock.monotonic() + this.#limits.idempotencyMs;
      this.#kept.delete(key);
      this.#kept.set(key, { fingerprint, untilMs, status: response.status, headers, body });
      this.#forget();
    }
    return new Response(response.status === 204 ? null : body, {
      status: response.status,
      headers: response.headers,
    });
  }

  #forget(): void {
    const nowMs = this.#env.clock.monotonic();
    for (const [key, { untilMs }] of this.#kept) {
      if (untilMs > nowMs && this.#kept.size <= this.#limits.idempotencyKeys) return;
      this.#kept.delete(key);
    }
  }
}

/** A structured string (RFC 8941), as the draft has it, or the bare text that most clients send. */
function keyText(header: string, most: number): string {
  const text = /^"(.*)"$/.exec(header)?.[1] ?? header;
  if (text.length > 0 && text.length <= most && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new Problem("malformedRequest", "the Idempotency-Key cannot be used", {
    errors: [{
      detail: `write 1 to ${most} visible ASCII characters without spaces, a UUID for example`,
      header: "Idempotency-Key",
    }],
  });
}

function inFlight(): Problem {
  return new Problem(
    "requestInFlight",
    "a request with this Idempotency-Key is being worked on; ask again in a moment",
    { retryable: true, retryAfterMs: 1_000 },
  );
}

/** Problem `keyReused`. */
export function reused(): Problem {
  return new Problem(
    "keyReused",
    "another request was sent with this Idempotency-Key; send a new key with a new request",
    { errors: [{ detail: "used before for another request", header: "Idempotency-Key" }] },
  );
}
