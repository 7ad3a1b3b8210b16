/** Reading bodies: never more than was allowed, never for longer. */

import type { Timers } from "../runtime/env/env.ts";
import { Problem } from "./problem.ts";

/** Bounds of one body. */
export interface BodyBounds {
  readonly bytes: number;
  readonly ms: number;
}

/**
 * The bytes of a body. `bodyTooLarge` before a byte is read where `Content-Length` says so, and after
 * `bytes` where nothing did (Deno reads chunked bodies in quadratic time: they stay this short).
 */
export async function readBody(
  request: Request,
  bounds: BodyBounds,
  timers: Timers,
): Promise<Uint8Array<ArrayBuffer>> {
  const declared = request.headers.get("content-length");
  if (declared !== null && !/^\d{1,15}$/.test(declared)) {
    throw new Problem("malformedRequest", "the header Content-Length is no number of bytes");
  }
  if (declared !== null && Number(declared) > bounds.bytes) throw tooLarge(bounds);
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  let expired = false;
  const timer = timers.after(bounds.ms, () => {
    expired = true;
    reader.cancel().catch(() => {});
  });
  try {
    const pieces = await takeAll(reader, bounds);
    if (expired) throw tooSlow(bounds);
    return pieces;
  } catch (thrown) {
    reader.cancel().catch(() => {});
    if (thrown instanceof Problem) throw thrown;
    throw new Problem("malformedBody", "the body ended before it was complete; send it again", {
      retryable: true,
      cause: thrown,
    });
  } finally {
    timer.cancel();
  }
}

async function takeAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  bounds: BodyBounds,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > bounds.bytes) throw tooLarge(bounds);
    pieces.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The text of a body. */
export async function readText(
  request: Request,
  bounds: BodyBounds,
  timers: Timers,
): Promise<string> {
  const bytes = await readBody(request, bounds, timers);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Problem("malformedBody", "the body is not UTF-8 text", { cause });
  }
}

function tooLarge({ bytes }: BodyBounds): Problem {
  return new Problem("bodyTooLarge", `the body is larger than ${bytes} bytes; send less`, {
    headers: { connection: "close" },
  });
}

function tooSlow({ ms }: BodyBounds): Problem {
  return new Problem("malformedBody", `the body was not complete after ${ms} ms`, {
    retryable: true,
    headers: { connection: "close" },
  });
}

/** The media type of a request without parameters, in lower case; empty where it has none. */
export function mediaType(headers: Headers): string {
  return (headers.get("content-type") ?? "").split(";")[0]!.trim().toLowerCase();
}
