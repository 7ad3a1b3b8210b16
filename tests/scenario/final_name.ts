/** Looks at a final name all the time: what can be seen there must always be whole. */

import { createHash } from "node:crypto";
import type { ServedFile } from "../servers/pattern.ts";

/** What was seen under the name. */
export interface FinalName {
  readonly looks: number;
  /** One for each file that had the name, in order. */
  readonly versions: readonly { readonly size: number; readonly sha256: string }[];
  /** Sizes seen that were not the file's. */
  readonly wrongSizes: readonly number[];
}

const LOOK_EACH_MS = 2;

/** Watches until it is stopped; stopping hashes what is there, and may be done twice. */
export function watchFinalName(path: string, expected: ServedFile) {
  const seen = new Map<number | null, Deno.FsFile>();
  const wrongSizes: number[] = [];
  let looks = 0;
  let stopped: Promise<FinalName> | null = null;
  const look = () => {
    looks += 1;
    let file: Deno.FsFile;
    try {
      file = Deno.openSync(path);
    } catch (thrown) {
      if (thrown instanceof Deno.errors.NotFound) return;
      throw thrown;
    }
    const { ino, size } = file.statSync();
    if (size !== expected.size) wrongSizes.push(size);
    // Kept open, so that a version can be read although a later one has taken its name.
    if (seen.has(ino)) file.close();
    else seen.set(ino, file);
  };
  const timer = setInterval(look, LOOK_EACH_MS);
  const stop = async (): Promise<FinalName> => {
    clearInterval(timer);
    look();
    const versions = [];
    for (const file of seen.values()) versions.push(await read(file));
    return { looks, versions, wrongSizes };
  };
  return { stop: () => stopped ??= stop() };
}

async function read(file: Deno.FsFile): Promise<{ size: number; sha256: string }> {
  const hash = createHash("sha256");
  let size = 0;
  await file.seek(0, Deno.SeekMode.Start);
  for await (const part of file.readable) {
    hash.update(part);
    size += part.length;
  }
  return { size, sha256: hash.digest("hex") };
}
