/** Where controllers are: every controller has a `directory` actor that tells it to all nodes. */

import { z } from "zod";
import { ask, protocol } from "../../runtime/actor/protocol.ts";

/** Where the actor is, on every controller. */
export const DIRECTORY_PATH = "directory";

/** Node ids and the URLs of their links. */
const addresses = z.record(z.string(), z.string());

/** What nodes ask of it. */
export const Directory = protocol("quorus.directory", {
  version: 1,
  messages: {
    /** The members of the group as this controller knows them, and where they are. */
    controllers: ask(z.object({}), addresses),
    /** A controller says where it is itself; believed of members only, as the link proves who speaks. */
    announce: ask(z.object({ url: z.string().max(512) }), z.object({})),
  },
});

/** See {@link Directory}. */
export type Addresses = z.infer<typeof addresses>;
