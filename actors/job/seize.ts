/** Names of temporary files that were taken away from writers who may still be at work. */

/** Where the temporary file `temp` of a lost lease is put: the same name for every later attempt. */
export function seizedName(temp: string): string {
  return `${temp}.seized`;
}
