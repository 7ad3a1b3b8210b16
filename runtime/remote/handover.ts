/**
 * One socket, one owner after the other: the handshake first, then the link. No frame is lost or
 * reordered in between, and the socket is not read while nobody owns it.
 */

import { assert } from "../base/assert.ts";
import { joined } from "./frames_layout.ts";
import type { Socket, SocketEnd, SocketEvents } from "../env/sockets.ts";

/** Passes a socket's events to its present owner and keeps them while there is none. */
export class Handover implements SocketEvents {
  readonly socket: Socket;
  #owner: SocketEvents | null = null;
  #opened = false;
  readonly #kept: Uint8Array[] = [];
  #drained = false;
  #end: SocketEnd | null = null;
  #told = false;
  #delivering = false;

  /** `socket` must not be open yet: the first {@link take} opens it. */
  constructor(socket: Socket) {
    this.socket = socket;
  }

  /** How the socket ended, `null` while it lives. */
  get end(): SocketEnd | null {
    return this.#end;
  }

  /**
   * Makes `next` the owner. What was kept is delivered before this returns. An owner may be replaced
   * from within its own `frame`: the next frame is the successor's.
   */
  take(next: SocketEvents): void {
    const released = this.#owner === null;
    this.#owner = next;
    if (!this.#opened) {
      this.#opened = true;
      this.socket.open(this);
      return;
    }
    this.#deliver();
    if (released && this.#owner === next && this.#end === null) this.socket.resume();
  }

  /** The owner wants no more: the socket is paused and what comes is kept until the next {@link take}. */
  release(): void {
    assert(this.#opened, "a socket is released by its owner");
    if (this.#owner === null) return;
    this.#owner = null;
    if (this.#end === null) this.socket.pause();
  }

  /** @inheritdoc */
  frame(bytes: Uint8Array): void {
    if (this.#owner !== null && this.#kept.length === 0) this.#owner.frame(bytes);
    else this.#kept.push(bytes);
  }

  /** @inheritdoc */
  parts(bytes: Uint8Array, rest: Uint8Array): void {
    const owner = this.#kept.length === 0 ? this.#owner : null;
    if (owner?.parts === undefined) this.frame(joined(bytes, rest));
    else owner.parts(bytes, rest);
  }

  /** @inheritdoc */
  drained(): void {
    if (this.#owner !== null && this.#kept.length === 0) this.#owner.drained();
    else this.#drained = true;
  }

  /** @inheritdoc */
  closed(end: SocketEnd): void {
    this.#end ??= end;
    this.#deliver();
  }

  /** Frames first, the end last; stops where the owner releases the socket. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    try {
      while (this.#owner !== null && this.#kept.length > 0) this.#owner.frame(this.#kept.shift()!);
    } finally {
      this.#delivering = false;
    }
    this.#deliverMarks();
  }

  #deliverMarks(): void {
    if (this.#owner === null || this.#kept.length > 0) return;
    if (this.#drained) {
      this.#drained = false;
      this.#owner.drained();
    }
    if (this.#end === null || this.#told || this.#owner === null) return;
    this.#told = true;
    this.#owner.closed(this.#end);
  }
}
