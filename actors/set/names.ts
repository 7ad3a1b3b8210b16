/** Names of temporary files of sets. */

/** Whether a name is that of a temporary file of the set, of one of the leases with these endings. */
export function isBelowSet(jobId: string, name: string, endings: readonly string[]): boolean {
  return name.startsWith(`.quorus-${jobId}~`) && endings.some((ending) => name.endsWith(ending));
}
