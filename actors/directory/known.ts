/** The controllers as one node knows them: those of its settings until a controller tells who there is. */

import type { PeerAddress } from "../../runtime/remote/hub_options.ts";
import type { Addresses } from "./messages.ts";

/** What a list of controllers has changed. */
export interface Learned {
  readonly added: readonly Required<PeerAddress>[];
  /** Those that were learned, and are no members any more. */
  readonly removed: readonly string[];
}

/** See the file's comment. */
export class KnownControllers {
  readonly #configured: Addresses;
  #told: Addresses = {};

  constructor(configured: Addresses) {
    this.#configured = configured;
  }

  /** Whom to ask: the members as they were told last. */
  get ids(): readonly string[] {
    const told = Object.keys(this.#told);
    return told.length > 0 ? told : Object.keys(this.#configured);
  }

  /** Everybody who may know more, those of the settings too: members may all have gone elsewhere. */
  get all(): readonly string[] {
    return [...new Set([...this.ids, ...Object.keys(this.#configured)])];
  }

  /** A controller has told who there is; nothing told changes nothing. */
  learn(told: Addresses): Learned {
    if (Object.keys(told).length === 0) return { added: [], removed: [] };
    const before = this.#told;
    this.#told = told;
    const isOurs = (id: string) => Object.hasOwn(this.#configured, id);
    return {
      added: Object.entries(told)
        .filter(([id, url]) => !isOurs(id) && before[id] !== url)
        .map(([node, url]) => ({ node, url })),
      removed: Object.keys(before).filter((id) => !isOurs(id) && !Object.hasOwn(told, id)),
    };
  }
}
