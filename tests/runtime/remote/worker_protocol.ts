/** What the Worker of worker_test.ts is told. */

import { z } from "zod";
import { ask, protocol, tell } from "../../../mod.ts";

/** Adds numbers, and fails when told to. */
export const Sum = protocol("test.sum", {
  version: 1,
  messages: {
    add: tell(z.object({ amount: z.number() })),
    total: ask(z.object({}), z.number()),
    measure: ask(z.object({ bytes: z.instanceof(Uint8Array) }), z.number(), { lane: "bulk" }),
    leave: tell(z.object({})),
  },
});
