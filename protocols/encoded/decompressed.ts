/** A source whose files are compressed, by whatever tool: for its users they have their plain bytes. */

import {
  CodecError,
  type Codecs,
  type Compression,
  type Inflater,
} from "../../runtime/env/codecs.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { assertNotAborted } from "../aborting.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";

/** How a compressed source is read. */
export interface DecompressionOptions {
  readonly format: Compression;
  /** More plain bytes than this for each compressed one are an archive bomb. */
  readonly maxRatio: number;
}

/** `inner`, decompressed; its files are read from start to end, and nobody knows how long they are. */
export class DecompressedSource implements Source {
  readonly capabilities: SourceCapabilities;
  readonly #inner: Source;
  readonly #codecs: Codecs;
  readonly #options: DecompressionOptions;

  constructor(inner: Source, codecs: Codecs, options: DecompressionOptions) {
    this.capabilities = {
      ...inner.capabilities,
      ranges: false,
      parallelRanges: false,
      serverHash: false,
    };
    this.#inner = inner;
    this.#codecs = codecs;
    this.#options = options;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    return decoded(await this.#inner.stat(signal));
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { format } = this.#options;
    if (range.start > 0 || range.end !== null) {
      throw new ProtocolError(
        "rangeNotSupported",
        `cannot read a ${format} file from the middle: it is decompressed from its start`,
      );
    }
    const inner = await this.#inner.open({ start: 0, end: null }, expected, signal);
    return new DecompressedReader(inner, this.#codecs, this.#options, signal);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

class DecompressedReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #inner: SourceReader;
  readonly #inflater: Inflater;
  readonly #options: DecompressionOptions;
  readonly #signal: AbortSignal;
  #compressed = 0;
  #plain = 0;

  constructor(
    inner: SourceReader,
    codecs: Codecs,
    options: DecompressionOptions,
    signal: AbortSignal,
  ) {
    this.#signal = signal;
    this.facts = decoded(inner.facts);
    this.#inner = inner;
    this.#options = options;
    this.#inflater = codecs.inflater(options.format, async (into) => {
      const count = await inner.read(into);
      this.#compressed += count;
      return count;
    });
  }

  async read(into: Uint8Array): Promise<number> {
    const { format, maxRatio } = this.#options;
    assertNotAborted(`decompress a ${format} file`, this.#signal);
    try {
      const count = await this.#inflater.read(into);
      this.#plain += count;
      const allowed = protocolLimits.decompressedFreeBytes + this.#compressed * maxRatio;
      if (this.#plain <= allowed) return count;
    } catch (error) {
      if (!(error instanceof CodecError)) throw error;
      // Bytes of two versions are damaged too.
      assertSameVersion(
        `decompress a ${format} file`,
        this.facts.fingerprint,
        await this.confirm(),
      );
      throw inProtocolTerms(format, error);
    }
    throw new ProtocolError(
      "tooLong",
      `cannot decompress a ${format} file: ${this.#compressed} bytes became more than ` +
        `${maxRatio} times as many; if that is right, raise source.decompress.maxRatio`,
      { retryable: false },
    );
  }

  async confirm(): Promise<Fingerprint> {
    return withoutSize(await this.#inner.confirm());
  }

  async close(): Promise<void> {
    await this.#inflater.close();
    await this.#inner.close();
  }
}

function decoded(facts: SourceFacts): SourceFacts {
  const fingerprint = withoutSize(facts.fingerprint);
  return { ...facts, fingerprint, ranges: false, sha256: null };
}

function withoutSize(fingerprint: Fingerprint): Fingerprint {
  return { ...fingerprint, size: null };
}

function inProtocolTerms(format: Compression, error: CodecError): ProtocolError {
  const isCut = error.code === "truncated";
  return new ProtocolError(
    isCut ? "truncated" : "badResponse",
    isCut
      ? `cannot decompress a ${format} file: it ends in the middle; take a copy that is whole`
      : `cannot decompress a ${format} file: its bytes are not ${format}, or damaged; ` +
        "check source.decompress, or take a copy that is whole",
    { retryable: isCut, cause: error },
  );
}
