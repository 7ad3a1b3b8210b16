/** A source whose files were sealed: for its users they have their plain bytes. */

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
import { FRAME_BYTES, type FrameCodec, type FrameCoder } from "./coder.ts";
import { cutOff, damaged, type Frame, FrameFile, readFully } from "./frame_file.ts";
import { plainSizeOf } from "./plain_size.ts";
import { SourceBytes } from "./source_bytes.ts";

/** `inner`, whose files `coder` has written; frames that differ in length are found one by one. */
export class EncodedSource implements Source {
  readonly capabilities: SourceCapabilities;
  readonly #inner: Source;
  readonly #coder: FrameCoder;

  constructor(inner: Source, coder: FrameCoder) {
    this.capabilities = { ...inner.capabilities, serverHash: false };
    this.#inner = inner;
    this.#coder = coder;
  }

  async stat(signal: AbortSignal): Promise<SourceFacts> {
    const bytes = new SourceBytes(this.#inner, null, signal);
    try {
      const facts = await bytes.open(this.#coder.headBytes);
      return this.#decoded(facts, await this.#codecOf(bytes));
    } finally {
      await bytes.close();
    }
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { start, end } = range;
    // The size is compared below, as this side tells it.
    const version = expected === null ? null : { ...expected, size: null };
    const bytes = new SourceBytes(this.#inner, version, signal);
    try {
      const encodedFacts = await bytes.open(start > 0 ? this.#coder.headBytes : null);
      const codec = await this.#codecOf(bytes);
      const facts = this.#decoded(encodedFacts, codec);
      this.#assertReadable(facts, start, expected);
      const frames = new FrameFile(bytes, this.#coder, codec);
      if (start > 0) await assertReaches(frames, start, this.#coder.name);
      const confirm = async () => this.#fingerprint(await bytes.confirm(), codec);
      const opened = { bytes, frames, facts, confirm, signal, name: this.#coder.name };
      return new FrameReader(opened, start, end);
    } catch (error) {
      await bytes.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#inner.close();
  }

  async #codecOf(bytes: SourceBytes): Promise<FrameCodec> {
    const head = new Uint8Array(this.#coder.headBytes);
    if (await readFully(bytes, head, 0) < head.length) throw cutOff(this.#coder.name, 0);
    return await this.#coder.open(head);
  }

  #assertReadable(facts: SourceFacts, start: number, expected: Fingerprint | null): void {
    const { name } = this.#coder;
    if (expected !== null) assertSameVersion(`open a ${name} file`, expected, facts.fingerprint);
    if (start > 0 && !facts.ranges) throw notInRanges(name);
    if (start > (facts.fingerprint.size ?? Infinity)) throw beyondTheEnd(name, start);
  }

  #decoded(facts: SourceFacts, codec: FrameCodec): SourceFacts {
    const fingerprint = this.#fingerprint(facts.fingerprint, codec);
    return { ...facts, fingerprint, sha256: null };
  }

  #fingerprint(fingerprint: Fingerprint, codec: FrameCodec): Fingerprint {
    return { ...fingerprint, size: plainSizeOf(this.#coder, codec, fingerprint.size) };
  }
}

interface Opened {
  readonly bytes: SourceBytes;
  readonly frames: FrameFile;
  readonly facts: SourceFacts;
  readonly confirm: () => Promise<Fingerprint>;
  readonly signal: AbortSignal;
  readonly name: string;
}

/** A range, frame by frame: every byte that is given out was authenticated. */
class FrameReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #opened: Opened;
  readonly #end: number;
  #at: number;
  #frame: Frame | null = null;
  #plain: Uint8Array = new Uint8Array(0);

  constructor(opened: Opened, start: number, end: number | null) {
    this.facts = opened.facts;
    this.#opened = opened;
    this.#at = start;
    this.#end = end ?? Infinity;
  }

  async read(into: Uint8Array): Promise<number> {
    assertNotAborted(`read a ${this.#opened.name} file`, this.#opened.signal);
    if (this.#at >= this.#end) return 0;
    const index = Math.floor(this.#at / FRAME_BYTES);
    if (this.#frame?.index !== index && !await this.#step(index)) return 0;
    const from = this.#at - index * FRAME_BYTES;
    const most = Math.min(into.length, this.#end - this.#at);
    const part = this.#plain.subarray(from, from + most);
    if (part.length === 0) return await this.#atEnd();
    into.set(part);
    this.#at += part.length;
    return part.length;
  }

  confirm(): Promise<Fingerprint> {
    return this.#opened.confirm();
  }

  close(): Promise<void> {
    return this.#opened.bytes.close();
  }

  /** Goes to the frame with that number; `false` where the file ended before it. */
  async #step(index: number): Promise<boolean> {
    const { frames, name } = this.#opened;
    if (this.#frame?.final === true) {
      await this.#atEnd();
      return false;
    }
    const frame = this.#frame?.index === index - 1
      ? await frames.after(this.#frame)
      : await frames.find(index);
    if (frame === null) throw await this.#changedOr(cutOff(name, index));
    const plain = await frames.decode(frame);
    const isShort = !frame.final && frame.plainBytes !== FRAME_BYTES;
    if (plain === null || isShort) throw await this.#changedOr(damaged(name, index));
    this.#frame = frame;
    this.#plain = plain;
    return true;
  }

  /** Bytes of two versions fit no frame either. */
  async #changedOr(error: ProtocolError): Promise<ProtocolError> {
    const { confirm, facts, name } = this.#opened;
    assertSameVersion(`decode a ${name} file`, facts.fingerprint, await confirm());
    return error;
  }

  /** Behind the last frame there must be nothing. */
  async #atEnd(): Promise<0> {
    const { bytes, name } = this.#opened;
    const frame = this.#frame;
    if (frame?.final !== true) throw cutOff(name, Math.floor(this.#at / FRAME_BYTES));
    if (await bytes.read(new Uint8Array(1), frame.end) === 0) return 0;
    throw new ProtocolError(
      "tooLong",
      `cannot decode a ${name} file: something follows its last frame; take a copy that is whole`,
      { retryable: false },
    );
  }
}

/** Where frames differ in length, only they tell how far the file goes. */
async function assertReaches(frames: FrameFile, start: number, name: string): Promise<void> {
  if (frames.codec.fullFrameBytes !== null) return;
  const frame = await frames.find(Math.floor(start / FRAME_BYTES));
  if (frame === null || start % FRAME_BYTES > frame.plainBytes) throw beyondTheEnd(name, start);
}

function beyondTheEnd(name: string, start: number): ProtocolError {
  return new ProtocolError(
    "rangeNotSupported",
    `cannot read a ${name} file from ${start} on: it is not as long as that`,
  );
}

function notInRanges(name: string): ProtocolError {
  return new ProtocolError(
    "rangeNotSupported",
    `cannot read a ${name} file from the middle: its source serves whole files only`,
  );
}
