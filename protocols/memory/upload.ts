/** The bytes of a temporary file in memory. */

const FIRST_CAPACITY_BYTES = 4_096;

/** A growing file; gaps read as zeros. */
export class Upload {
  readonly fileId: string;
  /** Version of the final file when this one was begun, `null` if there was none: for `conditional`. */
  readonly baseVersion: number | null;
  token = 0;
  path: string;
  #buffer = new Uint8Array(FIRST_CAPACITY_BYTES);
  #size = 0;

  constructor(path: string, fileId: string, baseVersion: number | null) {
    this.path = path;
    this.fileId = fileId;
    this.baseVersion = baseVersion;
  }

  get size(): number {
    return this.#size;
  }

  /** The bytes as they are now; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#size);
  }

  write(bytes: Uint8Array, at: number): void {
    const end = at + bytes.length;
    if (end > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(end, this.#buffer.length * 2));
      larger.set(this.bytes);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes, at);
    this.#size = Math.max(this.#size, end);
  }

  read(into: Uint8Array, at: number): number {
    const part = this.bytes.subarray(at, at + into.length);
    into.set(part);
    return part.length;
  }

  truncate(size: number): void {
    if (size > this.#size) return this.write(new Uint8Array(1), size - 1);
    this.#buffer.fill(0, size, this.#size);
    this.#size = size;
  }
}
