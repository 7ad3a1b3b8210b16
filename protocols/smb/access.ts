/** The way to the sessions of one share: which to open, and how many. */

import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import type { Env } from "../../runtime/env/env.ts";
import { abortedError } from "../aborting.ts";
import type { Reach } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession, SessionPool } from "../sessions.ts";
import type { SmbPlace } from "./endpoint.ts";
import { type FileLimit, type SmbMachine, type Start, startSmbclient } from "./program.ts";
import { SmbSession } from "./session.ts";
import { Upload, uploadIdleMs } from "./upload.ts";

/** The sessions of all shares: short calls and reads are counted apart, and so are uploads. */
export interface SmbPools {
  readonly sessions: SessionPool<SmbSession>;
  readonly uploads: SessionPool<Upload>;
  readonly fileLimit: FileLimit;
}

/**
 * A read holds its session from the first byte to the last: two transfers that held one each and waited
 * for the other's would wait for ever, so calls do not wait for reads.
 */
export type Use = "calls" | "reads";

/** Sessions for one share, taken from those of all. */
export class SmbAccess {
  readonly place: SmbPlace;
  readonly env: Env;
  readonly machine: SmbMachine;
  readonly #reach: Reach;
  readonly #pools: SmbPools;
  #key: string | null = null;

  constructor(
    place: SmbPlace,
    env: Env,
    machine: SmbMachine,
    reach: Reach,
    pools: SmbPools,
  ) {
    this.place = place;
    this.env = env;
    this.machine = machine;
    this.#reach = reach;
    this.#pools = pools;
  }

  /** A session, held until it is released. */
  take(use: Use, signal: AbortSignal | null): Promise<HeldSession<SmbSession>> {
    return this.#pools.sessions.take(this.#keyOf(use), () => this.#open(), signal);
  }

  /**
   * Runs calls on a session. The signal ends it: what was asked last may have been done, and `isDefinite`
   * says that this is nothing to speak of.
   */
  async use<T>(
    action: string,
    signal: AbortSignal | null,
    call: (session: SmbSession) => Promise<T>,
    isDefinite = true,
  ): Promise<T> {
    if (signal?.aborted) throw abortedError(action, signal);
    const { session, release } = await this.take("calls", signal);
    const work = call(session);
    try {
      if (signal === null) return await work;
      return await unlessAborted(signal, work);
    } catch (thrown) {
      if (signal === null || thrown !== signal.reason) throw thrown;
      work.catch(() => {});
      // It may be in the middle of several calls.
      void session.end();
      throw abortedError(action, signal, isDefinite);
    } finally {
      release();
    }
  }

  /** A process for one file, `data` in a directory of the share. */
  async upload(directory: string, path: string): Promise<HeldSession<Upload>> {
    const held = await this.#pools.uploads.take(this.#keyOf("uploads"), async () => {
      const { label, target } = this.place;
      const program = startSmbclient(this.env, await this.#start(directory));
      const idleMs = uploadIdleMs(target.idleMs);
      return new Upload({ place: label, path, env: this.env, program, idleMs });
    }, null);
    held.session.begin();
    return held;
  }

  /** Whether parts of files can be read: by a folder of ours, and processes that it bounds. */
  async canReadParts(): Promise<boolean> {
    return this.machine.folder !== null && await this.#pools.fileLimit.isThere(this.env);
  }

  /** A session of its own, whose smbclient ends when a file of this machine gets longer than that. */
  limited(fileMaxBytes: number): Promise<SmbSession> {
    return this.#open(fileMaxBytes);
  }

  async #open(fileMaxBytes?: number): Promise<SmbSession> {
    const { target, label } = this.place;
    const start = await this.#start();
    const limit = fileMaxBytes === undefined ? {} : { fileMaxBytes };
    const program = startSmbclient(this.env, { ...start, ...limit });
    return await SmbSession.open(label, this.env, program, {
      connectMs: target.timeoutMs ?? protocolLimits.smbConnectTimeoutMs,
      idleMs: target.idleMs ?? protocolLimits.smbIdleTimeoutMs,
    });
  }

  async #start(uploadInto?: string): Promise<Start> {
    const { target } = this.place;
    const address = await this.#reach.addressFor(target.host, target.port);
    const start = { target, address, machine: this.machine };
    return uploadInto === undefined ? start : { ...start, uploadInto };
  }

  /** A hash stands for the password: keys of maps end up in dumps. */
  #keyOf(use: Use | "uploads"): string {
    if (this.#key === null) {
      const { proof, ...target } = this.place.target;
      const hasher = this.env.hash.sha256();
      hasher.update(new TextEncoder().encode(JSON.stringify(proof)));
      this.#key = JSON.stringify([target, hasher.digestHex()]);
    }
    return `${use} ${this.#key}`;
  }
}
