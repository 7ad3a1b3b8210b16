/** Bodies of responses, pulled by their reader. */

import type { NetBody } from "../env.ts";
import { NetError } from "../errors.ts";
import { netError, originOf } from "./net_errors.ts";

/** What a body needs to know of its request. */
export interface BodyContext {
  readonly url: string;
  readonly signal: AbortSignal;
}

/** A body without bytes: HEAD, 204, 304. */
export const EMPTY_BODY: NetBody = {
  read: () => Promise.resolve(0),
  cancel: () => Promise.resolve(),
};

/**
 * A body announced small, taken whole at the first read: `bytes()` reaches 17 k requests a second
 * of 4 KiB where a BYOB reader reaches 11 k and a default reader 8 k (nginx, 16 at once, one thread).
 */
export class SmallBody implements NetBody {
  readonly #response: Response;
  readonly #context: BodyContext;
  readonly #announced: number;
  #rest: Uint8Array | null = null;
  #cancelled = false;

  constructor(response: Response, context: BodyContext, announced: number) {
    this.#response = response;
    this.#context = context;
    this.#announced = announced;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#cancelled) throw cancelled(this.#context);
    this.#rest ??= await this.#take();
    const part = this.#rest.subarray(0, into.length);
    into.set(part);
    this.#rest = this.#rest.subarray(part.length);
    return part.length;
  }

  async cancel(): Promise<void> {
    if (this.#cancelled) return;
    this.#cancelled = true;
    if (this.#rest === null && !this.#response.bodyUsed) {
      await quietly(this.#response.body?.cancel());
    }
  }

  async #take(): Promise<Uint8Array> {
    const { url, signal } = this.#context;
    try {
      const bytes = await this.#response.bytes();
      if (bytes.length !== this.#announced) throw new Error("unexpected end of the body");
      return bytes;
    } catch (thrown) {
      throw netError("read the body of an answer of", url, thrown, signal);
    }
  }
}

/**
 * A body of any length through one private buffer. A byte reader detaches the buffer that it is
 * given and hands it back, and takes no shared memory: so the bytes are copied once more into the
 * caller's (10 GB/s), and nothing is allocated per read.
 */
export class StreamBody implements NetBody {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #context: BodyContext;
  readonly #bufferBytes: number;
  #buffer: ArrayBuffer | null = null;
  #state: "open" | "ended" | "cancelled" = "open";

  constructor(body: ReadableStream<Uint8Array>, context: BodyContext, bufferBytes: number) {
    this.#reader = body.getReader({ mode: "byob" });
    this.#context = context;
    this.#bufferBytes = bufferBytes;
  }

  async read(into: Uint8Array): Promise<number> {
    if (this.#state === "cancelled") throw cancelled(this.#context);
    if (this.#state === "ended" || into.length === 0) return 0;
    const buffer = this.#buffer ?? new ArrayBuffer(this.#bufferBytes);
    this.#buffer = null;
    const length = Math.min(into.length, this.#bufferBytes);
    try {
      const { value, done } = await this.#reader.read(new Uint8Array(buffer, 0, length));
      if (done) {
        this.#state = "ended";
        return 0;
      }
      into.set(value);
      this.#buffer = value.buffer;
      return value.length;
    } catch (thrown) {
      const { url, signal } = this.#context;
      throw netError("read the body of an answer of", url, thrown, signal);
    }
  }

  async cancel(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "cancelled";
    await quietly(this.#reader.cancel());
  }
}

/** A cancelled body that was broken already has nothing left to report: its reader got the error. */
async function quietly(cancelling: Promise<void> | undefined): Promise<void> {
  try {
    await cancelling;
  } catch (thrown) {
    void thrown;
  }
}

function cancelled(context: BodyContext): NetError {
  return new NetError(
    "aborted",
    `cannot read the body of an answer of ${originOf(context.url)}: it was cancelled`,
  );
}
