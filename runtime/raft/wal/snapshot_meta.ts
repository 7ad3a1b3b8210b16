/** What a snapshot stands for, as bytes on disk: JSON, checked when it is read. */

import { z } from "zod";
import type { SnapshotMeta } from "../core/entry.ts";
import type { Member } from "../core/configuration.ts";

const index = z.number().int().min(0);
const memberSchema = z.strictObject({
  id: z.string(),
  role: z.enum(["voter", "learner"]),
  witness: z.boolean(),
  priority: z.number(),
});
const metaSchema = z.strictObject({
  index,
  term: index,
  stampMs: z.number(),
  configuration: z.strictObject({
    members: z.array(memberSchema),
    outgoing: z.array(memberSchema).nullable(),
  }),
  configurationIndex: index,
});

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** The bytes of a {@link SnapshotMeta}; the same meta gives the same bytes. */
export function encodeSnapshotMeta(meta: SnapshotMeta): Uint8Array {
  const { configuration } = meta;
  return encoder.encode(JSON.stringify({
    index: meta.index,
    term: meta.term,
    stampMs: meta.stampMs,
    configuration: {
      members: configuration.members.map(plainMember),
      outgoing: configuration.outgoing?.map(plainMember) ?? null,
    },
    configurationIndex: meta.configurationIndex,
  }));
}

/** The meta that bytes hold; throws where they hold none. */
export function decodeSnapshotMeta(bytes: Uint8Array): SnapshotMeta {
  return metaSchema.parse(JSON.parse(decoder.decode(bytes)));
}

function plainMember({ id, role, witness, priority }: Member): Member {
  return { id, role, witness, priority };
}
