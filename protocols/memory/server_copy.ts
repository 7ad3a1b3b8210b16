/** Copies within a memory store, piece by piece, as services copy parts. */

import type { Env } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import type { CopyOrder, ServerCopy, SinkFile, SourceEndpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import { assert } from "../../runtime/base/assert.ts";
import { protocolLimits } from "../limits.ts";
import { pathOfUri } from "../path_uri.ts";
import { callStore } from "./call.ts";
import { MemorySinkFile } from "./sink_file.ts";
import { fingerprintOf } from "./source.ts";
import type { MemoryStore } from "./store.ts";

/** How `store` copies one of its files. */
export function memoryCopy(
  store: MemoryStore,
  client: Env,
  { uri }: Pick<SourceEndpoint, "uri">,
): ServerCopy {
  const path = pathOfUri("memory", uri);
  return {
    leastBytes: 0,
    resumes: store.sinkCapabilities.resume,
    copy: (file, order) => copyPieces(store, client, path, file, order),
  };
}

async function copyPieces(
  store: MemoryStore,
  client: Env,
  path: string,
  file: SinkFile,
  order: CopyOrder,
): Promise<void> {
  assert(file instanceof MemorySinkFile, "copy() takes a file that this protocol opened");
  const pieceBytes = store.options.copyPieceBytes ?? protocolLimits.memoryCopyPieceBytes;
  const { size, signal } = order;
  for (let at = order.from; at < size;) {
    const end = Math.min(size, at + pieceBytes);
    const call = { operation: "copy", path, signal } as const;
    await callStore(store, client, call, () => copyPiece(store, path, file, order, at, end));
    at = end;
    order.copied(at);
  }
}

function copyPiece(
  store: MemoryStore,
  path: string,
  { upload }: MemorySinkFile,
  { expected }: CopyOrder,
  at: number,
  end: number,
): void {
  store.changeIfDue(path, at);
  const standing = store.files.get(path);
  const action = `copy ${shownPath(path)} in memory`;
  if (standing === undefined) {
    const message = `cannot ${action}: there is no such file`;
    throw new ProtocolError("notFound", message, { definite: true });
  }
  assertSameVersion(action, expected, fingerprintOf(standing));
  const bytes = standing.bytes.subarray(at, end);
  upload.write(bytes, at);
  store.record("write", upload.path, upload.fileId, { at, size: bytes.length, bytes });
}
