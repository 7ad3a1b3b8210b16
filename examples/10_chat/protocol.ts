/** What the two sides of the chat say to each other; each imports only this of the other. */

import { z } from "zod";
import { ask, protocol, tell } from "@quorus/quorus";

export const Room = protocol("example.room", {
  version: 1,
  messages: {
    /** `member` is the address of an actor that speaks {@link Member}. */
    join: ask(z.object({ member: z.string() }), z.object({ present: z.array(z.string()) })),
    say: tell(z.object({ name: z.string(), text: z.string() })),
  },
});

export const Member = protocol("example.member", {
  version: 1,
  messages: {
    /** From the room. */
    hear: tell(z.object({ text: z.string() })),
    /** From the keyboard. */
    type: tell(z.object({ text: z.string() })),
    /** From itself. */
    join: tell(z.object({})),
  },
});
