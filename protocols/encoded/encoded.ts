/** Ends whose files are compressed or sealed at rest, on any protocol. */

import type { Compression } from "../../runtime/env/codecs.ts";
import type { Env } from "../../runtime/env/env.ts";
import { plainEndpoint } from "../endpoint.ts";
import type {
  ProtocolContext,
  Sink,
  SinkEndpoint,
  Source,
  SourceEndpoint,
  TransferProtocol,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { FrameCoder } from "./coder.ts";
import { compressedCoder } from "./compressed.ts";
import { DecompressedSource, type DecompressionOptions } from "./decompressed.ts";
import { sealedCoder } from "./sealed.ts";
import { keyFromText } from "./sealed_head.ts";
import { EncodedSink } from "./sink.ts";
import { EncodedSource } from "./source.ts";

/** How the files of a destination are to look at rest. */
export interface Encoding {
  readonly compression: Compression | null;
  /** Keys of 32 bytes: the first one seals, any of them opens; none: nothing is sealed. */
  readonly keys: readonly Uint8Array[];
}

/** Keys from their texts; `badEndpoint` for one that is none. */
export function keysFrom(texts: readonly string[]): readonly Uint8Array[] {
  return texts.map(keyFromText);
}

/** How the files of a source look at rest. */
export interface Decoding {
  /** Applied after what was sealed is opened. */
  readonly decompression: DecompressionOptions | null;
  /** Keys of which one opens the file; none: nothing is sealed. */
  readonly keys: readonly Uint8Array[];
}

/** The sink of `endpoint`, encoded; `unsupported` where its protocol has none, or could not read it back. */
export function encodedSink(
  protocol: TransferProtocol,
  endpoint: SinkEndpoint,
  context: ProtocolContext,
  encoding: Encoding,
): Sink {
  const inner = endOf(protocol, "sink")(endpoint, context);
  const source = endOf(protocol, "source");
  const coder = coderOf(context.env, encoding);
  const beside = endpoint.uri.slice(0, endpoint.uri.lastIndexOf("/") + 1);
  const reader = (name: string): Source => {
    const { headers, auth, tls, responseTimeoutMs, idleTimeoutMs, options } = endpoint;
    const access = { headers, auth, tls, responseTimeoutMs, idleTimeoutMs, options };
    const uri = beside + encodeURIComponent(name);
    const encoded = source({ ...plainEndpoint(uri), ...access }, context);
    return decoded(encoded, context.env, coder, encoding);
  };
  return new EncodedSink({ inner, coder, hash: context.env.hash, reader });
}

/** The source of `endpoint`, decoded. */
export function decodedSource(
  protocol: TransferProtocol,
  endpoint: SourceEndpoint,
  context: ProtocolContext,
  { decompression, keys }: Decoding,
): Source {
  const encoded = endOf(protocol, "source")(endpoint, context);
  const opened = keys.length === 0
    ? encoded
    : new EncodedSource(encoded, sealedCoder(context.env, { keys, compression: null }));
  if (decompression === null) return opened;
  return new DecompressedSource(opened, context.env.codecs, decompression);
}

function coderOf(env: Env, { compression, keys }: Encoding): FrameCoder {
  if (keys.length > 0) return sealedCoder(env, { keys, compression });
  if (compression === null) throw new TypeError("an encoding compresses, seals, or both");
  return compressedCoder(env.codecs, compression);
}

/** What we wrote ourselves may be as small as it likes. */
function decoded(source: Source, env: Env, coder: FrameCoder, { compression, keys }: Encoding) {
  if (keys.length > 0 || compression === null) return new EncodedSource(source, coder);
  return new DecompressedSource(source, env.codecs, { format: compression, maxRatio: Infinity });
}

function endOf<End extends "source" | "sink">(
  protocol: TransferProtocol,
  end: End,
): NonNullable<TransferProtocol[End]> {
  const found = protocol[end];
  if (found !== undefined) return found.bind(protocol) as NonNullable<TransferProtocol[End]>;
  throw new ProtocolError(
    "unsupported",
    `cannot compress or seal on "${protocol.name}": it has no ${end}, ` +
      "and what is encoded is read as well as written",
  );
}
