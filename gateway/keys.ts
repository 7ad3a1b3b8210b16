/** API keys: what they look like, how they are made, who has one. Only hashes leave this room. */

import type { Principal } from "../actors/desk/messages.ts";
import type { Env, Hashing, Random } from "../runtime/env/env.ts";
import type { Door } from "./door.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";
import { RateLimits } from "./rate.ts";

const KEY_BYTES = 32;
const KEY_ID_BYTES = 8;
const KEY = /^qk_[A-Za-z0-9_-]{43}$/;
const LOOKUPS = "lookups";

/** Lower-case hexadecimal SHA-256 of a text. */
export function sha256Of(hash: Hashing, text: string): string {
  const hasher = hash.sha256();
  hasher.update(new TextEncoder().encode(text));
  return hasher.digestHex();
}

/** Lower-case hexadecimal. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A new key, 256 random bits: shown once, kept by nobody. */
export function newApiKey(random: Random): string {
  const text = btoa(String.fromCharCode(...random.bytes(KEY_BYTES)));
  return `qk_${text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

/** A new id of a key: not secret. */
export function newKeyId(random: Random): string {
  return `key-${hexOf(random.bytes(KEY_ID_BYTES))}`;
}

/** Whether a text looks like a key at all. */
export function isApiKey(text: string): boolean {
  return KEY.test(text);
}

interface Known {
  readonly principal: Principal | null;
  readonly untilMs: number;
}

/** Finds out who is asking; remembers it for a moment. */
export class KeyRing {
  readonly #door: Pick<Door, "authenticate">;
  readonly #env: Env;
  readonly #limits: GatewayLimits;
  /** By the key's hash, oldest first. */
  readonly #known = new Map<string, Known>();
  /** By the key itself: hashing it costs more than the rest of the gate. Emptied every `keyCacheMs`. */
  readonly #inUse = new Map<string, Known>();
  #inUseUntilMs = 0;
  readonly #looking = new Map<string, Promise<Principal | null>>();
  readonly #lookups: RateLimits;

  constructor(door: Pick<Door, "authenticate">, env: Env, limits: GatewayLimits) {
    this.#door = door;
    this.#env = env;
    this.#limits = limits;
    this.#lookups = new RateLimits(env.clock, limits.keyLookups, 1);
  }

  /** Who has this key; `null`: nobody. Problem `tooMany` where too many unknown keys come. */
  principalOf(key: string): Promise<Principal | null> | Principal | null {
    const nowMs = this.#env.clock.monotonic();
    const inUse = this.#inUse.get(key);
    if (inUse !== undefined && inUse.untilMs > nowMs) return inUse.principal;
    if (!isApiKey(key)) return null;
    const sha256 = sha256Of(this.#env.hash, key);
    const known = this.#known.get(sha256);
    if (known !== undefined && known.untilMs > nowMs) {
      this.#use(key, known, nowMs);
      return known.principal;
    }
    const looking = this.#looking.get(sha256);
    if (looking !== undefined) return looking;
    const waitMs = this.#lookups.take(LOOKUPS);
    if (waitMs > 0) {
      throw new Problem("tooMany", "check the API key: too many keys are looked up; try again", {
        retryable: true,
        retryAfterMs: waitMs,
      });
    }
    const asked = this.#look(sha256);
    this.#looking.set(sha256, asked);
    return asked;
  }

  /** Only keys that somebody has, and only for as long as their principals are trusted. */
  #use(key: string, known: Known, nowMs: number): void {
    const { keyCacheMs, keyTexts } = this.#limits;
    if (nowMs >= this.#inUseUntilMs) {
      this.#inUse.clear();
      this.#inUseUntilMs = nowMs + keyCacheMs;
    }
    if (known.principal !== null && this.#inUse.size < keyTexts) this.#inUse.set(key, known);
  }

  async #look(sha256: string): Promise<Principal | null> {
    try {
      const principal = await this.#door.authenticate(sha256);
      const { keyCacheMs, unknownKeyCacheMs, trackedKeys } = this.#limits;
      const keptMs = principal === null ? unknownKeyCacheMs : keyCacheMs;
      this.#known.delete(sha256);
      this.#known.set(sha256, { principal, untilMs: this.#env.clock.monotonic() + keptMs });
      if (this.#known.size > trackedKeys) {
        for (const oldest of this.#known.keys()) {
          this.#known.delete(oldest);
          break;
        }
      }
      return principal;
    } finally {
      this.#looking.delete(sha256);
    }
  }
}
