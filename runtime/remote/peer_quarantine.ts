/** Identities of peers that were given up: our actors were told so, thus they never come back. */

import type { Identity } from "./handshake.ts";

/** Remembers so many; the oldest is forgotten first. */
export class Quarantine {
  readonly #given = new Set<string>();
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(identity: Identity): void {
    this.#given.add(nameOf(identity));
    for (const oldest of this.#given) {
      if (this.#given.size <= this.#most) break;
      this.#given.delete(oldest);
    }
  }

  has(identity: Identity): boolean {
    return this.#given.has(nameOf(identity));
  }
}

function nameOf({ node, incarnation, renewal }: Identity): string {
  return `${node}/${incarnation}.${renewal}`;
}
