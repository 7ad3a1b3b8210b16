/** A controller tells the others where it is: those that were there before it do not know it. */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import { directoryLimits } from "./limits.ts";
import { Directory, DIRECTORY_PATH } from "./messages.ts";

const Announcer = protocol("quorus.directory-announcer", {
  version: 1,
  messages: { announce: tell(z.object({})) },
});

/** What it is started with. */
export interface AnnouncerArgs {
  /** Where other nodes reach this one. */
  readonly url: string;
  /** The members of the group, this one too. */
  readonly members: () => readonly string[];
}

/** One on every controller. */
export const announcer = actor(Announcer, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: AnnouncerArgs, ctx: Context<typeof Announcer>): AnnouncerArgs => {
    ctx.self.tell("announce", {});
    return args;
  },
  on: {
    announce: ({ url, members }, _, ctx) => {
      ctx.after("announce", directoryLimits.announceMs, "announce", {});
      for (const id of members()) {
        // This node's own directory, too: its settings may name another place.
        const ref = ctx.ref(Directory, `quorus://${id}/${DIRECTORY_PATH}`);
        const withinMs = directoryLimits.answerMs;
        ctx.task(`announce ${id}`, (signal) => ref.ask("announce", { url }, { withinMs, signal }));
      }
    },
  },
  // Whoever has not heard it hears it the next time.
  done: () => {},
});
