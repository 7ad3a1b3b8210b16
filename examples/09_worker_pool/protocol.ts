/** What the threads of the pool are asked. */

import { z } from "zod";
import { ask, protocol } from "@quorus/quorus";

export const Primes = protocol("example.primes", {
  version: 1,
  messages: {
    /** How many primes there are in `from <= n < to`. */
    count: ask(
      z.object({ from: z.number(), to: z.number(), attempt: z.number() }),
      z.number(),
    ),
  },
});
