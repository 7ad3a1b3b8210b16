/** Every end that compresses or seals keeps the contract of the protocol under it. */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressedCoder } from "../../../protocols/encoded/compressed.ts";
import { FRAME_BYTES, type FrameCoder } from "../../../protocols/encoded/coder.ts";
import {
  decodedSource,
  type Decoding,
  encodedSink,
  type Encoding,
} from "../../../protocols/encoded/encoded.ts";
import { sealedCoder } from "../../../protocols/encoded/sealed.ts";
import { inlineCodecs } from "../../../runtime/env/inline_codecs.ts";
import type { Env } from "../../../runtime/env/env.ts";
import type { MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import type { Harness, SourceHarness } from "../../conformance/harness.ts";
import { conformance } from "../../conformance/suite.ts";
import { memoryHarness } from "../memory/harness.ts";

const KEY = new Uint8Array(32).fill(7);

/** A whole file as it is at rest. */
async function atRest(coder: FrameCoder, bytes: Uint8Array): Promise<Uint8Array> {
  const { head, codec } = await coder.begin();
  const parts = [head];
  for (let at = 0, index = 0;; at += FRAME_BYTES, index += 1) {
    const frame = bytes.subarray(at, at + FRAME_BYTES);
    const isLast = frame.length < FRAME_BYTES;
    if (isLast && frame.length === 0 && index > 0 && !coder.marksEnd) break;
    parts.push(await codec.encode(frame, index, isLast));
    if (isLast) break;
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** The file of bytes at rest, by other means than the room's own where there are some. */
async function plain(coder: FrameCoder, bytes: Uint8Array): Promise<Uint8Array> {
  if (coder.name === "gzip") return new Uint8Array(gunzipSync(bytes));
  const codec = await coder.open(bytes.subarray(0, coder.headBytes));
  const parts: Uint8Array[] = [];
  for (let at = coder.headBytes, index = 0; at < bytes.length; index += 1) {
    const prefix = codec.parse(bytes.subarray(at));
    assert.ok(prefix !== null, `a frame begins at ${at}`);
    const end = at + coder.prefixBytes + prefix.restBytes;
    const frame = coder.name === "zstd"
      ? new Uint8Array(zstdDecompressSync(bytes.subarray(at + coder.prefixBytes, end)))
      : await codec.decode(bytes.subarray(at, end), index);
    assert.ok(frame !== null, `frame ${index} is whole`);
    parts.push(frame);
    at = end;
    assert.equal(prefix.final, coder.marksEnd && at === bytes.length);
  }
  return new Uint8Array(Buffer.concat(parts));
}

interface Form {
  readonly name: string;
  readonly encoding: Encoding;
  readonly decoding: Decoding;
}

const FORMS: readonly Form[] = [
  {
    name: "gzip",
    encoding: { compression: "gzip", keys: [] },
    decoding: { decompression: { format: "gzip", maxRatio: 1e6 }, keys: [] },
  },
  {
    name: "zstd",
    encoding: { compression: "zstd", keys: [] },
    decoding: { decompression: { format: "zstd", maxRatio: 1e6 }, keys: [] },
  },
  {
    name: "sealed",
    encoding: { compression: null, keys: [KEY] },
    decoding: { decompression: null, keys: [new Uint8Array(32), KEY] },
  },
  {
    name: "sealed and compressed",
    encoding: { compression: "zstd", keys: [KEY] },
    decoding: { decompression: null, keys: [KEY] },
  },
];

function coderOf({ compression, keys }: Encoding, env: Env): FrameCoder {
  if (keys.length > 0) return sealedCoder(env, { keys, compression });
  return compressedCoder(inlineCodecs, compression!);
}

function encodedHarness(form: Form, options: MemoryStoreOptions): Harness {
  const inner = memoryHarness(options);
  const coder = coderOf(form.encoding, inner.context.env);
  const { source, sink } = inner;
  const size = form.encoding.compression === null ? {} : { tellsSize: false } as const;
  assert.ok(source !== undefined && sink !== undefined);
  const put = async (name: string, bytes: Uint8Array) =>
    source.put(name, await atRest(coder, bytes));
  return {
    protocol: {
      name: "memory",
      schemes: ["memory"],
      source: (endpoint, context) =>
        decodedSource(inner.protocol, endpoint, context, form.decoding),
      sink: (endpoint, context) => encodedSink(inner.protocol, endpoint, context, form.encoding),
    },
    context: inner.context,
    source: { ...situations(source), put, ...size },
    sink: {
      ...sink,
      put,
      ...size,
      published: async (name) => {
        const bytes = await sink.published(name);
        return bytes === null ? null : await plain(coder, bytes);
      },
    },
    ...(inner.run === undefined ? {} : { run: inner.run }),
    close: inner.close,
  };
}

/** Nothing of a frame is given out before it is whole: a silence within one has a test of its own. */
function situations({ stall: _, ...others }: SourceHarness): SourceHarness {
  return others;
}

for (const form of FORMS) {
  conformance(`memory, ${form.name}`, () => Promise.resolve(encodedHarness(form, {})));
  conformance(
    `memory without resuming, ${form.name}`,
    () =>
      Promise.resolve(encodedHarness(form, {
        sink: { fence: "conditional", resume: false, randomWrites: false, readBack: false },
      })),
  );
}
