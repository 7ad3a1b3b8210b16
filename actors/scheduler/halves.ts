/** What a transfer asks of one agent that reads its source and of another one that writes its destination. */

import type { Shape, Wanted } from "./demand.ts";

/** What is asked of the two agents. */
export interface Halves {
  readonly read: Wanted;
  readonly write: Wanted;
}

/**
 * What a job asks of one end alone; null: its ends cannot be parted. What was asked of the agents
 * themselves (names, tags) holds for both.
 */
export function halvesOf({ shape, sourceHost, destinationHost }: Wanted): Halves | null {
  const [from, to] = shape.schemes;
  if (!shape.mayRelay || from === undefined || to === undefined) return null;
  const half = (scheme: string, isWritten: boolean): Shape => ({
    ...shape,
    schemes: [scheme],
    files: shape.files.filter((file) => file.isWritten === isWritten),
    mayRelay: false,
  });
  return {
    read: { shape: half(from, false), sourceHost, destinationHost: null, isHalf: true },
    write: { shape: half(to, true), sourceHost: null, destinationHost, isHalf: true },
  };
}
