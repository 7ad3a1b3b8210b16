/**
 * One upload of a tus server (tus 1.0, core protocol, creation, checksum, termination): where it is, how
 * far it has come, and pieces sent again where they were lost.
 */

import { assert } from "../../runtime/base/assert.ts";
import { unlessAborted } from "../../runtime/base/unless_aborted.ts";
import { ProtocolError } from "../errors.ts";
import { ask, type Done, hopAt } from "../http/call.ts";
import type { Hop } from "../http/endpoint.ts";
import type { Client } from "../http/exchange.ts";
import { failure } from "../http/failure.ts";
import { parseCount } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import { TUS_VERSION, type TusServer } from "./server.ts";

const GONE: readonly number[] = [404, 410];
/** An offset that is not the server's, and a piece whose checksum was another one on arrival. */
const OUT_OF_STEP: ReadonlySet<number> = new Set([409, 460]);
const PIECE = "application/offset+octet-stream";

/** How far an upload has come. */
export interface TusProgress {
  readonly offset: number;
  /** `null` until it is known. */
  readonly length: number | null;
}

/** What an upload is made of. */
export interface TusParts {
  readonly client: Client;
  /** Where uploads are made. */
  readonly hop: Hop;
  readonly server: TusServer;
  readonly signal: AbortSignal;
}

/** Makes an upload; its address, which is on the same server. */
export async function createUpload(
  { client, hop, server, signal }: TusParts,
  name: string,
  length: number | null,
): Promise<string> {
  const place = { method: "POST", label: hop.label };
  if (length === null && !server.extensions.has("creation-defer-length")) {
    const reason = "the server wants to know the size first, which the source does not tell";
    throw failure("unsupported", place, reason);
  }
  if (length !== null && server.maxBytes !== null && length > server.maxBytes) {
    const reason = `the server takes files of at most ${server.maxBytes} bytes, not of ${length}`;
    throw failure("denied", place, reason);
  }
  const { headers, url } = await ask(client, hop, {
    method: "POST",
    headers: {
      "tus-resumable": TUS_VERSION,
      "upload-metadata": `filename ${new TextEncoder().encode(name).toBase64()}`,
      ...(length === null ? { "upload-defer-length": "1" } : { "upload-length": String(length) }),
    },
    body: new Uint8Array(),
    accepts: [201],
    signal,
  });
  return addressOf(place, headers.get("location"), url);
}

function addressOf(
  place: Parameters<typeof failure>[1],
  location: string | undefined,
  base: URL,
): string {
  if (location === undefined || !URL.canParse(location, base)) {
    throw failure("badResponse", place, "an upload was made, and no usable Location of it told");
  }
  const address = new URL(location, base);
  if (address.origin === base.origin && address.username === "" && address.password === "") {
    return address.href;
  }
  const reason = "the upload is said to be at another origin; credentials are not sent there: " +
    "have the server tell its own address";
  throw failure("insecure", place, reason);
}

/** An upload that was made. */
export class TusUpload {
  readonly address: string;
  readonly #parts: TusParts;
  readonly #hop: Hop;
  #progress: TusProgress;

  constructor(parts: TusParts, address: string, progress: TusProgress) {
    this.#parts = parts;
    this.address = address;
    const { pathname, search } = new URL(address);
    this.#hop = hopAt(parts.hop, pathname + search);
    this.#progress = progress;
  }

  get progress(): TusProgress {
    return this.#progress;
  }

