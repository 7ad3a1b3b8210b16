/** Giving a resource another name (RFC 4918, 9.9), and what it means when a server does not. */

import { splitPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import type { DavAccess } from "./access.ts";

/** One move. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly isCollection: boolean;
  readonly replace: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** What came of it; `refused`: a condition did not hold, and with `replace: false` the name is taken. */
export type Moved = "moved" | "refused" | "gone" | "parentMissing";

const MOVED: readonly number[] = [201, 204];
const REFUSED = 412;
/** Says that something is missing, and not what; some servers call that forbidden. */
const MISSING: ReadonlySet<number> = new Set([403, 404, 409, 410]);
/** Apache's word for a directory that is not there. */
const FAILED = 500;

/** Moves; `serverError` and the like, not definite, where nobody knows what happened. */
export async function move(access: DavAccess, asked: Move): Promise<Moved> {
  const { from, to, isCollection, replace, headers, signal } = asked;
  const call = {
    method: "MOVE",
    headers: {
      ...headers,
      destination: access.destination(to, isCollection),
      overwrite: replace ? "T" : "F",
    },
    accepts: [...MOVED, REFUSED],
    signal,
    changes: true,
  };
  try {
    const { status } = await access.ask(from, call, isCollection);
    return status === REFUSED ? "refused" : "moved";
  } catch (thrown) {
    const status = thrown instanceof ProtocolError ? Number(thrown.details.status) : 0;
    if (!MISSING.has(status) && status !== FAILED) throw thrown;
    if (await access.stat(from, signal) === null) {
      // After a failure nobody knows who took it away.
      if (status === FAILED) throw thrown;
      return "gone";
    }
    const { directory } = splitPath(to);
    if (directory !== "/" && await access.stat(directory, signal) === null) return "parentMissing";
    throw thrown;
  }
}
