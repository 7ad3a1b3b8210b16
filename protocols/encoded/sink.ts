/** A sink whose files are compressed or sealed at rest: for its users they have their plain bytes. */

import { assert } from "../../runtime/base/assert.ts";
import type { Hashing } from "../../runtime/env/env.ts";
import type {
  DestinationFacts,
  ProbeExpectation,
  PublishOptions,
  Sink,
  SinkCapabilities,
  SinkFile,
  Source,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { FrameCodec, FrameCoder } from "./coder.ts";
import { FRAME_BYTES } from "./coder.ts";
import { readFully } from "./frame_file.ts";
import { EncodedFile } from "./sink_file.ts";

/** What an encoded sink stands on. */
export interface EncodedSinkOptions {
  readonly inner: Sink;
  readonly coder: FrameCoder;
  readonly hash: Hashing;
  /** Reads a final file of that name, decoded. */
  readonly reader: (name: string) => Source;
}

/** `inner` with `coder` in front. */
export class EncodedSink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #inner: Sink;
  readonly #coder: FrameCoder;
  readonly #hash: Hashing;
  readonly #reader: (name: string) => Source;

  constructor({ inner, coder, hash, reader }: EncodedSinkOptions) {
    const { capabilities } = inner;
    const rewrites = capabilities.randomWrites && capabilities.readBack;
    this.capabilities = {
      ...capabilities,
      resume: capabilities.resume && rewrites,
      randomWrites: false,
      // The bytes of a frame that is not full are nowhere until there are more of them.
      durableSync: capabilities.durableSync && rewrites,
    };
    this.name = inner.name;
    this.#inner = inner;
    this.#coder = coder;
    this.#hash = hash;
    this.#reader = reader;
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const facts = await this.#inner.stat(name, signal);
    return facts === null ? null : { ...facts, size: await this.#plainSize(name, signal) };
  }

  async hash(name: string, signal: AbortSignal): Promise<string | null> {
    if (!this.capabilities.readBack) return await this.#inner.hash(name, signal);
    if (await this.#inner.stat(name, signal) === null) return null;
    const source = this.#reader(name);
    try {
      return await hashOf(source, this.#hash, signal);
    } catch (error) {
      if (error instanceof ProtocolError && error.code === "notFound") return null;
      throw error;
    } finally {
      await source.close();
    }
  }

  async create(
    temp: string,
    signal: AbortSignal,
    _size: number | null = null,
    name: string = this.name,
  ): Promise<SinkFile> {
    // How long it will be once it is encoded, nobody knows.
    return await this.#begin(await this.#inner.create(temp, signal, null, name));
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    const file = await this.#inner.reopen(temp, signal);
    if (file === null) return null;
    try {
      const codec = await this.#codecOf(file);
      if (codec !== null) return await EncodedFile.resume(file, this.#coder, codec);
      await file.truncate(0);
    } catch (error) {
      await file.close();
      throw error;
    }
    return await this.#begin(file);
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof EncodedFile, "publish() takes a file that this sink opened");
    try {
      await file.finish();
    } catch (error) {
      await file.close();
      throw beforePublishing(error);
    }
    const { plainBytes } = file;
    return { ...await this.#inner.publish(file.inner, options), size: plainBytes };
  }

  seize(temp: string, to: string): Promise<boolean> {
    return this.#inner.seize(temp, to);
  }

  abort(temp: string): Promise<void> {
    return this.#inner.abort(temp);
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    const { name, sha256 } = expected;
    const never = new AbortController().signal;
    const final = await this.#inner.stat(name, never);
    const seen = await this.#inner.probe(temp, {
      ...expected,
      size: final?.size ?? expected.size,
      sha256: null,
    });
    if (seen !== "unknown" || final === null || sha256 === null) return seen;
    return await this.#holds(name, sha256, never) ? "published" : "unknown";
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #begin(file: SinkFile): Promise<SinkFile> {
    const { randomWrites, readBack } = this.#inner.capabilities;
    try {
      const abilities = { rewrites: randomWrites && readBack, readBack };
      return await EncodedFile.begin(file, this.#coder, abilities);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** `null` where nothing of the file can be gone on with. */
  async #codecOf(file: SinkFile): Promise<FrameCodec | null> {
    const head = new Uint8Array(this.#coder.headBytes);
    if (await readFully(file, head, 0) < head.length) return null;
    return await this.#coder.open(head).catch((error) => {
      if (error instanceof ProtocolError) return null;
      throw error;
    });
  }

  /** What stands there is not one of ours where it cannot be decoded. */
  async #holds(name: string, sha256: string, signal: AbortSignal): Promise<boolean> {
    if (!this.capabilities.readBack) return false;
    const seen = await this.hash(name, signal).catch((error) => {
      if (error instanceof ProtocolError && !error.retryable) return null;
      throw error;
    });
    return seen === sha256;
  }

  /** `null` for what stands there and is none of ours. */
  async #plainSize(name: string, signal: AbortSignal): Promise<number | null> {
    if (this.#coder.headBytes === 0) return null;
    const source = this.#reader(name);
    try {
      return (await source.stat(signal)).fingerprint.size;
    } catch (error) {
      if (error instanceof ProtocolError && !error.retryable && error.code !== "aborted") {
        return null;
      }
      throw error;
    } finally {
      await source.close();
    }
  }
}

async function hashOf(source: Source, hash: Hashing, signal: AbortSignal): Promise<string> {
  const reader = await source.open({ start: 0, end: null }, null, signal);
  try {
    const hasher = hash.sha256();
    const buffer = new Uint8Array(FRAME_BYTES);
    for (;;) {
      const length = await reader.read(buffer);
      if (length === 0) return hasher.digestHex();
      hasher.update(buffer.subarray(0, length));
    }
  } finally {
    await reader.close();
  }
}

/** The last frame was not written: certainly nothing was published. */
function beforePublishing(error: unknown): unknown {
  if (!(error instanceof ProtocolError) || error.definite) return error;
  const { code, message, retryable } = error;
  return new ProtocolError(code, message, { retryable, definite: true, cause: error });
}
