/** The hash of what a server has at a place. */

import type { Hop } from "./endpoint.ts";
import { type Client, Exchange } from "./exchange.ts";
import { failure } from "./failure.ts";
import { parseContentLength } from "./fields.ts";
import { writeStatusError } from "./refusal.ts";

const READ_BYTES = 262_144;

/**
 * SHA-256 of the file at `hop`; `null` if there is none, or, where `size` is given, if it has another
 * size, found as soon as that is sure.
 */
export async function hashAt(
  client: Client,
  hop: Hop,
  signal: AbortSignal,
  size: number | null = null,
): Promise<string | null> {
  const exchange = new Exchange(client, "GET", hop, signal);
  try {
    const head = await exchange.send({});
    if (head.status === 404 || head.status === 410) return null;
    if (head.status !== 200) {
      const { env, limits } = client;
      throw writeStatusError(exchange.place, head, env.clock.now(), limits.httpRetryAfterMaxMs);
    }
    const announced = parseContentLength(head.headers.get("content-length") ?? "");
    if (size !== null && announced !== null && announced !== size) return null;
    const hasher = client.env.hash.sha256();
    const buffer = new Uint8Array(READ_BYTES);
    for (let received = 0;;) {
      const count = await exchange.read(buffer);
      if (count === null || (count === 0 && announced !== null && received < announced)) {
        throw failure("truncated", exchange.place, `the connection ended after ${received} bytes`);
      }
      if (count === 0) return size !== null && received !== size ? null : hasher.digestHex();
      received += count;
      if (size !== null && received > size) return null;
      hasher.update(buffer.subarray(0, count));
    }
  } finally {
    await exchange.end();
  }
}
