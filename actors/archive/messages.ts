/** What controllers ask each other about the archive: each has an `archive` actor. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";

/** Where the actor is, on every controller. */
export const ARCHIVE_PATH = "archive";

const segment = { number: z.number().int().positive(), hash: z.string().length(64) };
/** What is known of the archive of one controller. */
export const archiveStatus = z.object({
  /** The segments that should be here: from this one up to that one. */
  first: z.number().int(),
  count: z.number().int(),
  /** Those of them that are neither here nor still in the state: they are being fetched. */
  missing: z.array(z.number().int()),
  /** When each segment had been read again in the last round; null: not yet. */
  verifiedMs: z.number().nullable(),
  /** Segments that were read again so far, and those that were damaged and fetched anew. */
  verified: z.number().int(),
  damaged: z.number().int(),
  lastDamagedMs: z.number().nullable(),
});
/** The same as a type. */
export type ArchiveStatus = z.infer<typeof archiveStatus>;

const bytes = z.custom<Uint8Array>((value) => value instanceof Uint8Array, "bytes");

/** The archive of one controller. */
export const Archive = protocol("quorus.archive", {
  version: 1,
  messages: {
    /** The replicated state may speak of segments that are not here, or not kept any longer. */
    look: tell(z.object({})),
    /** Whether a segment is here, whole and durable. */
    holds: ask(z.object(segment), z.boolean()),
    /** A piece of a segment, and the size of all of it; null: it is not here. Controllers only. */
    fetch: ask(
      z.object({ ...segment, offset: z.number().int().nonnegative() }),
      z.object({ bytes, size: z.number().int() }).nullable(),
    ),
    /** What should be here, what of it is not, and what checks have found. */
    status: ask(z.object({}), archiveStatus),
    /** Reads every byte; what is damaged is fetched again. */
    verify: ask(z.object({}), z.object({ damaged: z.array(z.number().int()) })),
    /** It is time to read the next segment again. */
    verifyNext: tell(z.object({})),
  },
});

/** The leader's actor that cuts and seals segments. */
export const Archiver = protocol("quorus.archiver", {
  version: 1,
  messages: {
    /** It is time to see whether there is something to do. */
    look: tell(z.object({})),
  },
});
