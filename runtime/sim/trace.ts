/** What happened in a world, as a running hash (64 bits) and the last lines. */

import { limitValues } from "../base/limits.ts";
import { SIM_LIMITS } from "./limits.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** Two runs of the same seed have equal hashes; a difference means nondeterminism. */
export class Trace {
  #high = 0x811c9dc5;
  #low = 0x9e3779b9;
  readonly #lines: string[] = [];

  add(atMs: number, label: string): void {
    const line = `${atMs.toFixed(3)} ${label}`;
    for (let index = 0; index < line.length; index += 1) {
      const unit = line.charCodeAt(index);
      this.#high = Math.imul(this.#high ^ unit, 0x01000193);
      this.#low = Math.imul(this.#low ^ unit, 0x5bd1e995) + (this.#high >>> 16);
    }
    this.#lines.push(line);
    if (this.#lines.length > 2 * LIMITS.traceLines) this.#lines.splice(0, LIMITS.traceLines);
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    return this.#lines.slice(-LIMITS.traceLines);
  }
}
