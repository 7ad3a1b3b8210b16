/** The bounds of the door: what it takes in, how much of it at once, how long it waits. */

import { assert } from "../runtime/base/assert.ts";
import { type LimitTable, type LimitValues, limitValues } from "../runtime/base/limits.ts";

/** Every bound of the door. */
export const GATEWAY_LIMITS = {
  workflowBytes: {
    unit: "bytes",
    value: 5 * 2 ** 20,
    why: "body with a workflow: the text itself may have 4 MiB, JSON quotes and variables the rest",
  },
  submissionBytes: {
    unit: "bytes",
    value: 64 * 2 ** 20,
    why: "the plans of one submission, whose variables are put in: some 50,000 transfers",
  },
  pieceBytes: {
    unit: "bytes",
    value: 512 * 2 ** 10,
    why: "a larger plan travels in parts of so much: an eighth of what a command may have",
  },
  headBytes: {
    unit: "bytes",
    value: 2 * 2 ** 20,
    why: "one transfer, or what a submission has beside its transfers: half of a command",
  },
  bodyBytes: { unit: "bytes", value: 64 * 2 ** 10, why: "any other body: a few fields" },
  bodyMs: {
    unit: "ms",
    value: 15_000,
    why: "a body that is not complete by then holds memory for nobody",
  },
  requestsInFlight: {
    unit: "count",
    value: 8_192,
    why: "requests of all clients at once: beyond it 503 at once instead of memory without bound",
  },
  requestsPerKey: {
    unit: "perSecond",
    value: 20_000,
    why: "requests of one API key; twice as many in one burst",
  },
  refusedPerAddress: {
    unit: "perSecond",
    value: 50,
    why: "requests without a valid key from one host: guessing, or a client that ignores 401",
  },
  trackedKeys: {
    unit: "count",
    value: 10_000,
    why: "keys and hosts whose rate is remembered; the one seen longest ago is forgotten",
  },
  keyCacheMs: {
    unit: "ms",
    value: 2_000,
    why:
      "a revoked key works so long at most; without it each request would ask a controller twice",
  },
  unknownKeyCacheMs: {
    unit: "ms",
    value: 500,
    why: "a key that nobody knows is not asked for again: a new one works after so long at most",
  },
  keyLookups: {
    unit: "perSecond",
    value: 500,
    why: "keys that are looked up at the controllers: random ones must not keep them busy",
  },
  writeMs: {
    unit: "ms",
    value: 15_000,
    why: "a write is repeated so long, under one key: three times the longest failover",
  },
  readMs: { unit: "ms", value: 8_000, why: "a read is repeated elsewhere so long" },
  tryMs: {
    unit: "ms",
    value: 3_000,
    why: "one controller has so long to answer a write before another one is asked",
  },
  readTryMs: { unit: "ms", value: 1_500, why: "the same for a read: it waits for no disk" },
  looksPerMessage: {
    unit: "count",
    value: 256,
    why: "questions by id that one message asks of a controller: some 200 KiB come back",
  },
  queriesKept: {
    unit: "count",
    value: 64,
    why: "query strings of a route whose meaning is remembered: most clients send one of a few",
  },
  keyTexts: {
    unit: "count",
    value: 1_024,
    why: "keys in use that are known without being hashed anew, for keyCacheMs at most",
  },
  lookupTryMs: {
    unit: "ms",
    value: 500,
    why: "the same for an API key, which every controller knows by itself",
  },
  operationTryMs: {
    unit: "ms",
    value: 120_000,
    why: "the same for changes of membership: a new member catches up first",
  },
  operationMs: {
    unit: "ms",
    value: 600_000,
    why: "a change of membership that has not ended by then",
  },
  againMs: { unit: "ms", value: 50, why: "wait before another try; doubled up to againMostMs" },
  againMostMs: { unit: "ms", value: 500, why: "longest wait before another try" },
  avoidMs: {
    unit: "ms",
    value: 1_000,
    why: "a controller that did not answer is asked last for so long",
  },
  retryAfterMs: {
    unit: "ms",
    value: 1_000,
    why: "Retry-After where nobody knows better: an election takes less",
  },
  idempotencyKeys: {
    unit: "count",
    value: 4_096,
    why:
      "answers kept for repeated requests; the controllers remember that they were done for longer",
  },
  idempotencyMs: { unit: "ms", value: 600_000, why: "how long such an answer is kept" },
  idempotencyBytes: {
    unit: "bytes",
    value: 16 * 2 ** 10,
    why: "a longer answer is not kept, it is made again",
  },
  idempotencyKeyCharacters: { unit: "count", value: 255, why: "length of an Idempotency-Key" },
  operations: {
    unit: "count",
    value: 1_000,
    why: "operations that can be polled; the oldest ended one is forgotten first",
  },
  pageItems: { unit: "count", value: 1_000, why: "items of one page at most" },
  defaultPageItems: { unit: "count", value: 100, why: "items of a page where none is asked for" },
  cursorCharacters: { unit: "count", value: 2_048, why: "length of a cursor" },
  selectorCharacters: { unit: "count", value: 2_048, why: "length of a label selector" },
  selectorTerms: { unit: "count", value: 32, why: "terms of a label selector" },
  variables: {
    unit: "count",
    value: 1_000,
    why: "variables, environment and files of one submission",
  },
  variableCharacters: { unit: "count", value: 65_536, why: "length of one of their values" },
  shutdownMs: {
    unit: "ms",
    value: 20_000,
    why: "running requests have so long to end: longer than a write may take",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type GatewayLimits = LimitValues<typeof GATEWAY_LIMITS>;

/** The defaults with `overrides`; throws where they contradict each other. */
export function gatewayLimits(overrides: Partial<GatewayLimits> = {}): GatewayLimits {
  const limits = limitValues(GATEWAY_LIMITS, overrides);
  assert(limits.tryMs <= limits.writeMs, "a write has time for one try");
  assert(3 * limits.readTryMs <= limits.readMs, "a read has time for three controllers");
  assert(limits.writeMs <= limits.shutdownMs, "a shutdown waits for a write");
  assert(limits.pieceBytes <= limits.headBytes, "a part is no longer than the longest transfer");
  assert(limits.headBytes <= limits.submissionBytes, "a submission may have one long transfer");
  assert(limits.defaultPageItems <= limits.pageItems, "a page of default size is allowed");
  return limits;
}
