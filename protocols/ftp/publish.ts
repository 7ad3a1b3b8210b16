/** The step that makes a temporary file of an FTP server the final one. */

import { ProtocolError } from "../errors.ts";
import { FtpRefusal } from "./meaning.ts";
import { explained, type FtpSession } from "./session.ts";

/** Both names, and the final one as it may be shown. */
export interface FinalName {
  readonly temp: string;
  readonly final: string;
  readonly shown: string;
}

/**
 * Renames, over what stands there or not. FTP has no rename that refuses: the name is looked at before,
 * and who takes it in the instant between is replaced. `exists`: the name is taken.
 */
export async function giveFinalName(
  session: FtpSession,
  { temp, final, shown }: FinalName,
  replaces: boolean,
): Promise<void> {
  if (!replaces && await session.hasFile(final)) throw taken(shown);
  try {
    await session.rename(temp, final);
  } catch (thrown) {
    const reason = await explained(session, temp, "file", thrown);
    if (reason !== thrown || !(thrown instanceof FtpRefusal)) throw reason;
    throw await unreplaced(session, final, shown, replaces, thrown);
  }
}

/** A server that renames over nothing that stands there says so in many ways. */
async function unreplaced(
  session: FtpSession,
  final: string,
  shown: string,
  replaces: boolean,
  thrown: FtpRefusal,
): Promise<unknown> {
  const isTaken = thrown.isVague || thrown.code === "exists" || thrown.code === "denied";
  if (!isTaken || await session.look(final).catch(() => null) === null) return thrown;
  if (!replaces) return taken(shown, thrown);
  const message = `cannot replace ${shown}: the server cannot rename over another file; use ` +
    'conflict "fail", or another name';
  return new ProtocolError("unsupported", message, { cause: thrown, definite: true });
}

function taken(shown: string, cause?: unknown): ProtocolError {
  const message = `cannot publish ${shown}: the name is taken`;
  return new ProtocolError("exists", message, { cause, definite: true });
}
