/** A served file that tells how far it has been read, so that tests wait for positions, not times. */

import type { ServedFile } from "../servers/pattern.ts";

/** The file and what was seen of it. */
export interface WatchedFile {
  readonly file: ServedFile;
  /** The end of the bytes that were asked for last. */
  position(): number;
  /** The greatest position ever. */
  furthest(): number;
  /** Resolves when bytes at or beyond `position` are asked for from now on. */
  reaches(position: number): Promise<void>;
}

/** Watches the reads of a served file. */
export function watchedFile(inner: ServedFile): WatchedFile {
  let position = 0;
  let furthest = 0;
  let waiting: { position: number; resolve: () => void }[] = [];
  const fill = (into: Uint8Array, offset: number) => {
    inner.fill(into, offset);
    position = offset + into.length;
    furthest = Math.max(furthest, position);
    for (const one of waiting) if (one.position <= position) one.resolve();
    waiting = waiting.filter((one) => one.position > position);
  };
  return {
    file: { ...inner, fill },
    position: () => position,
    furthest: () => furthest,
    reaches: (wanted) => new Promise((resolve) => void waiting.push({ position: wanted, resolve })),
  };
}
