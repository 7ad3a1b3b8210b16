/** Lets so many through a second, so that whoever sends nonsense does not fill our log. */
export class RateGate {
  readonly #perSecond: number;
  #sinceMs = -Infinity;
  #passed = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Whether one more may pass now. */
  pass(nowMs: number): boolean {
    if (nowMs - this.#sinceMs >= 1_000) {
      this.#sinceMs = nowMs;
      this.#passed = 0;
    }
    this.#passed += 1;
    return this.#passed <= this.#perSecond;
  }
}
