/** The SHA-256 of a source as it is now: for the one question that only the bytes can answer. */

import { QuorusError } from "../../runtime/base/errors.ts";
import type { Attempt } from "./tools.ts";

/** `null` if it cannot be read, or has not so many bytes. */
export async function sourceHash(attempt: Attempt, bytes: number): Promise<string | null> {
  const { ends, window, signal, tools } = attempt;
  try {
    const reader = await ends.source.open({ start: 0, end: null }, null, signal);
    const slot = await window.take();
    try {
      const hasher = tools.env.hash.sha256();
      let at = 0;
      for (;;) {
        signal.throwIfAborted();
        const length = await reader.read(slot.bytes);
        if (length === 0) return at === bytes ? hasher.digestHex() : null;
        hasher.update(slot.bytes.subarray(0, length));
        at += length;
        if (at > bytes) return null;
      }
    } finally {
      window.give(slot);
      await reader.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof QuorusError) return null;
    throw error;
  }
}
