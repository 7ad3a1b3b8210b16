/** The bounds of the client: how long it tries, how much it takes. */

import { type LimitTable, type LimitValues, limitValues } from "../runtime/base/limits.ts";

/** Every bound with its unit, default and reason. */
export const CLIENT_LIMITS = {
  callMs: {
    unit: "ms",
    value: 60_000,
    why:
      "a call is repeated so long: longer than a cluster takes to elect and a gateway to restart",
  },
  tryMs: {
    unit: "ms",
    value: 20_000,
    why:
      "one try has so long: a gateway answers a write within 15 s, if only to say that it cannot",
  },
  mebibyteMs: {
    unit: "ms",
    value: 15_000,
    why: "each whole MiB of a body adds so much to a try and to a call: a large plan takes seconds",
  },
  backoffMs: {
    unit: "ms",
    value: 100,
    why: "wait before the second try; doubled up to backoffMostMs",
  },
  backoffMostMs: {
    unit: "ms",
    value: 5_000,
    why: "longest wait before a try, unless told otherwise",
  },
  answerBytes: {
    unit: "bytes",
    value: 64 * 2 ** 20,
    why: "an answer that is longer is not read: a page of 1,000 jobs has some 2 MiB",
  },
  lostMs: {
    unit: "ms",
    value: 120_000,
    why: "a stream of events that no gateway gives for so long is given up: restarts take less",
  },
  silenceMs: {
    unit: "ms",
    value: 45_000,
    why: "a stream of events that is silent for so long is dead: gateways write each 15 s",
  },
  eventBytes: {
    unit: "bytes",
    value: 4 * 2 ** 20,
    why: "one event of a stream: the largest agent view has some 300 KiB",
  },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export type ClientLimits = LimitValues<typeof CLIENT_LIMITS>;

/** The defaults, with `overrides` applied. */
export function clientLimits(overrides: Partial<ClientLimits> = {}): ClientLimits {
  return limitValues(CLIENT_LIMITS, overrides);
}
