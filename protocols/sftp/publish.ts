/** The step that makes a temporary file of an SFTP server the final one. */

import { ProtocolError } from "../errors.ts";
import type { SftpSession } from "./session.ts";

/** Whether a call failed because something on the way is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "notFound";
}

/**
 * Renames over what stands there, or gives a second name, which is refused where one stands, and takes
 * the first one away. `exists`: the name is taken.
 */
export async function giveFinalName(
  session: SftpSession,
  { temp, final }: { readonly temp: string; readonly final: string },
  replaces: boolean,
  shown: string,
): Promise<void> {
  if (replaces) return await replaced(session, temp, final);
  try {
    // Without hard links, plain rename must refuse (section 6.5 of the draft).
    if (!session.has("hardlink")) return await session.rename(temp, final);
    await session.link(temp, final);
  } catch (thrown) {
    throw await taken(session, final, shown, thrown);
  }
  try {
    await session.remove(temp);
  } catch (thrown) {
    // Seized in between: the final name stands all the same.
    if (!isMissing(thrown)) throw uncertain(shown, thrown);
  }
}

async function replaced(session: SftpSession, temp: string, final: string): Promise<void> {
  if (session.has("posixRename")) return await session.replace(temp, final);
  if (await session.stat(final, "keep") === null) return await session.rename(temp, final);
  const message =
    `cannot replace a file of ${session.place}: the server cannot rename over another ` +
    'one at once; use conflict "fail", or another name';
  throw new ProtocolError("unsupported", message, { definite: true });
}

async function taken(
  session: SftpSession,
  final: string,
  shown: string,
  thrown: unknown,
): Promise<unknown> {
  if (!(thrown instanceof ProtocolError) || thrown.code !== "io" || session.isBroken) return thrown;
  if (await session.stat(final, "keep").catch(() => null) === null) return thrown;
  const message = `cannot publish ${shown}: the name is taken`;
  return new ProtocolError("exists", message, { cause: thrown, definite: true });
}

function uncertain(shown: string, cause: unknown): ProtocolError {
  const message = `cannot finish publishing ${shown}: its temporary name could not be removed`;
  return new ProtocolError("io", message, { cause, definite: false });
}
