/** A broken promise of Raft, as the checker found it. */

/** Thrown by the checker; `invariant` is the row of the table in `runtime/raft/DESIGN.md`. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** Throws {@link Violation} unless `fact` holds; the message is only made when it does not. */
export function holds(fact: boolean, invariant: string, message: () => string): asserts fact {
  if (!fact) throw new Violation(invariant, message());
}
