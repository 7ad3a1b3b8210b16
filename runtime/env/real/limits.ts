/** The bounds of the real side of Env. */

import type { LimitTable } from "../../base/limits.ts";
import { KIB, MIB } from "../../base/units.ts";

/** Every buffer and queue of `runtime/env/real`. */
export const ENV_LIMITS = {
  syncWriteBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why:
      "writes up to this size are done at once; larger ones give the event loop a turn per piece",
  },
  writePieceBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why:
      "one write call at most: for a longer one Linux takes page-cache folios of that size, which cost up to 8x when memory is fragmented (1 GiB: 2.3 s against 0.28)",
  },
  syncReadBytes: {
    unit: "bytes",
    value: 64 * KIB,
    why:
      "reads up to this size block the loop for less than a thread hop costs; larger ones do not",
  },
  httpBacklog: {
    unit: "count",
    value: 4_096,
    why:
      "HTTP connections that wait to be taken up, as far as net.core.somaxconn allows: of 1,000 clients that come at once, 511 leave some that try again after 1 s and more",
  },
  timerMaxMs: {
    unit: "ms",
    value: 2 ** 31 - 1,
    why: "setTimeout takes 31 bits; longer timers are armed again",
  },
  kvListBatch: {
    unit: "count",
    value: 500,
    why: "entries fetched ahead by a KV listing (Deno KV takes at most 1,000)",
  },
  netReadBytes: {
    unit: "bytes",
    value: MIB,
    why: "the buffer that a response body is read into; 1 MiB was fastest of those measured",
  },
  netSmallBodyBytes: {
    unit: "bytes",
    value: 64 * KIB,
    why: "bodies announced up to this size are taken whole, which saves a reader and its buffer",
  },
  netUploadPieceBytes: {
    unit: "bytes",
    value: 256 * KIB,
    why:
      "what a body that is being made is asked for at once; fetch holds one more and 64 KiB of its own",
  },
  netIdlePerHost: {
    unit: "count",
    value: 64,
    why: "idle connections kept per host and TLS options",
  },
  netIdleMs: {
    unit: "ms",
    value: 30_000,
    why: "an idle connection is closed after this; most servers keep one longer",
  },
  netClients: {
    unit: "count",
    value: 64,
    why: "HTTP clients kept, one per distinct TLS options; the one unused longest is closed first",
  },
} as const satisfies LimitTable;
