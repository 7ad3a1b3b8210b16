/** The message protocols of a relay: one agent reads a source for another one, over a link of their own. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Fingerprint, SourceCapabilities, SourceFacts } from "../../protocols/contract.ts";

const isObject = (value: unknown) => typeof value === "object" && value !== null;
const count = z.number().int().nonnegative();

/** Why a call of the source failed, as plain data. */
const failure = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    definite: z.boolean(),
    retryAfterMs: z.number().optional(),
  }),
});
export type Failure = z.infer<typeof failure>;

function answer<Value extends z.ZodType>(value: Value) {
  return z.union([z.object({ value }), failure]);
}

const facts = z.custom<SourceFacts>(isObject);
const fingerprint = z.custom<Fingerprint>(isObject);

/** Where the actor is, on every agent. */
export const RELAYS_PATH = "relays";

/** What an agent asks of another one that is to read for it. */
export const Relays = protocol("quorus.relays", {
  version: 1,
  messages: {
    /**
     * Prepares the source of the job whose lease the sender has and in which this agent is named; it
     * is looked up at a controller. `to`: the actor that bytes go to; the reading ends with it.
     */
    begin: ask(
      z.object({ jobId: z.string(), leaseIndex: count, to: z.string().max(512) }),
      answer(z.object({
        /** Address of a {@link Reading}. */
        reading: z.string(),
        capabilities: z.custom<SourceCapabilities>(isObject),
      })),
    ),
  },
});

/** A source that is read for another agent. */
export const Reading = protocol("quorus.reading", {
  version: 1,
  messages: {
    stat: ask(z.object({}), answer(facts)),
    /** Opens a range under a number that is new; bytes come as long as there is credit. */
    open: ask(
      z.object({
        reader: count,
        start: count,
        end: count.nullable(),
        expected: fingerprint.nullable(),
        creditBytes: count,
      }),
      answer(facts),
    ),
    /** So many more bytes may be under way. */
    credit: tell(z.object({ reader: count, bytes: count })),
    /** What the source says after the last byte. */
    confirm: ask(z.object({ reader: count }), answer(fingerprint)),
    shut: tell(z.object({ reader: count })),
  },
});

/** Who takes the bytes: one actor for each reading, on the agent that writes. */
export const Receiving = protocol("quorus.receiving", {
  version: 1,
  messages: {
    bytes: tell(
      z.object({ reader: count, at: count, bytes: z.instanceof(Uint8Array) }),
      { lane: "bulk" },
    ),
    /** No more bytes: the range has ended at `at`, or the source has failed there. */
    ended: tell(
      z.object({ reader: count, at: count, failure: failure.nullable() }),
      { lane: "bulk" },
    ),
  },
});
