/** Copies that the server makes (RFC 4918, 9.8), into the directory of an unpublished file. */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { splitPath } from "../containment.ts";
import type {
  CopyOrder,
  NoServerCopy,
  ServerCopy,
  SinkFile,
  Source,
  SourceEndpoint,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { ask } from "../http/call.ts";
import { protocolLimits } from "../limits.ts";
import { whyOtherService } from "../same_service.ts";
import type { DavAccess } from "./access.ts";
import { davPlaceOf, isSameServer } from "./endpoint.ts";
import { DavSinkFile } from "./sink_file.ts";

const MADE: readonly number[] = [201, 204];
const UNMET = 412;
/** Of a destination whose directory is gone; some servers call that forbidden. */
const MISSING: ReadonlySet<number> = new Set([403, 404, 409, 410]);

/** How the server of `access` copies the file of another endpoint; one request does all of it. */
export function davCopy(
  access: DavAccess,
  source: SourceEndpoint,
  sourceAt: (path: string) => Source,
): ServerCopy | NoServerCopy {
  const from = davPlaceOf(source);
  const whyNot = isSameServer(from, access.at)
    ? whyOtherService(from.http, access.at.http, { hosts: ["", ""] })
    : "the source is on another server";
  if (whyNot !== null) return { whyNot };
  const { path } = from.place;
  return {
    leastBytes: 0,
    resumes: false,
    copy: (file, order) => copyWhole(access, path, sourceAt(path), file, order),
  };
}

async function copyWhole(
  access: DavAccess,
  path: string,
  source: Source,
  file: SinkFile,
  order: CopyOrder,
): Promise<void> {
  assert(file instanceof DavSinkFile, "copy() takes a file that this protocol opened");
  const { size, signal, expected } = order;
  const action = `copy ${access.shown(path)}`;
  assertNotAborted(action, signal);
  // Many servers do not look at conditions of COPY: looked at before, and by who asked for it after.
  assertSameVersion(action, expected, (await source.stat(signal)).fingerprint);
  await file.fill(async () => {
    await copy(access, path, file.path, order).catch(async (thrown: unknown) => {
      throw await seized(access, file, thrown, signal);
    });
    const standing = await access.stat(file.path, signal);
    if (standing?.size === size) return;
    const message = `cannot ${action}: the copy has ${standing?.size ?? "no"} bytes, not ${size}`;
    throw new ProtocolError("changed", message);
  }, size);
  order.copied(size);
}

async function copy(
  access: DavAccess,
  from: string,
  to: string,
  { size, signal, expected: { etag } }: CopyOrder,
): Promise<void> {
  const { client } = access;
  const patienceMs = Math.ceil(size / protocolLimits.davCopyBytesPerSecond * 1_000);
  const patient = { ...client, responseTimeoutMs: client.responseTimeoutMs + patienceMs };
  const { status } = await ask(patient, access.hop(from), {
    method: "COPY",
    headers: {
      ...{ destination: access.destination(to), depth: "0", overwrite: "T" },
      ...(etag === null ? {} : { "if-match": etag }),
    },
    accepts: [...MADE, UNMET],
    signal,
    changes: true,
  });
  if (status !== UNMET) return;
  const message = `cannot copy ${access.shown(from)}: it was changed; start over`;
  throw new ProtocolError("changed", message, { definite: true });
}

/** Where the directory of the unpublished file is gone, a later attempt has taken it away. */
async function seized(
  access: DavAccess,
  file: DavSinkFile,
  thrown: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(thrown instanceof ProtocolError) || !MISSING.has(Number(thrown.details.status))) {
    return thrown;
  }
  const { directory } = splitPath(file.path);
  const standing = await access.stat(directory, signal).catch(() => thrown);
  if (standing !== null) return thrown;
  const message = `cannot copy to ${access.shown(directory)}: it is gone; a later attempt has ` +
    "taken over";
  return new ProtocolError("notFound", message, { cause: thrown, definite: true });
}
