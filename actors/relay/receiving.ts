/** Takes the bytes that another agent reads for one attempt, and notices when that agent is gone. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { errorOf, relayLost } from "./failures.ts";
import type { Inbox } from "./inbox.ts";
import { Receiving } from "./messages.ts";

/** What it is started with. */
export interface ReceivingArgs {
  /** The agent that reads: nobody else is believed. */
  readonly reader: string;
  /** By the number of the range; who opens one puts its inbox here first. */
  readonly inboxes: Map<number, Inbox>;
}

/** One for each relayed attempt; spawn it `temporary`. */
export const receiving = actor(Receiving, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: (args: ReceivingArgs): ReceivingArgs => args,
  on: {
    bytes: (state, { reader, at, bytes }, ctx) => {
      if (isReader(state, ctx)) state.inboxes.get(reader)?.push(at, bytes);
    },
    ended: (state, { reader, at, failure }, ctx) => {
      if (!isReader(state, ctx)) return;
      const error = failure === null ? null : errorOf(failure, state.reader);
      state.inboxes.get(reader)?.ended(at, error);
    },
  },
  stopping: ({ reader, inboxes }) => {
    for (const inbox of inboxes.values()) inbox.end(relayLost(reader, "the attempt is over"));
  },
});

function isReader({ reader }: ReceivingArgs, { senderNode }: Context<typeof Receiving>): boolean {
  return senderNode === reader;
}
