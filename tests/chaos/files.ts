/** The files that are moved: sizes spread evenly over their magnitudes, contents from the seed. */

import { createHash } from "node:crypto";
import type { SeededRandom } from "../../runtime/sim/random.ts";

/** A file at the source, and where it is to be. */
export interface WantedFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

const LEAST_BYTES = 2 ** 10;
const MOST_BYTES = 2 ** 26;
/** Contents repeat after this, at an offset of their own: nobody can mix two files up. */
const PATTERN_BYTES = 2 ** 20;

/** Writes `count` files below `root`. */
export function makeFiles(root: string, count: number, random: SeededRandom): WantedFile[] {
  const pattern = random.stream("pattern").bytes(PATTERN_BYTES);
  return sizes(count, random.stream("sizes")).map((bytes, index) => {
    const name = `file-${index + 1}.bin`;
    const head = random.stream(name).bytes(Math.min(bytes, LEAST_BYTES));
    const hash = createHash("sha256");
    using file = Deno.openSync(`${root}/${name}`, { write: true, createNew: true });
    for (let done = 0; done < bytes;) {
      const part = done === 0 ? head : pattern.subarray(0, Math.min(PATTERN_BYTES, bytes - done));
      for (let at = 0; at < part.length;) at += file.writeSync(part.subarray(at));
      hash.update(part);
      done += part.length;
    }
    return { name, bytes, sha256: hash.digest("hex") };
  });
}

/** From the least to the most, the magnitudes evenly spread, in random order. */
function sizes(count: number, random: SeededRandom): number[] {
  const steps = Math.max(1, count - 1);
  const all = Array.from(
    { length: count },
    (_, index) => Math.round(LEAST_BYTES * (MOST_BYTES / LEAST_BYTES) ** (index / steps)),
  );
  for (let index = all.length - 1; index > 0; index -= 1) {
    const other = random.integer(0, index);
    [all[index], all[other]] = [all[other]!, all[index]!];
  }
  return all;
}

/** SHA-256 of a file. */
export async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  using file = await Deno.open(path);
  const buffer = new Uint8Array(PATTERN_BYTES);
  for (let count = await file.read(buffer); count !== null; count = await file.read(buffer)) {
    hash.update(buffer.subarray(0, count));
  }
  return hash.digest("hex");
}
