/** A script that cannot be played as it is written. */

/** Says what in the script is wrong. */
export class ScriptError extends Error {
  override readonly name = "ScriptError";
}
