/** What the cases of the suite are made of. */

import { Buffer } from "node:buffer";

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type {
  Fingerprint,
  Sink,
  SinkEndpoint,
  Source,
  SourceReader,
} from "../../protocols/contract.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { ProtocolError, type ProtocolErrorCode } from "../../protocols/errors.ts";
import type { Harness, SinkHarness, SourceHarness } from "./harness.ts";

/** A case about sources; it returns at once where its situation cannot be provoked. */
export interface SourceCase {
  readonly title: string;
  run(place: SourceHarness, harness: Harness): Promise<void>;
}

/** A case about sinks. */
export interface SinkCase {
  readonly title: string;
  run(place: SinkHarness, harness: Harness): Promise<void>;
}

/** A signal that never fires. */
export const NEVER: AbortSignal = new AbortController().signal;

/** Names with every odd character; a protocol refuses one with `nameRefused` or keeps it as it is. */
export const ODD_NAMES: readonly string[] = [
  "two words",
  "100%",
  "%41",
  "%2e%2e",
  "what?",
  "part#1",
  "ünï-漢字-🙂",
  `it's "quoted"`,
  "back\\slash",
  "-leading-dash",
  "new\nline",
  "a+b&c=d;e,f",
  "~tilde$dollar`tick",
  "...",
  ".hidden",
  " lead and trail ",
  "a:b",
  "[x]{y}<z>|*",
  "e\u0301 and \u00e9",
];

/** Bytes that differ from place to place and from seed to seed. */
export function patterned(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = (seed * 2_654_435_761) >>> 0;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What a place says of a file's size. */
export function toldSize(place: { readonly tellsSize?: false }, size: number): number | null {
  return place.tellsSize === false ? null : size;
}

/** A source of the harness's protocol. */
export function sourceOf(harness: Harness, place: SourceHarness, name: string): Source {
  assert.ok(harness.protocol.source, "the protocol has a source");
  return harness.protocol.source({
    ...plainEndpoint(place.uri(name)),
    ...place.endpoint,
  }, harness.context);
}

/** A sink of the harness's protocol. */
export function sinkOf(
  harness: Harness,
  place: SinkHarness,
  name: string,
  endpoint: Partial<SinkEndpoint> = {},
): Sink {
  assert.ok(harness.protocol.sink, "the protocol has a sink");
  return harness.protocol.sink({
    ...plainEndpoint(place.uri(name)),
    createDirectories: false,
    root: null,
    sync: true,
    ...place.endpoint,
    ...endpoint,
  }, harness.context);
}

/** Everything up to the reader's end, through a small buffer, so that there are several reads. */
export async function readToEnd(reader: SourceReader, bufferBytes = 16_384): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(bufferBytes);
  for (;;) {
    const count = await reader.read(buffer);
    assert.ok(count >= 0 && count <= buffer.length, `read() gave ${count}`);
    if (count === 0) return concatenated(parts);
    parts.push(buffer.slice(0, count));
  }
}

/** Opens, reads to the end and closes. */
export async function fetched(
  source: Source,
  range: { start: number; end: number | null } = { start: 0, end: null },
  expected: Fingerprint | null = null,
): Promise<Uint8Array> {
  const reader = await source.open(range, expected, NEVER);
  try {
    return await readToEnd(reader);
  } finally {
    await reader.close();
  }
}

export function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Long arrays compared without printing them. */
export function assertBytes(actual: Uint8Array | null, expected: Uint8Array, what: string): void {
  assert.ok(actual !== null, `${what}: there is nothing`);
  assert.equal(actual.length, expected.length, `${what}: length`);
  assert.ok(Buffer.compare(actual, expected) === 0, `${what}: other bytes of the same length`);
}

/** The typed error that `call` fails with; other outcomes fail the test. */
export async function failure(call: () => unknown, what: string): Promise<ProtocolError> {
  try {
    await call();
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, `${what}: an untyped error: ${thrown}`);
    assert.ok(thrown.message.length > 20, `${what}: a message that says what and why`);
    return thrown;
  }
  assert.fail(`${what}: it was accepted`);
}

/** `call` fails with one of `codes`. */
export async function assertFails(
  call: () => unknown,
  codes: ProtocolErrorCode | readonly ProtocolErrorCode[],
  what: string,
): Promise<ProtocolError> {
  const error = await failure(call, what);
  const wanted = typeof codes === "string" ? [codes] : codes;
  assert.ok(wanted.includes(error.code), `${what}: ${error.code} (${error.message})`);
  return error;
}
