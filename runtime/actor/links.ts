/** What of a node's actors depends on other nodes: the carrier, asks under way, watches of the node. */

import type { Carrier } from "./bridge.ts";
import type { EndedNote, PendingAsk } from "./envelope.ts";
import { ActorError, nodeStopped } from "./errors.ts";

/** One node's side of its links. */
export class Links {
  /** Asks sent to other nodes that have not settled. */
  readonly asks = new Set<PendingAsk>();
  readonly #watches = new Map<EndedNote, () => void>();
  #carrier: Carrier | null = null;
  #closed = false;

  /** What brings messages to other nodes; `null` if there is none (any more). */
  get carrier(): Carrier | null {
    return this.#carrier;
  }

  /** The node has ended. */
  get isClosed(): boolean {
    return this.#closed;
  }

  /** A node has one carrier for its life. */
  attach(makeCarrier: () => Carrier): void {
    if (this.#closed) {
      throw new ActorError("NodeStopped", "attach links: this node has stopped; start another");
    }
    if (this.#carrier !== null) {
      throw new ActorError("NameTaken", "attach links: the node has links; use those");
    }
    this.#carrier = makeCarrier();
  }

  /** Keeps a watch of code outside actors, which ends with the node at the latest. */
  keep(note: EndedNote, release: () => void): void {
    if (note.told) return;
    this.#watches.set(note, release);
  }

  /** A kept watch has ended. */
  forget(note: EndedNote): void {
    this.#watches.delete(note);
  }

  /** The node has ended: everything that waits for other nodes settles. */
  close(): void {
    this.#closed = true;
    this.#carrier = null;
    for (const ask of [...this.asks]) ask.giveUp(nodeStopped(`ask "${ask.tag}"`, false));
    for (const [note, release] of [...this.#watches]) {
      release();
      note.end("unreachable", nodeStopped(`watch ${note.ref.address}`, false));
    }
    this.#watches.clear();
  }
}
