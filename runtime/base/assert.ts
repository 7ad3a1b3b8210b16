/** Assertions stay on in production: a broken invariant must stop the actor, not corrupt its state. */

/** Thrown by {@link assert}: a defect of the program, never of its input. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
}

/** Throws {@link AssertionError} unless `fact` holds; `what` says which invariant was broken. */
export function assert(fact: unknown, what: string): asserts fact {
  if (!fact) throw new AssertionError(`invariant broken: ${what}`);
}

/** For the `default` of a switch over a union: a compile error when a case is missing. */
export function unreachable(value: never, what: string): never {
  throw new AssertionError(`invariant broken: ${what}: ${JSON.stringify(value)}`);
}
