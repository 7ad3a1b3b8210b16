/** Copies that the server makes from one open file to another (OpenSSH's `copy-data`, since 9.0). */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { shownPath, splitPath } from "../containment.ts";
import type { CopyOrder, ServerCopy, SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { untilAborted } from "./access.ts";
import type { SftpPlace } from "./endpoint.ts";
import { assertFile, fingerprintOf } from "./facts.ts";
import { OPEN } from "./packets.ts";
import { SftpSinkFile } from "./sink_file.ts";

/** How a server copies the file of a place. */
export function sftpCopy({ place: { path }, label }: SftpPlace): ServerCopy {
  splitPath(path);
  return {
    leastBytes: 0,
    resumes: true,
    copy: (file, order) => copyPieces(label, path, file, order),
  };
}

/** Both files are open in one session: the server opens nothing by itself. */
async function copyPieces(
  label: string,
  path: string,
  file: SinkFile,
  order: CopyOrder,
): Promise<void> {
  assert(file instanceof SftpSinkFile, "copy() takes a file that this protocol opened");
  const { session } = file;
  const { size, signal, expected } = order;
  const action = `copy ${label}${shownPath(path)}`;
  assertNotAborted(action, signal);
  if (!session.has("copyData")) {
    const message = `cannot ${action}: the server lacks the extension copy-data`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }
  await file.settled();
  const standing = await session.stat(path, "follow");
  if (standing === null) {
    const message = `cannot ${action}: there is no such file`;
    throw new ProtocolError("notFound", message, { definite: true });
  }
  assertFile(label, path, standing);
  const from = await session.open(path, OPEN.read);
  try {
    for (let at = order.from; at < size;) {
      assertSameVersion(action, expected, fingerprintOf(await session.statHandle(from)));
      const bytes = Math.min(protocolLimits.sftpCopyPieceBytes, size - at);
      await untilAborted(action, signal, session.copyData(from, file.handle, at, bytes), false);
      at += bytes;
      order.copied(at);
    }
    assertSameVersion(action, expected, fingerprintOf(await session.statHandle(from)));
  } finally {
    await session.close(from).catch(() => {});
  }
}
