/** Logging in by digest authentication: what servers have asked so far, and what a request answers. */

import type { Env } from "../../runtime/env/env.ts";
import { protocolLimits } from "../limits.ts";
import { parseChallenges, parseParameters } from "./challenge.ts";
import { authorizationOf, digestAmong, type DigestChallenge, type DigestUser } from "./digest.ts";

const CLIENT_NONCE_BYTES = 16;
const SCHEMES_SHOWN = 5;
const SCHEME_SHOWN_CHARACTERS = 20;

/** One user at one origin. What a server has asked once is answered beforehand from then on. */
export class DigestLogin {
  readonly #user: DigestUser;
  readonly #env: Env;
  #challenge: DigestChallenge | null = null;
  /** Requests that were made with this nonce. */
  #count = 0;
  #acceptedAtMs = -Infinity;

  constructor(user: DigestUser, env: Env) {
    this.#user = user;
    this.#env = env;
  }

  /** An answer was taken a moment ago: one that is given now will be, as far as anybody can tell. */
  get isFresh(): boolean {
    if (this.#challenge === null) return false;
    return this.#env.clock.monotonic() - this.#acceptedAtMs < protocolLimits.httpLoginFreshMs;
  }

  /** The field of one request, and the nonce it answers; `null` before the server has asked. */
  answer(method: string, url: URL): { readonly value: string; readonly nonce: string } | null {
    if (this.#challenge === null) return null;
    this.#count += 1;
    const request = {
      method,
      target: url.pathname + url.search,
      count: this.#count,
      clientNonce: this.#env.random.bytes(CLIENT_NONCE_BYTES).toHex(),
    };
    const value = authorizationOf(this.#challenge, this.#user, request, this.#env.hash);
    return { value, nonce: this.#challenge.nonce };
  }

  /** Answers this from now on, unless another request has learnt something newer than `used`. */
  learn(challenge: DigestChallenge, used: string | null): void {
    if (this.#challenge !== null && this.#challenge.nonce !== used) return;
    this.#challenge = challenge;
    this.#count = 0;
  }

  /** An answer was taken; the server may have said which nonce it wants next. */
  accepted(nonce: string | null): void {
    this.#acceptedAtMs = this.#env.clock.monotonic();
    if (nonce === null) return;
    if (this.#challenge === null || this.#challenge.nonce === nonce) return;
    this.#challenge = { ...this.#challenge, nonce, isStale: false };
    this.#count = 0;
  }

  /** The answer was wrong: whoever comes next waits to be asked. */
  forget(nonce: string | null): void {
    if (this.#challenge?.nonce === nonce) this.#challenge = null;
  }
}

/** The logins of all ends of a protocol. */
export class DigestLogins {
  readonly #logins = new Map<string, DigestLogin>();

  /** The login of a user at an origin; a hash stands for both: keys of maps end up in dumps. */
  at(origin: string, user: DigestUser, env: Env): DigestLogin {
    const hasher = env.hash.sha256();
    const { username, password } = user;
    hasher.update(new TextEncoder().encode(JSON.stringify([origin, username, password])));
    const key = hasher.digestHex();
    const login = this.#logins.get(key) ?? new DigestLogin({ username, password }, env);
    this.#logins.set(key, login);
    const [oldest] = this.#logins.keys();
    if (this.#logins.size > protocolLimits.httpLoginsMax) this.#logins.delete(oldest!);
    return login;
  }
}

/** What a refusal for want of credentials means. */
export type Verdict =
  /** Asked once more, the request can answer. */
  | { readonly kind: "again" }
  /** The credentials are not what the server knows. */
  | { readonly kind: "wrong" }
  /** Every answer comes too late. */
  | { readonly kind: "restless" }
  /** The server asks for something else. */
  | { readonly kind: "otherwise"; readonly schemes: string };

/** The part of one request in a login. */
export class LoginProof {
  readonly #login: DigestLogin;
  #used: string | null = null;
  #rounds = 0;

  constructor(login: DigestLogin) {
    this.#login = login;
  }

  /** Header fields for a request that is sent now. */
  headers(method: string, url: URL): Readonly<Record<string, string>> {
    const answer = this.#login.answer(method, url);
    this.#used = answer?.nonce ?? null;
    return answer === null ? {} : { authorization: answer.value };
  }

  /** What an accepted answer says of the next one. */
  accepted(headers: ReadonlyMap<string, string>): void {
    if (this.#used === null) return;
    const nonce = parseParameters(headers.get("authentication-info") ?? "").get("nextnonce");
    this.#login.accepted(nonce !== undefined && /^[\x21-\x7e]+$/.test(nonce) ? nonce : null);
  }

  /**
   * A nonce that an earlier request brought may have come of age without the server saying so; one that
   * came in answer to this request is right, and then the credentials are wrong.
   */
  refused(headers: ReadonlyMap<string, string>): Verdict {
    const challenges = parseChallenges(headers.get("www-authenticate") ?? "");
    const challenge = digestAmong(challenges);
    if (challenge === null) return { kind: "otherwise", schemes: shownSchemes(challenges) };
    const isWrong = this.#used !== null && !challenge.isStale &&
      (this.#rounds > 0 || this.#used === challenge.nonce);
    if (isWrong) {
      this.#login.forget(this.#used);
      return { kind: "wrong" };
    }
    if (this.#rounds >= protocolLimits.httpChallengesMax) return { kind: "restless" };
    this.#rounds += 1;
    this.#login.learn(challenge, this.#used);
    return { kind: "again" };
  }
}

function shownSchemes(challenges: readonly { readonly scheme: string }[]): string {
  const schemes = [...new Set(challenges.map(({ scheme }) => scheme))].slice(0, SCHEMES_SHOWN);
  if (schemes.length === 0) return "nothing";
  return schemes.map((scheme) => scheme.slice(0, SCHEME_SHOWN_CHARACTERS)).join(", ");
}
