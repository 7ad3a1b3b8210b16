/** Names of temporary files of sets: those of a set stand for those of all its files, lease by lease. */

import { fileJobId } from "./record.ts";

/** `.quorus-JOB-EPOCH.GROUP.INDEX.part`: whose lease it is, and what its names end with. */
const TEMPORARY = /^\.quorus-(.*)(-\d+\.\d+\.\d+\.part)$/s;

/** A temporary name in its parts. */
export interface TemporaryParts {
  /** That of the set; it may be an earlier one that this set goes on for. */
  readonly jobId: string;
  /** Of one lease, whichever file it is. */
  readonly ending: string;
}

/** The parts of a set's temporary name; `null` for a name of another kind. */
export function partsOf(temp: string): TemporaryParts | null {
  const [, jobId, ending] = TEMPORARY.exec(temp) ?? [];
  return jobId === undefined || ending === undefined ? null : { jobId, ending };
}

/** The name that a file has under the lease for which `temp` stands; `key`: the hash of its path. */
export function temporaryOfFile(temp: string, key: string): string {
  const parts = partsOf(temp);
  return parts === null ? temp : `.quorus-${fileJobId(parts.jobId, key)}${parts.ending}`;
}

/** Whether `temp` is a file's name under the lease for which `ofSet` stands. */
export function isOfLease(temp: string, ofSet: string): boolean {
  const parts = partsOf(ofSet);
  return parts !== null && temp.startsWith(`.quorus-${parts.jobId}~`) &&
    temp.endsWith(parts.ending);
}
