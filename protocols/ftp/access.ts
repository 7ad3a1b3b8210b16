/** The way to the sessions of one place: how many of them, for what, and how long they are kept. */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import type { Env } from "../../runtime/env/env.ts";
import { abortedError, assertNotAborted } from "../aborting.ts";
import type { Reach } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { Places } from "../places.ts";
import type { HeldSession, SessionPool } from "../sessions.ts";
import { isAnotherCertificate } from "./dial_failure.ts";
import type { FtpPlace, FtpTarget } from "./endpoint.ts";
import type { Features } from "./features.ts";
import type { Dial } from "./line.ts";
import { type Frugality, FtpSession, judgedCertificate, type SessionParts } from "./session.ts";

/**
 * What a session is held for. A session does one thing at a time, and who holds one may wait for another:
 * so each use has seats of its own, and the order of waiting is list, read, write, reread, call. Who holds
 * a seat waits for none of an earlier kind, so nobody waits in a circle.
 */
export type SessionUse = "list" | "read" | "write" | "reread" | "call";

/** What all places of one protocol share. */
export interface FtpShared {
  readonly pool: SessionPool<FtpSession>;
  readonly seats: Seats;
  readonly servers: KnownServers;
}

/** The seats of each place and use. */
export class Seats {
  readonly #places = new Map<string, Places>();

  /** Resolves with a seat, and how to give it back; listings need none. */
  async take(
    place: string,
    use: SessionUse,
    sessions: number,
    signal: AbortSignal | null,
  ): Promise<() => void> {
    if (use === "list") return () => {};
    const key = `${use} ${place}`;
    const seats = this.#places.get(key) ??
      new Places(use === "call" ? Math.min(sessions, protocolLimits.ftpCallSessions) : sessions);
    this.#places.set(key, seats);
    await seats.enter(signal);
    return () => {
      seats.leave();
      if (seats.isEmpty && this.#places.get(key) === seats) this.#places.delete(key);
    };
  }
}

/** What is known of a server. */
interface KnownServer {
  readonly features: Features | null;
  /** Judged by the authorities of the endpoint. */
  readonly certificate: Uint8Array | null;
  readonly frugality: Frugality;
}

/** What was found out about servers, by place. */
export class KnownServers {
  readonly #servers = new Map<string, KnownServer>();

  get(place: string): KnownServer {
    const known = this.#servers.get(place) ??
      { features: null, certificate: null, frugality: { isNeeded: false } };
    this.#servers.set(place, known);
    return known;
  }

  add(place: string, more: Partial<KnownServer>): void {
    this.#servers.set(place, { ...this.get(place), ...more });
    const [oldest] = this.#servers.keys();
    if (this.#servers.size > protocolLimits.ftpServersMax) this.#servers.delete(oldest!);
  }
}

/** Sessions for one place, taken from those of all. */
export class FtpAccess {
  readonly place: FtpPlace;
  readonly env: Env;
  readonly #dial: Dial;
  readonly #reach: Reach;
  readonly #shared: FtpShared;
  #key: string | null = null;

  constructor(place: FtpPlace, env: Env, dial: Dial, reach: Reach, shared: FtpShared) {
    this.place = place;
    this.env = env;
    this.#dial = dial;
    this.#reach = reach;
    this.#shared = shared;
  }

  /** What the server can do, `null` before the first session with it. */
  get features(): Features | null {
    return this.#shared.servers.get(this.#keyOf()).features;
  }

  /** A session that nobody else uses until it is released; it is kept alive meanwhile. */
  async take(
    action: string,
    use: SessionUse,
    signal: AbortSignal | null,
  ): Promise<HeldSession<FtpSession>> {
    if (signal !== null) assertNotAborted(action, signal);
    const taking = this.#taken(use, signal);
    try {
      const held = await untilAborted(action, signal, taking);
      held.session.control.keepAlive();
      return held;
    } catch (thrown) {
      // Given up while the session was being opened: it goes to the next one who asks.
      taking.then(({ release }) => release(), () => {});
      throw thrown;
    }
  }

  /** Runs one call on a session; given up, it goes on until the session can be used by others. */
  async use<T>(
    action: string,
    signal: AbortSignal | null,
    call: (session: FtpSession) => Promise<T>,
    use: SessionUse = "call",
  ): Promise<T> {
    const { session, release } = await this.take(action, use, signal);
    const working = call(session).finally(release);
    return await untilAborted(action, signal, working, false);
  }

  async #taken(use: SessionUse, signal: AbortSignal | null): Promise<HeldSession<FtpSession>> {
    const key = this.#keyOf();
    const leave = await this.#shared.seats.take(key, use, this.place.sessions, signal);
    try {
      const { session, release } = await this.#shared.pool.take(key, () => this.#open(), signal);
      let isHeld = true;
      return {
        session,
        release: () => {
          if (!isHeld) return;
          isHeld = false;
          session.control.rest();
          release();
          leave();
        },
      };
    } catch (thrown) {
      leave();
      throw thrown;
    }
  }

  /** A hash stands for the credentials: keys of maps end up in dumps. */
  #keyOf(): string {
    if (this.#key !== null) return this.#key;
    const { credentials, tls, ...target } = this.place.target;
    const hasher = this.env.hash.sha256();
    hasher.update(new TextEncoder().encode(JSON.stringify([credentials, tls])));
    return this.#key = JSON.stringify([target, hasher.digestHex()]);
  }

  async #open(): Promise<FtpSession> {
    const { target, label } = this.place;
    const parts: SessionParts = {
      place: label,
      target,
      address: await this.#reach.addressFor(target.host, target.port),
      dial: this.#dial,
      env: this.env,
      features: this.features,
      trusted: null,
      frugality: this.#shared.servers.get(this.#keyOf()).frugality,
    };
    const session = namesAuthorities(target)
      ? await this.#openJudged(parts)
      : await FtpSession.open(parts);
    this.#shared.servers.add(this.#keyOf(), { features: session.features });
    return session;
  }

  /** A server may have got another certificate since it was judged. */
  async #openJudged(parts: SessionParts): Promise<FtpSession> {
    const { certificate } = this.#shared.servers.get(this.#keyOf());
    if (certificate !== null) {
      try {
        return await FtpSession.open({ ...parts, trusted: certificate });
      } catch (thrown) {
        if (!isAnotherCertificate(thrown)) throw thrown;
      }
    }
    const judged = await judgedCertificate(parts);
    this.#shared.servers.add(this.#keyOf(), { certificate: judged });
    return await FtpSession.open({ ...parts, trusted: judged });
  }
}

/** TLS sessions are not gone on with where the endpoint names authorities: see `dial.ts`. */
function namesAuthorities({ tls, encryption }: FtpTarget): boolean {
  return encryption !== "none" && (tls?.caCerts?.length ?? 0) > 0 && tls?.cert === undefined;
}

/** Waits for `work` until the signal fires; what comes of it afterwards is dropped. */
export async function untilAborted<T>(
  action: string,
  signal: AbortSignal | null,
  work: Promise<T>,
  definite = true,
): Promise<T> {
  if (signal === null) return await work;
  work.catch(() => {});
  try {
    return await unlessAborted(signal, work);
  } catch (thrown) {
    throw thrown === signal.reason ? abortedError(action, signal, definite) : thrown;
  }
}
