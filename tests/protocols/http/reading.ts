/** What the tests of the http source share: a real Env, an endpoint, and reading to the end. */

import assert from "node:assert/strict";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceEndpoint,
  SourceReader,
} from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { LoginOf } from "../../../protocols/http/endpoint.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import type { HttpLimits } from "../../../protocols/http/settings.ts";
import { realEnv, type RealEnvOptions } from "../../../runtime/env/real.ts";

/** The whole file. */
export const WHOLE: ByteRange = { start: 0, end: null };

/** For endpoints whose credentials are sent as they are. */
export const NOBODY: LoginOf = () => {
  throw new Error("nobody logs in here");
};

/** A signal that never fires. */
export function noAbort(): AbortSignal {
  return new AbortController().signal;
}

/** An endpoint of `uri` and nothing else. */
export function endpoint(uri: string, more: Partial<SourceEndpoint> = {}): SourceEndpoint {
  return { ...plainEndpoint(uri), ...more };
}

/** Opens sources on a real Env, which is closed when `test` settles. */
export async function withSources(
  test: (source: (uri: string, more?: Partial<SourceEndpoint>) => Source) => Promise<void>,
  limits: Partial<HttpLimits> = {},
  options: RealEnvOptions = {},
): Promise<void> {
  const env = realEnv(options);
  const protocol = httpProtocol(limits);
  try {
    await test((uri, more) => protocol.source!(endpoint(uri, more), { env }));
  } finally {
    env.close();
  }
}

/** All bytes that are left of a reader, which is closed. */
export async function drain(reader: SourceReader, bufferBytes = 64 * 1024): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const buffer = new Uint8Array(bufferBytes);
  try {
    while (true) {
      const count = await reader.read(buffer);
      if (count === 0) break;
      parts.push(buffer.slice(0, count));
    }
  } finally {
    await reader.close();
  }
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Opens and reads a range to its end. */
export async function readRange(
  source: Source,
  range: ByteRange = WHOLE,
  expected: Fingerprint | null = null,
): Promise<Uint8Array> {
  return await drain(await source.open(range, expected, noAbort()));
}

/** The ProtocolError that `act` must fail with. */
export async function failing(act: Promise<unknown>, code: string): Promise<ProtocolError> {
  try {
    await act;
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError)) throw thrown;
    assert.equal(thrown.code, code, thrown.message);
    return thrown;
  }
  throw new assert.AssertionError({ message: `nothing failed; expected ${code}` });
}
