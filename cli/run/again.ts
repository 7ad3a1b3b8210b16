/** The command that goes on with what was interrupted. */

/** The same command, each word quoted where a shell would take it apart. */
export function againText(args: readonly string[]): string {
  return ["quorus", ...args].map(quoted).join(" ");
}

function quoted(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
