/** Data connections: one file or listing on its way, and what becomes of the session after it. */

import type { Env } from "../../runtime/env/env.ts";
import { Deadline } from "../deadline.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Line } from "./line.ts";
import { onPlace } from "./meaning.ts";
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

/** What transfers of both directions are: a data connection, and the reply that ends it. */
abstract class Transfer {
  protected readonly session: FtpSession;
  protected readonly action: string;
  protected readonly data: Line;
  protected isOver = false;
  readonly #final: Reply | null;
  readonly #deadline: Deadline<ProtocolError>;
  #isLate: ((error: ProtocolError) => void) | null = null;

  constructor(session: FtpSession, action: string, { data, final }: Begun) {
    this.session = session;
    this.action = action;
    this.data = data;
    this.#final = final;
    this.#deadline = new Deadline(session.env, (error) => this.#isLate?.(error));
  }

  /** Ends it, wherever it is: afterwards the session is ready for another call, or broken. */
  async close(): Promise<void> {
    if (this.isOver) return;
    await this.hangUp();
    if (this.#final === null) await recovered(this.session);
  }

  /** Nothing moves any more; the reply is still owed. */
  protected async hangUp(): Promise<void> {
    this.isOver = true;
    this.#deadline.stop();
    await this.data.end();
  }

  /** What the server says at the end. */
  protected async final(withinMs = this.session.idleMs): Promise<Reply> {
    return this.#final ?? await this.session.control.final(withinMs);
  }

  protected async confirmed(): Promise<void> {
    const reply = await this.final();
    if (!isDone(reply)) throw refusalOf(this.session, this.action, reply);
  }

  /** Settles as `moving` does, or breaks the session where nothing moves. */
  protected async moved<T>(moving: Promise<T>): Promise<T> {
    const { idleMs } = this.session;
    const late = Promise.withResolvers<never>();
    this.#isLate = late.reject;
    this.#deadline.arm(idleMs, () => stalled(this.session, this.action, idleMs));
    try {
      return await Promise.race([moving, late.promise]);
    } finally {
      this.#deadline.disarm();
    }
  }
}

/** Bytes of a file or listing that come from a server. */
export class Download extends Transfer {
  #rest = new Uint8Array(0);

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
    } while (count < into.length && this.data.cameBytes > 0);
    return count;
  }

  /** The next bytes as they came; `null` at the end that the server confirmed. */
  async next(): Promise<Uint8Array<ArrayBuffer> | null> {
    if (this.isOver) return null;
    const hasCome = this.data.cameBytes > 0;
    const reading = this.data.read();
    const bytes = hasCome ? await reading : await this.moved(reading);
    // Closed meanwhile: whoever did that looks after the rest.
    if (this.isOver) return null;
    if (bytes !== null) return bytes as Uint8Array<ArrayBuffer>;
    await this.hangUp();
    await this.confirmed();
    return null;
  }
}

/** Bytes of a file that go to a server. */
export class Upload extends Transfer {
  static async open(session: FtpSession, request: TransferRequest): Promise<Upload> {
    return new Upload(session, request.action, await begun(session, request));
  }

  /** Sends all of `bytes`; they may be written over when it resolves. */
  async write(bytes: Uint8Array): Promise<void> {
    try {
      await this.moved(this.data.write(bytes));
    } catch (thrown) {
      throw await this.#reason(thrown);
    }
  }

  /** Says that this was all, and waits until the server has it. */
  async finish(): Promise<void> {
    if (this.isOver) return;
    try {
      await this.data.finish();
    } catch (thrown) {
      throw await this.#reason(thrown);
    }
    this.isOver = true;
    try {
      await this.confirmed();
      await this.#drain();
    } finally {
      await this.hangUp();
      this.#retire();
    }
  }

  /** What comes behind an upload is what a later TLS session is gone on with: see `dial.ts`. */
  async #drain(): Promise<void> {
    if (!this.session.isPrivate) return;
    const { ftpAbortTimeoutMs } = protocolLimits;
    const late = () => new ProtocolError("timeout", `${this.action}: its end did not come`);
    try {
      while (await within(this.session.env, ftpAbortTimeoutMs, this.data.read(), late) !== null);
    } catch {
      // Everything has arrived: how the connection ends matters no more.
    }
  }

  /** A server that was found to be strict gets a session for each upload, which brings nothing new. */
  #retire(): void {
    const { control, frugality, isPrivate, place } = this.session;
    if (!isPrivate || !frugality.isNeeded) return;
    control.break(new ProtocolError("aborted", `the session with ${place} was used up`));
  }

  /** A server that takes no more bytes hangs up, and says why on the other connection. */
  async #reason(thrown: unknown): Promise<unknown> {
    if (this.isOver || this.session.isBroken) return thrown;
    await this.hangUp();
    try {
      const reply = await this.final(protocolLimits.ftpAbortTimeoutMs);
      return isDone(reply) ? thrown : refusalOf(this.session, this.action, reply);
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
    `cannot ${onPlace(action, session.place)}: its TLS session could not be gone on with ` +
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
    `cannot ${onPlace(action, session.place)} from byte ${from} on: the server begins at ` +
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
  const message = `cannot ${onPlace(action, session.place)}: nothing moved for ${idleMs} ms`;
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
