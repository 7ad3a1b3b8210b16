/**
 * What a controller knows of where controllers are: from its settings, and from those that have joined
 * since and say so themselves. Kept in memory only: whoever is linked says it again.
 */

import { actor } from "../../runtime/actor/definition.ts";
import { type Addresses, Directory } from "./messages.ts";

/** What it is started with. */
export interface DirectoryArgs {
  /** From the settings. */
  readonly configured: Addresses;
  /** Who belongs to the group now; empty where this controller waits to be added. */
  readonly members: () => readonly string[];
}

interface State extends DirectoryArgs {
  /** What controllers have said of themselves. */
  readonly announced: Map<string, string>;
}

/** One on every controller. */
export const directory = actor(Directory, {
  mailbox: { capacity: 4_096, full: "reject" },
  state: (args: DirectoryArgs): State => ({ ...args, announced: new Map() }),
  on: {
    controllers: ({ configured, members, announced }) => {
      const present = members();
      for (const id of announced.keys()) if (!present.includes(id)) announced.delete(id);
      if (present.length === 0) return configured;
      const known = { ...configured, ...Object.fromEntries(announced) };
      return Object.fromEntries(
        present.flatMap((id) => known[id] === undefined ? [] : [[id, known[id]]]),
      );
    },
    announce: ({ members, announced }, { url }, { senderNode }) => {
      if (members().includes(senderNode)) announced.set(senderNode, url);
      return {};
    },
  },
});
