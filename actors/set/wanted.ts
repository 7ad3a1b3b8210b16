/** A file that is to be copied. */

import type { Directory, Entry } from "../../protocols/directory.ts";
import type { Grant } from "../job/grant.ts";

export interface Wanted {
  readonly path: readonly string[];
  /** As the listing told it; `null`: of an earlier lease, which was about to publish it. */
  readonly entry: Entry | null;
  readonly directory: Directory | null;
  readonly grant: Grant | null;
  /** What its ledger will remember it by. */
  readonly version: string | undefined;
  /** Its ledger has it: only its source is to be settled. */
  readonly isKnown?: boolean;
}
