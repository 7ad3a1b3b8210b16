/** What happened in a world, as a running hash (64 bits) and the last lines. */

/** FNV-1a over UTF-16 units. */
function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash;
}

/** Two runs of the same seed have equal hashes; a difference means nondeterminism. */
export class Trace {
  #high = 0x811c9dc5;
  #low = 0x9e3779b9;
  readonly #time = new Float64Array(1);
  readonly #timeWords = new Uint32Array(this.#time.buffer);
  readonly #times: Float64Array;
  readonly #labels: string[] = [];
  #count = 0;

  /** Keeps the last `keptLines` lines; few, for what is kept costs the collector time. */
  constructor(keptLines: number) {
    this.#times = new Float64Array(keptLines);
  }

  add(atMs: number, label: string): void {
    this.#time[0] = atMs;
    this.#mix(this.#timeWords[0]!);
    this.#mix(this.#timeWords[1]!);
    this.#mix(hashText(label));
    const index = this.#count % this.#times.length;
    this.#times[index] = atMs;
    this.#labels[index] = label;
    this.#count += 1;
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    const kept = this.#times.length;
    const first = Math.max(0, this.#count - kept);
    return Array.from({ length: this.#count - first }, (_, offset) => {
      const index = (first + offset) % kept;
      return `${this.#times[index]!.toFixed(3)} ${this.#labels[index]!}`;
    });
  }

  #mix(word: number): void {
    this.#high = Math.imul(this.#high ^ word, 0x01000193);
    this.#low = Math.imul(this.#low ^ word, 0x5bd1e995) + (this.#high >>> 16);
  }
}