  /** What the server says; `null` if it has it no more: ended, or expired. */
  async look(): Promise<TusProgress | null> {
    const { client, signal } = this.#parts;
    const headers = { "tus-resumable": TUS_VERSION };
    const done = await ask(client, this.#hop, {
      ...{ method: "HEAD", headers, signal },
      accepts: [200, 204, ...GONE],
    });
    if (GONE.includes(done.status)) return null;
    const length = parseCount(done.headers.get("upload-length") ?? "");
    return this.#progress = { offset: this.#offsetOf("HEAD", done), length };
  }

  /**
   * Sends `piece`, which begins where the upload ends, again and again where it was lost on the way.
   * `length` completes the upload: with its last byte it is published.
   */
  async send(piece: Uint8Array, length: number | null): Promise<void> {
    const start = this.#progress.offset;
    const end = start + piece.length;
    for (let tries = 0;; tries++) {
      try {
        await this.#patch(piece.subarray(this.#progress.offset - start), length);
        if (this.#progress.offset === end) return;
      } catch (thrown) {
        if (!isLost(thrown) || tries >= protocolLimits.tusRetries) throw thrown;
        await this.#again(tries, start, end);
        if (
          this.#progress.offset === end && (length === null || this.#progress.length === length)
        ) {
          return;
        }
      }
    }
  }

  /** Has the server drop it; one that cannot lets it expire. */
  async end(): Promise<void> {
    const { client, server } = this.#parts;
    if (!server.extensions.has("termination")) return;
    await ask(client, this.#hop, {
      method: "DELETE",
      headers: { "tus-resumable": TUS_VERSION },
      accepts: [200, 204, ...GONE],
      signal: new AbortController().signal,
    });
  }

  async #patch(piece: Uint8Array, length: number | null): Promise<void> {
    const { client, server, signal } = this.#parts;
    const declared = length !== null && this.#progress.length === null;
    const done = await ask(client, this.#hop, {
      method: "PATCH",
      headers: {
        "tus-resumable": TUS_VERSION,
        "content-type": PIECE,
        "upload-offset": String(this.#progress.offset),
        ...(declared ? { "upload-length": String(length) } : {}),
        ...(server.checksums ? { "upload-checksum": this.#checksum(piece) } : {}),
      },
      body: piece,
      accepts: [200, 204, ...GONE],
      signal,
    });
    if (GONE.includes(done.status)) throw this.#gone();
    const offset = this.#offsetOf("PATCH", done);
    const { offset: before } = this.#progress;
    if (
      offset < before || offset > before + piece.length || (offset === before && piece.length > 0)
    ) {
      const reason = `the server says it has ${offset} bytes, which cannot be`;
      throw failure("badResponse", this.#place("PATCH"), reason, { retryable: false });
    }
    this.#progress = { offset, length: declared ? length : this.#progress.length };
  }

  async #again(tries: number, start: number, end: number): Promise<void> {
    const { client: { env }, signal } = this.#parts;
    const pause = Promise.withResolvers<void>();
    const timer = env.timers.after(protocolLimits.tusRetryMs * 2 ** tries, pause.resolve);
    await unlessAborted(signal, pause.promise).catch((thrown: unknown) => {
      throw failure("aborted", this.#place("PATCH"), "stopped on request", { cause: thrown });
    }).finally(() => timer.cancel());
    // Whether the server is back is told by the next piece.
    const seen = await this.look().catch((thrown: unknown) => {
      if (isLost(thrown)) return this.#progress;
      throw thrown;
    });
    if (seen === null) throw this.#gone();
    if (seen.offset >= start && seen.offset <= end) return;
    const reason = `the server has ${seen.offset} bytes now, and ${start} to ${end} were sent`;
    throw failure("changed", this.#place("HEAD"), reason);
  }

  #checksum(piece: Uint8Array): string {
    const hasher = this.#parts.client.env.hash.sha256();
    hasher.update(piece);
    return `sha256 ${Uint8Array.fromHex(hasher.digestHex()).toBase64()}`;
  }

  #offsetOf(method: string, done: Done): number {
    const offset = parseCount(done.headers.get("upload-offset") ?? "");
    if (offset !== null) return offset;
    throw failure("badResponse", this.#place(method), "the answer tells no Upload-Offset", {
      retryable: false,
    });
  }

  #gone(): ProtocolError {
    const reason = "the server has dropped the upload: it expired, or was ended";
    return failure("notFound", this.#place("PATCH"), reason, { retryable: true });
  }

  #place(method: string): { readonly method: string; readonly label: string } {
    assert(method !== "", "a request has a method");
    return { method, label: this.#hop.label };
  }
}

/** The piece, or the answer to it, may be missing; or the server and we disagree on where it belongs. */
function isLost(thrown: unknown): boolean {
  if (!(thrown instanceof ProtocolError) || thrown.code === "aborted") return false;
  if (OUT_OF_STEP.has(Number(thrown.details.status))) return true;
  return thrown.retryable && thrown.code !== "notFound" && thrown.code !== "changed" &&
    thrown.code !== "tls";
}
