/** The way to the sessions of one place: which to open, and how long they are kept. */

import type { Env } from "../../runtime/env/env.ts";
import { abortedError } from "../aborting.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession, SessionPool } from "../sessions.ts";
import type { SftpPlace, SftpTarget } from "./endpoint.ts";
import type { TrustedKeys } from "./host_keys.ts";
import { SftpSession } from "./session.ts";
import type { OpenWire } from "./wire.ts";
import { libraryWire } from "./wire_library.ts";
import { programWire } from "./wire_program.ts";

/** What the node has for SSH. */
export interface SftpMachine {
  /** Its known_hosts file; null: every host's key must be pinned. */
  readonly knownHosts: string | null;
  /** The socket of its SSH agent. */
  readonly agentSocket: string | null;
}

/** Sessions for one place, taken from those of all. */
export class SftpAccess {
  readonly place: SftpPlace;
  readonly env: Env;
  readonly #machine: SftpMachine;
  readonly #pool: SessionPool<SftpSession>;
  #key: string | null = null;

  constructor(
    place: SftpPlace,
    env: Env,
    machine: SftpMachine,
    pool: SessionPool<SftpSession>,
  ) {
    this.place = place;
    this.env = env;
    this.#machine = machine;
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
    return await SftpSession.open(label, await this.#wire(target), this.env, idleMs);
  }

  async #wire(target: SftpTarget): Promise<OpenWire> {
    const { agentSocket } = this.#machine;
    const knownHosts = target.knownHosts ?? this.#machine.knownHosts;
    const connectMs = target.timeoutMs ?? protocolLimits.sftpConnectTimeoutMs;
    if (target.transport === "program") {
      return programWire(target, this.env, { knownHosts, agentSocket, connectMs });
    }
    const known: TrustedKeys = { pins: [], knownHosts: await this.#knownHosts(knownHosts) };
    return libraryWire(target, { known, knownJump: known, agentSocket, connectMs });
  }

  /** Read anew for every session: whoever adds a line need not restart anything. */
  async #knownHosts(path: string | null): Promise<string | null> {
    if (path === null || await this.env.disk.stat(path) === null) return null;
    const file = await this.env.disk.open(path, { read: true });
    try {
      const { size } = await file.stat();
      const most = protocolLimits.sftpKnownHostsMaxBytes;
      if (size > most) {
        const message = `cannot use the known hosts in ${shownPath(path)}: it has ${size} bytes, ` +
          `and at most ${most} are read; shorten it`;
        throw new ProtocolError("badEndpoint", message);
      }
      const bytes = new Uint8Array(size);
      for (let at = 0; at < size;) {
        const count = await file.read(bytes.subarray(at), at);
        if (count === 0) break;
        at += count;
      }
      return new TextDecoder().decode(bytes);
    } finally {
      await file.close();
    }
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
  const aborted = Promise.withResolvers<never>();
  const giveUp = () => aborted.reject(abortedError(action, signal, definite));
  if (signal.aborted) giveUp();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
    aborted.promise.catch(() => {});
    work.catch(() => {});
  }
}
