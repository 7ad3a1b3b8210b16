/** Data connections: one file or listing on its way, and what becomes of the session after it. */

import type { Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Line } from "./line.ts";
import { isDone, isIntermediate, isPreliminary, type Reply } from "./replies.ts";
import type { FtpSession } from "./session.ts";

/** What is to be moved. */
export interface TransferRequest {
  /** Verb and object, for messages. */
  readonly action: string;
  readonly command: string;
  /** The byte to begin with, by REST. */
  readonly from?: number;
}

/** A data connection that was opened, and what the server said when it began. */
interface Begun {
  readonly data: Line;
  /** The final reply, where it came in place of a preliminary one. */
  readonly final: Reply | null;
}

/** Bytes of a file or listing that come from a server. */
export class Download {
  readonly #session: FtpSession;
  readonly #action: string;
  readonly #data: Line;
  #final: Reply | null;
  #rest = new Uint8Array(0);
  #isOver = false;

  private constructor(session: FtpSession, action: string, { data, final }: Begun) {
    this.#session = session;
    this.#action = action;
    this.#data = data;
    this.#final = final;
  }

  static async open(session: FtpSession, request: TransferRequest): Promise<Download> {
    return new Download(session, request.action, await begun(session, request));
  }

  /** Fills `into` from its start with at least one byte; 0 at the end that the server confirmed. */
  async fill(into: Uint8Array): Promise<number> {
    let count = 0;
    // What has come is taken together: each wait costs a timer and some turns.
    do {
      if (this.#rest.length === 0) {
        const bytes = await this.next();
        if (bytes === null) return count;
        this.#rest = bytes;
      }
      const part = this.#rest.subarray(0, into.length - count);
      into.set(part, count);
      this.#rest = this.#rest.subarray(part.length);
      count += part.length;
    } while (count < into.length && this.#data.cameBytes > 0);
    return count;
  }

  /** The next bytes as they came; `null` at the end that the server confirmed. */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.#isOver) return null;
    const { env, idleMs } = this.#session;
    const bytes = this.#data.cameBytes > 0
      ? await this.#data.read()
      : await within(env, idleMs, this.#data.read(), () => this.#stalled(idleMs));
    // Closed meanwhile: whoever did that looks after the rest.
    if (this.#isOver) return null;
    if (bytes !== null) return bytes as Uint8Array<ArrayBuffer>;
    await this.#finish();
    return null;
  }

  /** Ends it, wherever it is: afterwards the session is ready for another call, or broken. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#data.end();
    if (this.#final === null) await recovered(this.#session);
  }

  async #finish(): Promise<void> {
    this.#isOver = true;
    await this.#data.end();
    const reply = this.#final ?? await this.#session.control.final(this.#session.idleMs);
    if (!isDone(reply)) throw refusalOf(this.#session, this.#action, reply);
  }

  #stalled(idleMs: number): ProtocolError {
    return stalled(this.#session, this.#action, idleMs);
  }
}

/** Bytes of a file that go to a server. */
export class Upload {
  readonly #session: FtpSession;
  readonly #action: string;
  readonly #data: Line;
  #final: Reply | null;
  #isOver = false;

  private constructor(session: FtpSession, action: string, { data, final }: Begun) {
    this.#session = session;
    this.#action = action;
    this.#data = data;
    this.#final = final;
  }

  static async open(session: FtpSession, request: TransferRequest): Promise<Upload> {
    return new Upload(session, request.action, await begun(session, request));
  }

  /** Sends all of `bytes`; they may be written over when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    const { env, idleMs } = this.#session;
    try {
      const writing = this.#data.write(bytes);
      await within(env, idleMs, writing, () => stalled(this.#session, this.#action, idleMs));
    } catch (thrown) {
      throw await this.#reason(thrown);
    }
  }

  /** Says that this was all, and waits until the server has it. */
  async finish(): Promise<void> {
    if (this.#isOver) return;
    try {
      await this.#data.finish();
    } catch (thrown) {
      throw await this.#reason(thrown);
    }
    this.#isOver = true;
    try {
      const reply = this.#final ?? await this.#session.control.final(this.#session.idleMs);
      if (!isDone(reply)) throw refusalOf(this.#session, this.#action, reply);
      await this.#drain();
    } finally {
      await this.#data.end();
      this.#retire();
    }
  }

  /** Gives it up: afterwards the session is ready for another call, or broken. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    await this.#data.end();
    if (this.#final === null) await recovered(this.#session);
  }

  /** What comes behind an upload is what a later TLS session is gone on with: see `dial.ts`. */
  async #drain(): Promise<void> {
    if (!this.#session.isPrivate) return;
    const { ftpAbortTimeoutMs } = protocolLimits;
    const late = () => new ProtocolError("timeout", `${this.#action}: its end did not come`);
    try {
      while (await within(this.#session.env, ftpAbortTimeoutMs, this.#data.read(), late) !== null);
    } catch {
      // Everything has arrived: how the connection ends matters no more.
    }
  }

  /** A server that was found to be strict gets a session for each upload, which brings nothing new. */
  #retire(): void {
    const { control, frugality, isPrivate, place } = this.#session;
    if (!isPrivate || !frugality.isNeeded) return;
    control.break(new ProtocolError("aborted", `the session with ${place} was used up`));
  }

  /** A server that takes no more bytes hangs up, and says why on the other connection. */
  async #reason(thrown: unknown): Promise<unknown> {
    if (this.#isOver || this.#session.isBroken) return thrown;
    this.#isOver = true;
    await this.#data.end();
    try {
      const { ftpAbortTimeoutMs } = protocolLimits;
      const reply = this.#final ?? await this.#session.control.final(ftpAbortTimeoutMs);
      return isDone(reply) ? thrown : refusalOf(this.#session, this.#action, reply);
    } catch {
      return thrown;
    }
  }
}

/**
 * The refusal of a transfer. Some servers want data connections to go on with the very TLS session of their
 * control connection, and what there is to go on with is used up by doing so: another session has more.
 */
function refusalOf(session: FtpSession, action: string, reply: Reply): ProtocolError {
  const refusal = session.refusal(action, reply);
  if (!session.isPrivate || (reply.code !== 425 && refusal.code !== "tls")) return refusal;
  const message =
    `cannot ${action} on ${session.place}: its TLS session could not be gone on with ` +
    `(the server answered ${reply.code}); another session may`;
  const error = new ProtocolError("tls", message, { cause: refusal, retryable: true });
  session.frugality.isNeeded = true;
  session.control.break(error);
  return error;
}

async function begun(session: FtpSession, request: TransferRequest): Promise<Begun> {
  const { control } = session;
  const { action, command, from = 0 } = request;
  const data = await session.openData();
  let hasBegun = false;
  try {
    if (from > 0) await restarted(session, action, from);
    await control.send(command);
    const reply = await control.next();
    hasBegun = isPreliminary(reply);
    if (!hasBegun && !isDone(reply)) throw session.refusal(action, reply);
    // Not before: a handshake uses up what a TLS session can be gone on with once.
    if (session.isPrivate) {
      const { ftpConnectTimeoutMs } = protocolLimits;
      const late = () => stalled(session, action, ftpConnectTimeoutMs);
      await within(session.env, ftpConnectTimeoutMs, session.secure(data), late);
    }
    return { data, final: hasBegun ? null : reply };
  } catch (thrown) {
    await data.end();
    if (hasBegun) await recovered(session);
    throw thrown;
  }
}

async function restarted(session: FtpSession, action: string, from: number): Promise<void> {
  const reply = await session.control.ask(`REST ${from}`);
  if (isIntermediate(reply)) return;
  const message =
    `cannot ${action} on ${session.place} from byte ${from} on: the server begins at ` +
    `the start only (it answered REST with ${reply.code})`;
  throw new ProtocolError("rangeNotSupported", message);
}

/**
 * After a data connection was closed early: its reply, and one to NOOP, which shows that no other was on
 * its way. A server that says something else, or nothing, is no longer understood.
 */
async function recovered({ control, place }: FtpSession): Promise<void> {
  const { ftpAbortTimeoutMs } = protocolLimits;
  try {
    await control.final(ftpAbortTimeoutMs);
    if (isDone(await control.ask("NOOP", ftpAbortTimeoutMs))) return;
  } catch {
    // It is broken by then.
  }
  const message =
    `cannot go on with ${place}: it is not clear what it does after a broken transfer`;
  control.break(new ProtocolError("badResponse", message, { definite: false }));
}

function stalled(session: FtpSession, action: string, idleMs: number): ProtocolError {
  const message = `cannot ${action} on ${session.place}: nothing moved for ${idleMs} ms`;
  const error = new ProtocolError("timeout", message, { definite: false });
  session.control.break(error);
  return error;
}

/** Settles as `work` does, or rejects with `late()` after so many milliseconds. */
async function within<T>(
  { timers }: Env,
  ms: number,
  work: Promise<T>,
  late: () => ProtocolError,
): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = timers.after(ms, () => timeout.reject(late()));
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    timer.cancel();
  }
}
