/** The message protocol of the warden of the fleet. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";

export const Warden = protocol("quorus.warden", {
  version: 1,
  messages: {
    /** A link has come up, or is lost. */
    linked: tell(z.object({ node: z.string(), isUp: z.boolean() })),
    /** Time to look at everybody. */
    look: tell(z.object({})),
    /** Why nobody is given up although some do not answer; null if nothing is held back. */
    why: ask(z.object({}), z.object({ heldBack: z.string().nullable() })),
  },
});
