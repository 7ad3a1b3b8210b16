/** Bodies of requests that are sent while they are being made. */

import type { Block, NetBody, NetUpload } from "../env.ts";
import { NetError } from "../errors.ts";
import { originOf } from "./net_errors.ts";

/**
 * `fetch` announces the length of a Blob and sends every other stream in chunks, whatever header is set
 * (Deno 2.9.6; it drops a `content-length`). So a stream whose length is known goes as a Blob of that size.
 */
class SizedStream extends Blob {
  readonly #stream: ReadableStream<Uint8Array<ArrayBuffer>>;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>, size: number) {
    super();
    this.#stream = stream;
    Object.defineProperty(this, "size", { value: size });
  }

  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream;
  }
}

/** One body under way. */
export class Sending {
  readonly #upload: NetUpload;
  readonly #url: string;
  readonly #pieceBytes: number;
  readonly #stop = new AbortController();
  #left: number;
  #isSent = false;
  /** Why the body broke off; the connection tells no more than that it did. */
  #failure: NetError | null = null;

  constructor(upload: NetUpload, url: string, pieceBytes: number) {
    this.#upload = upload;
    this.#url = url;
    this.#pieceBytes = pieceBytes;
    this.#left = upload.length ?? Infinity;
  }

  get failure(): NetError | null {
    return this.#failure;
  }

  /** The signal that ends the request: the caller's, or that of {@link Sending.stop}. */
  signalWith(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#stop.signal]);
  }

  /** Sends no more. A body that was sent whole leaves its connection as it is. */
  stop(): void {
    if (!this.#isSent) this.#stop.abort();
  }

  /** What `fetch` takes as a body. */
  body(): Uint8Array<ArrayBuffer> | Blob | ReadableStream<Uint8Array<ArrayBuffer>> {
    const { length } = this.#upload;
    if (length === 0) {
      this.#isSent = true;
      return new Uint8Array();
    }
    const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: (controller) => this.#pull(controller),
    }, { highWaterMark: 0 });
    return length === null ? stream : new SizedStream(stream, length);
  }

  async #pull(
    controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    // A new one each time: `fetch` takes the memory and gives it back to nobody.
    const piece = new Uint8Array(Math.min(this.#pieceBytes, this.#left));
    const count = await this.#upload.read(piece).catch((thrown: unknown) => {
      throw this.#broken("aborted", "making its body failed", thrown);
    });
    if (count === 0 && this.#left !== Infinity) {
      throw this.#broken("protocol", `its body ended ${this.#left} bytes before its announced end`);
    }
    if (count > 0) controller.enqueue(piece.subarray(0, count));
    this.#left -= count;
    if (count > 0 && this.#left > 0) return;
    this.#isSent = true;
    controller.close();
  }

  #broken(code: "aborted" | "protocol", reason: string, cause?: unknown): NetError {
    const message = `sending to ${originOf(this.#url)} was broken off: ${reason}`;
    return this.#failure = new NetError(code, message, {
      definite: false,
      retryable: false,
      ...(cause === undefined ? {} : { cause }),
    });
  }
}

/** The answer to a request with such a body: when nobody wants more of it, nothing more is sent. */
export function stoppingBody(inner: NetBody, sending: Sending): NetBody {
  const ended = (count: number) => {
    if (count === 0) sending.stop();
    return count;
  };
  const fill = inner.fill?.bind(inner);
  return {
    read: async (into) => ended(await inner.read(into)),
    ...(fill === undefined ? {} : {
      fill: async (block: Block, start: number, end: number) =>
        ended(await fill(block, start, end)),
    }),
    cancel: async () => {
      sending.stop();
      await inner.cancel();
    },
  };
}
