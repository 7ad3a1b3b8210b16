/** Verification level `reread`: the written file is read again from its sink and hashed anew. */

import type { SinkFile } from "../../protocols/contract.ts";
import { unsynced } from "./checkpointer.ts";
import { JobError } from "./errors.ts";
import type { Attempt } from "./tools.ts";

/** Throws `temporaryDamaged` unless the file holds exactly these bytes. */
export async function verifyByReading(
  attempt: Attempt,
  file: SinkFile,
  bytes: number,
  sha256: string,
): Promise<void> {
  const read = await hashByReading(attempt, file);
  if (read.bytes === bytes && read.sha256 === sha256) return;
  throw new JobError(
    "temporaryDamaged",
    `what was written reads back differently (${read.bytes} of ${bytes} bytes): the destination's ` +
      "disk or another writer has changed it; nothing was published",
    { retryable: true },
  );
}

/** The length and the SHA-256 of what was written, read again from its sink once it is synced. */
export async function hashByReading(
  attempt: Attempt,
  file: SinkFile,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  await file.sync().catch((error) => {
    throw unsynced(file, error);
  });
  const { window, signal } = attempt;
  const hasher = attempt.tools.env.hash.sha256();
  const slot = await window.take();
  let at = 0;
  try {
    for (;;) {
      signal.throwIfAborted();
      const length = await file.read(slot.bytes, at);
      if (length === 0) break;
      hasher.update(slot.bytes.subarray(0, length));
      at += length;
    }
  } finally {
    window.give(slot);
  }
  return { bytes: at, sha256: hasher.digestHex() };
}
