/** Bodies of responses, pulled by their reader. */

import { unlessAborted } from "../../base/unless_aborted.ts";
import type { Block, NetBody } from "../env.ts";
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

/** A read that takes longer than this was asked for too much at once. */
const SLOW_READ_MS = 100;
const FAST_READ_MS = 20;

/**
 * A body of any length, read by a byte reader: that one takes the buffer it is given and hands it
 * back, so {@link StreamBody.fill} moves the block's memory through it and copies nothing.
 *
 * How many bytes a read waits for follows the speed of the last ones. TLS delivers records of 16 KiB,
 * and a read for each costs a third of the rate (1 GiB: 3.0 s, with reads of 1 MiB 2.2 s); on a slow
 * link every byte must show at once, for progress and for the idle timeout.
 */
export class StreamBody implements NetBody {
  readonly #reader: ReadableStreamBYOBReader;
  readonly #context: BodyContext;
  readonly #bufferBytes: number;
  /** For {@link StreamBody.read}, made when it is first called. */
  #spare: Block | null = null;
  #least = 1;
  #state: "open" | "ended" | "cancelled" = "open";

  constructor(body: ReadableStream<Uint8Array>, context: BodyContext, bufferBytes: number) {
    this.#reader = body.getReader({ mode: "byob" });
    this.#context = context;
    this.#bufferBytes = bufferBytes;
  }

  async read(into: Uint8Array): Promise<number> {
    const spare = this.#spare ??= { bytes: new Uint8Array(this.#bufferBytes) };
    const count = await this.#take(spare, 0, Math.min(into.length, this.#bufferBytes), 1);
    into.set(spare.bytes.subarray(0, count));
    return count;
  }

  async fill(block: Block, start: number, end: number): Promise<number> {
    const begin = performance.now();
    const count = await this.#take(block, start, end, this.#least);
    this.#adapt(count, performance.now() - begin);
    return count;
  }

  async #take(block: Block, start: number, end: number, least: number): Promise<number> {
    if (this.#state === "cancelled") throw cancelled(this.#context);
    if (this.#state === "ended" || end <= start) return 0;
    const { buffer, length } = block.bytes;
    try {
      const view = new Uint8Array(buffer as ArrayBuffer, start, end - start);
      const min = Math.min(least, view.length);
      const { signal } = this.#context;
      // Deno 2.9.6 now and then leaves a read with `min` pending for ever when its request is aborted
      // while the server is silent (one abort in ten on a busy machine): it is not waited for.
      const { value, done } = await unlessAborted(signal, this.#reader.read(view, { min }));
      block.bytes = value === undefined ? new Uint8Array(length) : new Uint8Array(value.buffer);
      if (done) this.#state = "ended";
      return value?.length ?? 0;
    } catch (thrown) {
      // The reader has taken the memory with it.
      if (block.bytes.length !== length) block.bytes = new Uint8Array(length);
      const { url, signal } = this.#context;
      throw netError("read the body of an answer of", url, thrown, signal);
    }
  }

  async cancel(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "cancelled";
    const cancelling = quietly(this.#reader.cancel());
    if (!this.#context.signal.aborted) await cancelling;
  }

  #adapt(count: number, tookMs: number): void {
    if (tookMs > SLOW_READ_MS) this.#least = 1;
    else if (tookMs < FAST_READ_MS) this.#least = Math.max(this.#least, count * 2);
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
