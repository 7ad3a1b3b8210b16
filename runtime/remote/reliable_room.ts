/** How much one reliable producer may have unconfirmed, and who waits for room. Pure. */

import { assert } from "../base/assert.ts";
import { Line, type Place } from "./credit_line.ts";
import type { Window } from "./limits.ts";

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

/** Room for messages and bytes; who comes first enters first, and one larger than all room goes alone. */
export class Room {
  readonly #window: Window;
  readonly #line = new Line<Waiting>();
  readonly #waitersMax: number;
  #waiters = 0;
  #messages = 0;
  #bytes = 0;
  #isAdmitting = false;

  constructor(window: Window, waitersMax: number) {
    this.#window = window;
    this.#waitersMax = waitersMax;
  }

  /** How many are inside. */
  get messages(): number {
    return this.#messages;
  }
  /** How many wait. */
  get waiters(): number {
    return this.#waiters;
  }

  /** Calls `go` when there is room, maybe at once; gives what leaves the line, `null` if it is full. */
  enter(bytes: number, go: () => void): (() => boolean) | null {
    if (this.#line.first === null && this.#fits(bytes)) {
      this.#take({ bytes, go });
      return () => false;
    }
    if (this.#waiters >= this.#waitersMax) return null;
    this.#waiters += 1;
    const place = this.#line.join({ bytes, go });
    return () => {
      const stood = place.standing;
      if (stood) this.#leaveLine(place);
      if (stood) this.#admit(); // a large one may have stood before small ones
      return stood;
    };
  }

  /** One is done. */
  leave(bytes: number): void {
    this.#messages -= 1;
    this.#bytes -= bytes;
    assert(this.#messages >= 0 && this.#bytes >= 0, "who leaves had entered");
    this.#admit();
  }

  /** Who enters may leave at once, and is not followed from within: the line may be long. */
  #admit(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (let place = this.#line.first; place !== null; place = this.#line.first) {
      if (!this.#fits(place.item.bytes)) break;
      this.#leaveLine(place);
      this.#take(place.item);
    }
    this.#isAdmitting = false;
  }

  #leaveLine(place: Place<Waiting>): void {
    this.#line.leave(place);
    this.#waiters -= 1;
  }

  #take({ bytes, go }: Waiting): void {
    this.#messages += 1;
    this.#bytes += bytes;
    go();
  }

  #fits(bytes: number): boolean {
    if (this.#messages === 0) return true;
    return this.#messages < this.#window.messages && this.#bytes + bytes <= this.#window.bytes;
  }
}
