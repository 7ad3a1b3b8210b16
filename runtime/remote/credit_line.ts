/** A line that one may leave from anywhere: first in, first out, every call O(1). */

/** A place in a {@link Line}. */
export interface Place<T> {
  readonly item: T;
  previous: Place<T> | null;
  next: Place<T> | null;
  /** It is in the line. */
  standing: boolean;
}

/** A doubly linked queue; an array with holes would keep who left until the head has passed. */
export class Line<T> {
  #first: Place<T> | null = null;
  #last: Place<T> | null = null;

  /** The place of who came first and has not left. */
  get first(): Place<T> | null {
    return this.#first;
  }

  /** Appends one. */
  join(item: T): Place<T> {
    const place: Place<T> = { item, previous: this.#last, next: null, standing: true };
    if (this.#last === null) this.#first = place;
    else this.#last.next = place;
    this.#last = place;
    return place;
  }

  /** Takes one out, wherever it stands; idempotent. */
  leave(place: Place<T>): void {
    if (!place.standing) return;
    place.standing = false;
    if (place.previous === null) this.#first = place.next;
    else place.previous.next = place.next;
    if (place.next === null) this.#last = place.previous;
    else place.next.previous = place.previous;
    place.previous = null;
    place.next = null;
  }
}
