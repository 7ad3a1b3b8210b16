/** One file as it comes from a share, from its first byte to its last. */

import type { TimerHandle } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { sizeRead } from "./answers.ts";
import { commandLine } from "./names.ts";
import type { SmbSession } from "./session.ts";
import { SmbRefusal, statusIn, unexpected } from "./status.ts";

/** Bytes that are on their way; its session serves nobody else meanwhile. */
export class Download {
  readonly #session: SmbSession;
  readonly #action: string;
  readonly #size: number;
  readonly #said: Promise<string>;
  #left: number;
  #isWaiting = false;
  #isSaid = false;
  #tail: TimerHandle | null = null;
  #finishing: Promise<void> | null = null;

  private constructor(session: SmbSession, action: string, size: number) {
    this.#session = session;
    this.#action = action;
    this.#size = size;
    this.#left = size;
    this.#said = this.#listen();
    this.#said.catch(() => {});
  }

  /** Begins to read a file that was seen to have `size` bytes. */
  static async begin(
    session: SmbSession,
    action: string,
    path: string,
    size: number,
  ): Promise<Download> {
    await session.begin(action, commandLine("get", [{ path }, { plain: "-" }]));
    return new Download(session, action, size);
  }

  /** One whose command was sent already. */
  static begun(session: SmbSession, action: string, size: number): Download {
    return new Download(session, action, size);
  }

  /** Fills `into` with at least one byte; 0 means the end, and that it was the right one. */
  async read(into: Uint8Array): Promise<number> {
    if (this.#left === 0) {
      await this.finish();
      return 0;
    }
    const room = into.subarray(0, Math.min(into.length, this.#left));
    this.#isWaiting = true;
    if (this.#isSaid) this.#expectTail();
    try {
      const count = await this.#session.bytes(this.#action, room);
      if (count === 0) throw await this.#short();
      this.#left -= count;
      return count;
    } finally {
      this.#isWaiting = false;
      this.#tail?.cancel();
    }
  }

  /** What was said after the last byte must fit it; a session that said otherwise is ended. */
  finish(): Promise<void> {
    this.#finishing ??= this.#finish();
    return this.#finishing;
  }

  /** Whether its session can serve others: it was read to its end, which was the right one. */
  get isFinished(): boolean {
    return this.#finishing !== null && !this.#session.isBroken;
  }

  async #finish(): Promise<void> {
    const said = await this.#session.patiently(this.#action, this.#said);
    this.#assertRead(said);
    const more = await this.#session.endBytes(this.#action);
    if (more.trim() === "") return;
    throw this.#session.fail(unexpected(this.#action, this.#session.place, more));
  }

  async #listen(): Promise<string> {
    const said = await this.#session.said(this.#action);
    this.#isSaid = true;
    if (this.#isWaiting) this.#expectTail();
    return said;
  }

  /** All bytes were written when the last word was said: what does not come now never will. */
  #expectTail(): void {
    this.#tail?.cancel();
    const { timers } = this.#session.env;
    this.#tail = timers.after(protocolLimits.smbTailMs, () => void this.#session.end());
  }

  async #short(): Promise<ProtocolError> {
    const said = await this.#said.catch(() => "");
    try {
      this.#assertRead(said);
    } catch (thrown) {
      return thrown as ProtocolError;
    }
    const at = this.#size - this.#left;
    const message = `cannot ${this.#action}: it ended at byte ${at} of ${this.#size}`;
    return this.#session.fail(new ProtocolError("truncated", message));
  }

  #assertRead(said: string): void {
    const { place } = this.#session;
    const status = statusIn(said.replace(/^getting file [^]* of size \d+ as - /, ""));
    const size = sizeRead(said);
    if (size === this.#size && status === null) return;
    if (size !== null) {
      const message = `cannot ${this.#action}: it was changed (size was ${this.#size}, is now ` +
        `${size}); start over`;
      throw this.#session.fail(new ProtocolError("changed", message, { definite: true }));
    }
    if (status !== null) {
      throw this.#session.fail(new SmbRefusal(this.#action, place, status));
    }
    if (said.trim() === "") throw this.#session.lost(this.#action);
    throw this.#session.fail(unexpected(this.#action, place, said));
  }
}
