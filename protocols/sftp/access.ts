/** The way to the sessions of one place: which to open, and how long they are kept. */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import type { Env } from "../../runtime/env/env.ts";
import { abortedError } from "../aborting.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession, SessionPool } from "../sessions.ts";
import type { SftpPlace, SftpTarget } from "./endpoint.ts";
import { SftpSession } from "./session.ts";
import type { OpenWire } from "./wire.ts";

/** How a target is reached. */
export type Carrier = (target: SftpTarget) => OpenWire | Promise<OpenWire>;

/** Sessions for one place, taken from those of all. */
export class SftpAccess {
  readonly place: SftpPlace;
  readonly env: Env;
  readonly #carrier: Carrier;
  readonly #pool: SessionPool<SftpSession>;
  #key: string | null = null;

  constructor(
    place: SftpPlace,
    env: Env,
    carrier: Carrier,
    pool: SessionPool<SftpSession>,
  ) {
    this.place = place;
    this.env = env;
    this.#carrier = carrier;
    this.#pool = pool;
  }

  /** A session, held until it is released. */
  take(signal: AbortSignal | null): Promise<HeldSession<SftpSession>> {
    return this.#pool.take(this.#keyOf(), () => this.#open(), signal);
  }

  /** Runs one call on a session. */
  async use<T>(
    action: string,
    signal: AbortSignal | null,
    call: (session: SftpSession) => Promise<T>,
  ): Promise<T> {
    if (signal?.aborted) throw abortedError(action, signal);
    const borrowing = this.#pool.borrow(this.#keyOf(), () => this.#open());
    const { session, release } = await untilAborted(action, signal, borrowing);
    try {
      return await untilAborted(action, signal, call(session));
    } finally {
      release();
    }
  }

  /** Whether it is the same server, reached in the same way by the same user. */
  isOfSame(other: SftpAccess): boolean {
    return this.#keyOf() === other.#keyOf();
  }

  /** A hash stands for the credentials: keys of maps end up in dumps. */
  #keyOf(): string {
    if (this.#key !== null) return this.#key;
    const { credentials, ...target } = this.place.target;
    const hasher = this.env.hash.sha256();
    hasher.update(new TextEncoder().encode(JSON.stringify(credentials)));
    return this.#key = JSON.stringify([target, hasher.digestHex()]);
  }

  async #open(): Promise<SftpSession> {
    const { target, label } = this.place;
    const idleMs = target.idleMs ?? protocolLimits.sftpIdleTimeoutMs;
    return await SftpSession.open(label, await this.#carrier(target), this.env, idleMs);
  }
}

/** Waits for `work` until the signal fires; what comes of it afterwards is dropped. */
export async function untilAborted<T>(
  action: string,
  signal: AbortSignal | null,
  work: Promise<T>,
  definite = true,
): Promise<T> {
  if (signal === null) return await work;
  try {
    return await unlessAborted(signal, work);
  } catch (thrown) {
    throw thrown === signal.reason ? abortedError(action, signal, definite) : thrown;
  }
}
