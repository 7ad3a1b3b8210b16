/** What a run is called: the same file with the same values is the same run. */

import type { Hashing } from "../../runtime/env/env.ts";
import type { Bindings } from "../../workflows/bindings.ts";
import type { Definition } from "../../workflows/definition.ts";
import { runDigest } from "../../workflows/digest.ts";

const NAME_CHARACTERS = 48;
const DIGEST_CHARACTERS = 12;

/** `daily-backup-1f2e3d4c5b6a`: the name, and of the digest what tells runs apart. */
export function runIdOf(hash: Hashing, definition: Definition, bindings: Bindings): string {
  const sha256 = (text: string) => {
    const hasher = hash.sha256();
    hasher.update(new TextEncoder().encode(text));
    return hasher.digestHex();
  };
  const name = definition.name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, NAME_CHARACTERS);
  const digest = sha256(runDigest(definition, bindings, sha256));
  return `${name}-${digest.slice(0, DIGEST_CHARACTERS)}`;
}
