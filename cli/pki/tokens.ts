/**
 * Join tokens: each lets one new node get one certificate, for a short time. A token holds the authority's
 * own certificate, so that who uses it can speak with nobody else; of its secret only the hash is kept.
 */

import { z } from "zod";
import { role } from "../../actors/roles.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { DiskLock, Env } from "../../runtime/env/env.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import { writeWhole } from "../roles/data_folder.ts";

/** A token that is none, or cannot be used (any more). */
export class JoinError extends QuorusError<"badToken" | "refused" | "unreachable" | "busy"> {
  override readonly name = "JoinError";
}

const content = z.strictObject({
  /** Where the authority answers: `wss://host:port`. */
  url: z.string().startsWith("wss://"),
  cluster: z.string(),
  /** The authority's certificate, PEM. */
  ca: z.string(),
  id: z.string(),
  secret: z.string(),
});

/** What a token holds. */
export type JoinToken = z.infer<typeof content>;

const PREFIX = "qj1_";

/** The token as a text of letters, digits, dashes and underscores. */
export function tokenText(token: JoinToken): string {
  const bytes = new TextEncoder().encode(JSON.stringify(token));
  return PREFIX + bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** Reads a token; JoinError `badToken`. */
export function parseToken(text: string): JoinToken {
  try {
    if (!text.startsWith(PREFIX)) throw new TypeError("it begins otherwise");
    const bytes = Uint8Array.fromBase64(text.slice(PREFIX.length), { alphabet: "base64url" });
    return content.parse(JSON.parse(new TextDecoder().decode(bytes)));
  } catch (cause) {
    const message = "cannot use this join token: it is not one, or a part is missing; " +
      "copy all of what quorus pki token has printed";
    throw new JoinError("badToken", message, { cause });
  }
}

const grant = z.strictObject({
  id: z.string(),
  sha256: z.string(),
  node: z.string(),
  roles: z.array(role),
  /** How long the certificate holds. */
  days: z.number(),
  expiresMs: z.number(),
});

/** What a token entitles to. */
export type Grant = z.infer<typeof grant>;

/** Where grants are kept; each can be taken once. */
export interface GrantStore {
  add(grant: Grant): Promise<void>;
  /** The grant, from now on nobody's; `null` if there is none with this id and hash that holds still. */
  take(id: string, sha256: string): Promise<Grant | null>;
}

/** Grants in a file beside the authority's key. */
export function fileGrants(
  env: Pick<Env, "disk" | "clock" | "timers">,
  folder: string,
): GrantStore {
  const file = `${folder}/join-tokens.json`;
  const change = async <T>(work: (grants: Grant[]) => { kept: Grant[]; result: T }): Promise<T> => {
    const lock = await lockWithin(env, `${folder}/join-tokens.lock`, cliLimits.joinLockMs);
    if (lock === null) {
      const message = "cannot change the join tokens: another process does; try again";
      throw new JoinError("busy", message, { retryable: true });
    }
    try {
      const nowMs = env.clock.now();
      const present = (await read()).filter(({ expiresMs }) => expiresMs > nowMs);
      const { kept, result } = work(present);
      await writeWhole(env.disk, file, JSON.stringify(kept), 0o600);
      return result;
    } finally {
      await lock.release();
    }
  };
  const read = async (): Promise<Grant[]> => {
    if (await env.disk.stat(file) === null) return [];
    const text = await readTextFile(env.disk, file, "the join tokens", cliLimits.valueFileBytes);
    return z.array(grant).parse(JSON.parse(text));
  };
  return {
    add: (added) => change((grants) => ({ kept: [...grants, added], result: undefined })),
    take: (id, sha256) =>
      change((grants) => {
        const taken = grants.find((one) => one.id === id && one.sha256 === sha256) ?? null;
        return { kept: grants.filter((one) => one !== taken), result: taken };
      }),
  };
}

/** Whoever has it gives it back soon: it is held for one change of the file. */
async function lockWithin(
  { disk, clock, timers }: Pick<Env, "disk" | "clock" | "timers">,
  path: string,
  withinMs: number,
): Promise<DiskLock | null> {
  const endMs = clock.monotonic() + withinMs;
  for (;;) {
    const lock = await disk.tryLock(path);
    if (lock !== null || clock.monotonic() >= endMs) return lock;
    await new Promise<void>((go) => void timers.after(cliLimits.joinLockPauseMs, go));
  }
}
