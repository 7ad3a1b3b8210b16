/**
 * Whose folder it is. `identity.json` is there before the first segment and says `new` until the log
 * has begun; from then on a folder without its log has lost it, and nobody begins another one there.
 */

import { z } from "zod";
import type { Env } from "../../env/env.ts";
import { RaftError } from "../errors.ts";
import type { StoreIdentity } from "../storage.ts";
import { readWhole, replaceFile } from "./files.ts";
import { logCorrupt, unknownVersion } from "./log_errors.ts";
import { LOG_VERSION } from "./segment_format.ts";

const identitySchema = z.strictObject({
  format: z.number(),
  group: z.string(),
  member: z.string(),
  log: z.enum(["new", "begun"]),
});

/** How far a folder is: without an identity, with one and no log yet, or with both. */
export type FolderStage = "empty" | "new" | "begun";

/** The identity file of a folder. */
function identityPath(folder: string): string {
  return `${folder}/identity.json`;
}

/** What stands in the header of each segment for the identity. */
export function identityCrc(identity: StoreIdentity, crc32: Env["hash"]["crc32"]): number {
  return crc32(new TextEncoder().encode(JSON.stringify([identity.group, identity.member])));
}

/** Reads the identity; `WrongFolder` where it is another one. */
export async function readIdentity(
  env: Pick<Env, "disk">,
  folder: string,
  identity: StoreIdentity,
): Promise<FolderStage> {
  const path = identityPath(folder);
  const bytes = await readWhole(env.disk, path);
  if (bytes === null) return "empty";
  const found = parseIdentity(path, bytes);
  if (found.format !== LOG_VERSION) throw unknownVersion(path, found.format);
  if (found.group === identity.group && found.member === identity.member) return found.log;
  throw wrongFolder(
    folder,
    identity,
    `it belongs to member ${found.member} of group ${found.group}; give each member a folder of its own`,
  );
}

/** Says durably whose folder it is, and whether its log has begun. */
export async function writeIdentity(
  env: Pick<Env, "disk">,
  folder: string,
  { group, member }: StoreIdentity,
  log: "new" | "begun",
): Promise<void> {
  const text = JSON.stringify({ format: LOG_VERSION, group, member, log });
  await replaceFile(env.disk, identityPath(folder), new TextEncoder().encode(text));
}

/** The refusal of a folder that is not this member's. */
export function wrongFolder(folder: string, identity: StoreIdentity, reason: string): RaftError {
  return new RaftError(
    "WrongFolder",
    `cannot open ${folder} for member ${identity.member} of group ${identity.group}: ${reason}`,
    { details: { folder } },
  );
}

function parseIdentity(path: string, bytes: Uint8Array): z.infer<typeof identitySchema> {
  try {
    return identitySchema.parse(
      JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)),
    );
  } catch (thrown) {
    throw logCorrupt(path, 0, 0, "it does not say whose folder this is", thrown);
  }
}
