/**
 * One large file on its way to a share, by a process of its own whose standard input is the file. Never by
 * a session's: smbclient would take what is left of a file that it could not write for commands.
 */

import type { Env } from "../../runtime/env/env.ts";
import type { RunningProgram } from "../../runtime/env/programs.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Session } from "../sessions.ts";
import { isSent } from "./answers.ts";
import { SmbRefusal, statusIn, unexpected } from "./status.ts";

/** What an upload needs to know. */
export interface UploadParts {
  /** For messages: `smb://host/share`. */
  readonly place: string;
  /** What is written, for messages. */
  readonly path: string;
  readonly env: Env;
  readonly program: RunningProgram;
  readonly idleMs: number;
}

/** Bytes in their order, once; a session of the pool that serves one file. */
export class Upload implements Session {
  readonly #parts: UploadParts;
  #ending: Promise<void> | null = null;
  #isBegun = false;
  #isSilent = false;

  constructor(parts: UploadParts) {
    this.#parts = parts;
  }

  /** Nobody else can use it once it has begun. */
  get isBroken(): boolean {
    return this.#isBegun;
  }

  /** It is one file's from here on. */
  begin(): this {
    this.#isBegun = true;
    return this;
  }

  /** Resolves when smbclient has taken the bytes; fails as it failed. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.#patiently(this.#parts.program.write(bytes));
    } catch (thrown) {
      throw await this.#failure(thrown);
    }
  }

  /** Resolves when the server has all of it and has closed it. */
  async finish(): Promise<void> {
    const { program } = this.#parts;
    await this.#patiently(program.closeInput());
    const { code, errors } = await this.#patiently(program.ended);
    await this.end();
    // What is said before it is about connecting.
    const said = errors.slice(Math.max(0, errors.indexOf("putting file ")));
    if (code === 0 && isSent(said)) return;
    throw this.#failureOf(errors);
  }

  end(): Promise<void> {
    this.#ending ??= this.#end();
    return this.#ending;
  }

  async #end(): Promise<void> {
    const { program } = this.#parts;
    program.kill();
    await program.ended;
    const buffer = new Uint8Array(4_096);
    while (await program.read(buffer).catch(() => 0) > 0);
  }

  async #patiently<T>(work: Promise<T>): Promise<T> {
    const { env, idleMs, program } = this.#parts;
    const timer = env.timers.after(idleMs, () => {
      this.#isSilent = true;
      program.kill();
    });
    try {
      return await work;
    } finally {
      timer.cancel();
    }
  }

  async #failure(cause: unknown): Promise<unknown> {
    const { program } = this.#parts;
    program.kill();
    const { errors } = await program.ended;
    const error = this.#failureOf(errors);
    return error instanceof ProtocolError ? error : cause;
  }

  #failureOf(errors: string): ProtocolError {
    const { place, path, idleMs } = this.#parts;
    const action = `write ${shownPath(path)}`;
    if (this.#isSilent) {
      const message = `cannot ${action} on ${place}: nothing was taken for ${idleMs} ms`;
      return new ProtocolError("timeout", message, { definite: false });
    }
    const status = statusIn(errors);
    if (status !== null) return new SmbRefusal(action, place, status);
    const text = errors.trim().slice(-300);
    if (text !== "") return unexpected(action, place, text);
    const message = `cannot ${action} on ${place}: smbclient ended`;
    return new ProtocolError("unreachable", message, { definite: false });
  }
}

/** How long an upload may wait for its server. */
export function uploadIdleMs(idleMs: number | null): number {
  return idleMs ?? protocolLimits.smbIdleTimeoutMs;
}
