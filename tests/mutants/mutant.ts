/** Planted bugs as data: what is changed where, and which scenario must find it. */

/** One bug. */
export interface Mutant {
  /** Short, as `--only` takes it. */
  readonly name: string;
  /** Path of the source file from the root of the repository. */
  readonly file: string;
  /** What stands there exactly once. */
  readonly find: string;
  readonly replace: string;
  /** The scenario that must find it, as `deno task sim --scenario` takes it. */
  readonly scenario: string;
  /** Within how many seeds, from the first one on. */
  readonly seeds: number;
}

/** The text with the bug in it; throws where the place is not there, or not alone. */
export function planted(text: string, { name, file, find, replace }: Mutant): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(
      `plant "${name}": ${file} has ${
        parts.length - 1
      } places like this one; say which is meant: ${find}`,
    );
  }
  return parts.join(replace);
}
