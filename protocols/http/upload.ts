/**
 * One file on its way into one request (RFC 9110, 9.3.4).
 *
 * A request is complete, and what it makes visible, with its last byte: so the last bytes are held back
 * until {@link Upload.finish} says that they may go. A file that fits what is held back is sent at once
 * then, its size announced; a larger one is streamed while it is written.
 */

import type { ProtocolError } from "../errors.ts";
import { BodyPipe } from "./body_pipe.ts";
import { ask, type Done, indefinite, settled } from "./call.ts";
import type { Hop } from "./endpoint.ts";
import { type Client, Exchange, guarded } from "./exchange.ts";
import { failure } from "./failure.ts";

/** What an upload is made of. */
export interface UploadOptions {
  readonly client: Client;
  readonly hop: Hop;
  readonly method: string;
  /** Of this request, when it begins. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly accepts: readonly number[];
  /** Bytes of the file, where they are known: announced, and held to. */
  readonly size: number | null;
  readonly holdBackBytes: number;
  /** Sent before and after the bytes of the file. */
  readonly frame?: { readonly before: Uint8Array; readonly after: Uint8Array };
}

const NO_FRAME = { before: new Uint8Array(), after: new Uint8Array() };

/** Written in order, finished once. */
export class Upload {
  readonly #options: UploadOptions;
  readonly #stop = new AbortController();
  #held = new Uint8Array();
  #heldBytes = 0;
  #size = 0;
  #pipe: BodyPipe | null = null;
  #answer: Promise<Done> | null = null;
  #failure: { readonly why: unknown } | null = null;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Bytes written so far, held back or not. */
  get size(): number {
    return this.#size;
  }

  /** Something is at the server already. */
  get isSending(): boolean {
    return this.#pipe !== null;
  }

  /** What was written and not sent; valid until the next call. */
  get held(): Uint8Array {
    return this.#held.subarray(0, this.#heldBytes);
  }

  /** Takes all of `bytes`, as fast as the server does. Fails with what the server has refused it with. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== null) throw this.#failure.why;
    const { size, holdBackBytes } = this.#options;
    if (size !== null && this.#size + bytes.length > size) throw this.#wrongSize("tooLong");
    const going = this.#heldBytes + bytes.length - holdBackBytes;
    this.#size += bytes.length;
    if (going <= 0) return this.#hold(bytes);
    const pipe = this.#pipe ??= this.#begin();
    const ofHeld = Math.min(going, this.#heldBytes);
    await pipe.push(this.#held.subarray(0, ofHeld));
    this.#held.copyWithin(0, ofHeld, this.#heldBytes);
    this.#heldBytes -= ofHeld;
    await pipe.push(bytes.subarray(0, going - ofHeld));
    this.#hold(bytes.subarray(going - ofHeld));
  }

  /** Cuts off what was not sent yet; `false` if more than that would have to go. */
  truncate(size: number): boolean {
    if (size < this.#size - this.#heldBytes || size > this.#size) return false;
    this.#heldBytes -= this.#size - size;
    this.#size = size;
    return true;
  }

  /** Sends what was held back, and with it the end; the answer of the server. */
  async finish(): Promise<Done> {
    if (this.#failure !== null) throw this.#failure.why;
    const { size } = this.#options;
    if (size !== null && this.#size !== size) throw this.#wrongSize("truncated");
    if (this.#pipe === null || this.#answer === null) return await this.#sendAtOnce();
    try {
      await this.#pipe.push(this.held);
      await this.#pipe.push((this.#options.frame ?? NO_FRAME).after);
    } catch (thrown) {
      // The last bytes may have gone just before.
      throw indefinite(thrown);
    }
    this.#pipe.end();
    return await this.#answer.catch((thrown: unknown) => {
      throw indefinite(thrown);
    });
  }

  /** Breaks the request off: the server never sees its end. Idempotent, and it never fails. */
  async cancel(): Promise<void> {
    const { method, hop } = this.#options;
    const error = failure("aborted", { method, label: hop.label }, "the upload was given up");
    this.#fail(error);
    this.#stop.abort(error);
    await this.#answer?.then(() => {}, () => {});
  }

  #hold(bytes: Uint8Array): void {
    const needed = this.#heldBytes + bytes.length;
    if (needed > this.#held.length) {
      const { holdBackBytes } = this.#options;
      const larger = new Uint8Array(
        Math.min(holdBackBytes, Math.max(needed, this.#held.length * 2, 4_096)),
      );
      larger.set(this.held);
      this.#held = larger;
    }
    this.#held.set(bytes, this.#heldBytes);
    this.#heldBytes = needed;
  }

  #begin(): BodyPipe {
    const { client, hop, method, headers, accepts, size, frame = NO_FRAME } = this.#options;
    const length = size === null ? null : frame.before.length + size + frame.after.length;
    const pipe = new BodyPipe(length, frame.before);
    const exchange = new Exchange(client, method, hop, this.#stop.signal);
    this.#answer = guarded(exchange, async () => {
      await exchange.send(headers(), pipe);
      const done = await settled(exchange, accepts);
      if (pipe.isTaken) return done;
      const reason = `status ${done.status} came before the end of the file; nothing is sure`;
      throw failure("badResponse", exchange.place, reason, { definite: false });
    });
    this.#answer.catch((thrown: unknown) => {
      this.#fail(thrown);
    });
    return pipe;
  }

  #fail(why: unknown): void {
    this.#failure ??= { why };
    this.#pipe?.break(why);
  }

  async #sendAtOnce(): Promise<Done> {
    const { client, hop, method, headers, accepts, frame = NO_FRAME } = this.#options;
    const body = new Uint8Array(frame.before.length + this.#heldBytes + frame.after.length);
    body.set(frame.before);
    body.set(this.held, frame.before.length);
    body.set(frame.after, frame.before.length + this.#heldBytes);
    const { signal } = this.#stop;
    return await ask(client, hop, {
      method,
      headers: headers(),
      body,
      accepts,
      signal,
      changes: true,
    });
  }

  #wrongSize(code: "tooLong" | "truncated"): ProtocolError {
    const { method, hop, size } = this.#options;
    const what = code === "tooLong" ? "more" : "fewer";
    const reason =
      `the source announced ${size} bytes and delivered ${what}; nothing was published`;
    const error = failure(code, { method, label: hop.label }, reason, { definite: true });
    this.#fail(error);
    this.#stop.abort(error);
    return error;
  }
}
