/** The step that makes a file of a share the final one. */

import { ProtocolError } from "../errors.ts";
import type { SmbSession } from "./session.ts";
import { isMissing, link, removeFile, rename } from "./share.ts";

/**
 * Renames over what stands there, or gives a second name, which is refused where one stands, and takes
 * the first one away. `exists`: the name is taken. Samba's rename without replacing looks first and
 * renames then, so that two can win; a hard link has one winner. Where there are no hard links, the
 * server's rename has to do.
 */
export async function giveFinalName(
  session: SmbSession,
  { from, to }: { readonly from: string; readonly to: string },
  replaces: boolean,
  shown: string,
): Promise<void> {
  if (replaces) return await rename(session, from, to, true);
  try {
    await link(session, from, to);
  } catch (thrown) {
    if (isTaken(thrown)) throw taken(shown, thrown);
    if (!(thrown instanceof ProtocolError) || thrown.code !== "unsupported") throw thrown;
    return await renamed(session, from, to, shown);
  }
  try {
    await removeFile(session, from);
  } catch (thrown) {
    // Seized in between: the final name stands all the same.
    if (!isMissing(thrown)) throw uncertain(shown, thrown);
  }
}

async function renamed(
  session: SmbSession,
  from: string,
  to: string,
  shown: string,
): Promise<void> {
  try {
    await rename(session, from, to, false);
  } catch (thrown) {
    throw isTaken(thrown) ? taken(shown, thrown) : thrown;
  }
}

function isTaken(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "exists";
}

function taken(shown: string, cause: unknown): ProtocolError {
  const message = `cannot publish ${shown}: the name is taken`;
  return new ProtocolError("exists", message, { cause, definite: true });
}

function uncertain(shown: string, cause: unknown): ProtocolError {
  const message = `cannot finish publishing ${shown}: its temporary name could not be removed`;
  return new ProtocolError("io", message, { cause, definite: false });
}
