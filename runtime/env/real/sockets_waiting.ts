/** Frames that wait until a transport is idle, for one of them is not copied. */

/** A frame, and where it continues. */
export interface WaitingFrame {
  readonly frame: Uint8Array;
  readonly rest: Uint8Array | null;
  /** As long as `rest` was: one that was moved away is shorter. */
  readonly restBytes: number;
}

/** First in, first out; the owner bounds it by what it lets itself be given (`bufferedBytes`). */
export class WaitingFrames {
  #frames: WaitingFrame[] = [];
  #bytes = 0;

  /** Their bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Who is next. */
  get first(): WaitingFrame | null {
    return this.#frames[0] ?? null;
  }

  add(frame: Uint8Array, rest: Uint8Array | null): void {
    const restBytes = rest?.length ?? 0;
    this.#frames.push({ frame, rest, restBytes });
    this.#bytes += frame.length + restBytes;
  }

  shift(): void {
    const gone = this.#frames.shift();
    if (gone !== undefined) this.#bytes -= gone.frame.length + gone.restBytes;
  }

  /** All of them; none is left. */
  takeAll(): WaitingFrame[] {
    const all = this.#frames;
    this.#frames = [];
    this.#bytes = 0;
    return all;
  }
}
