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
  if (at === bytes && hasher.digestHex() === sha256) return;
  throw new JobError(
    "temporaryDamaged",
    `what was written reads back differently (${at} of ${bytes} bytes): the destination's disk or ` +
      "another writer has changed it; nothing was published",
    { retryable: true },
  );
}
