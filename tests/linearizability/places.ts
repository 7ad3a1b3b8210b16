/** Where a search has been and not yet gone on from. */

/** What has been put in order so far, and the state it led to. */
export interface Place {
  /** All certain operations before this one have a place, it has none. */
  readonly frontier: number;
  /** Those behind it that have a place, rising. */
  readonly ahead: readonly number[];
  /** A bit for each unsure operation that has a place, and how many they are. */
  readonly used: bigint;
  readonly level: number;
  readonly state: number;
  /** How many operations have a place. */
  readonly depth: number;
  /** The operation that led here; null at the start. */
  readonly from: { readonly place: Place; readonly operation: number } | null;
}

/** Places to go on from: the furthest first, of these the one that used fewest unsure operations. */
export class OpenPlaces {
  readonly #byFrontier: Place[][][] = [];

  add(place: Place): void {
    while (this.#byFrontier.length <= place.frontier) this.#byFrontier.push([]);
    const byLevel = this.#byFrontier[place.frontier] as Place[][];
    while (byLevel.length <= place.level) byLevel.push([]);
    (byLevel[place.level] as Place[]).push(place);
  }

  take(): Place | null {
    for (let byLevel = this.#byFrontier.at(-1); byLevel; byLevel = this.#byFrontier.at(-1)) {
      for (const places of byLevel) {
        const place = places.pop();
        if (place !== undefined) return place;
      }
      this.#byFrontier.pop();
    }
    return null;
  }
}
