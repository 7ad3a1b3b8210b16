/**
 * The server's half of digest authentication (RFC 7616) before any handler of simulated requests, written
 * from the RFC beside ours: it computes with OpenSSL and knows nothing of the code that it judges.
 */

import { createHash } from "node:crypto";
import type { NetRequest } from "../../runtime/env/env.ts";
import type { SimReply } from "../../runtime/sim/hosts.ts";

/** How a server behaves that knows one user. */
export interface DigestGuardOptions {
  readonly username: string;
  readonly password: string;
  readonly realm?: string;
  readonly algorithms?: readonly ("SHA-256" | "MD5")[];
  /** After so many requests a nonce is stale; never unless set. */
  readonly usesPerNonce?: number;
  /** Every answer brings the nonce for the next request. */
  readonly tellsNext?: boolean;
  /** A nonce that has come of age is refused as if the password were wrong. */
  readonly hidesStale?: boolean;
  /** What it asks for in place of digest. */
  readonly challenge?: string;
  /** Methods that everybody may use. */
  readonly open?: readonly string[];
}

/** What came of a request. */
export interface Judged {
  readonly method: string;
  readonly verdict: "accepted" | "asked" | "stale" | "wrong";
  readonly count: number | null;
}

/** Judges requests; a nonce takes each count once, in any order, as connections bring them. */
export class DigestGuard {
  readonly judged: Judged[] = [];
  readonly #options: DigestGuardOptions;
  /** The counts that came with each nonce that is known. */
  readonly #counts = new Map<string, Set<number>>();
  #nonces = 0;

  constructor(options: DigestGuardOptions) {
    this.#options = options;
  }

  /** Who may ask. */
  get user(): { readonly username: string; readonly password: string } {
    const { username, password } = this.#options;
    return { username, password };
  }

  /** All nonces are forgotten, as by a server that was started again. */
  forget(): void {
    this.#counts.clear();
  }

  /** `null` for a request that may pass. */
  judge({ method, url, headers }: NetRequest): SimReply | null {
    if (this.#options.open?.includes(method)) return null;
    const { verdict, count } = this.#verdict(method, url, headers.authorization ?? null);
    this.judged.push({ method, verdict, count });
    if (verdict === "accepted") return null;
    const isStale = verdict === "stale" && this.#options.hidesStale !== true;
    return { status: 401, headers: { "www-authenticate": this.#challenge(isStale) } };
  }

  /** What goes with an answer. */
  info(): Record<string, string> {
    if (this.#options.tellsNext !== true) return {};
    return { "authentication-info": `nextnonce="${this.#nonce()}", qop=auth` };
  }

  #challenge(isStale: boolean): string {
    const { challenge, realm = 'paper, "kept"', algorithms = ["SHA-256"] } = this.#options;
    if (challenge !== undefined) return challenge;
    const shown = realm.replace(/["\\]/g, "\\$&");
    return algorithms.map((algorithm) =>
      `Digest realm="${shown}", qop="auth, auth-int", algorithm=${algorithm}, ` +
      `nonce="${this.#nonce()}", opaque="o p a q u e"${isStale ? ", stale=TRUE" : ""}`
    ).join(", ");
  }

  #nonce(): string {
    this.#nonces += 1;
    const nonce = `nonce-${this.#nonces}==`;
    this.#counts.set(nonce, new Set());
    return nonce;
  }

  #verdict(
    method: string,
    url: string,
    authorization: string | null,
  ): Pick<Judged, "verdict" | "count"> {
    if (authorization === null) return { verdict: "asked", count: null };
    const field = (name: string) => fieldOf(authorization, name);
    const nonce = field("nonce");
    const seen = this.#counts.get(nonce);
    const count = Number.parseInt(field("nc"), 16);
    if (!this.#isRight(method, url, field)) return { verdict: "wrong", count };
    const { usesPerNonce = Infinity } = this.#options;
    if (seen === undefined || seen.has(count) || count > usesPerNonce) {
      return { verdict: "stale", count };
    }
    seen.add(count);
    return { verdict: "accepted", count };
  }

  #isRight(method: string, url: string, field: (name: string) => string): boolean {
    const { username, password, realm = 'paper, "kept"', algorithms = ["SHA-256"] } = this.#options;
    const { pathname, search } = new URL(url);
    const algorithm = algorithms.find((one) => one === field("algorithm"));
    if (algorithm === undefined || field("uri") !== pathname + search) return false;
    if (field("qop") !== "auth" || field("opaque") !== "o p a q u e") return false;
    if (field("username") !== username || field("realm") !== realm) return false;
    const hash = (...parts: string[]) =>
      createHash(algorithm === "MD5" ? "md5" : "sha256").update(parts.join(":")).digest("hex");
    const response = hash(
      hash(username, realm, password),
      ...[field("nonce"), field("nc"), field("cnonce"), "auth"],
      hash(method, pathname + search),
    );
    return field("response") === response;
  }
}

function fieldOf(authorization: string, name: string): string {
  const found = new RegExp(`[ ,]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^ ,]*))`).exec(authorization);
  return found?.[1]?.replace(/\\(.)/g, "$1") ?? found?.[2] ?? "";
}
