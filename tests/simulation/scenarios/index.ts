/** Every scenario that `deno task sim` knows. */

import type { Scenario } from "../../../runtime/sim/scenario.ts";
import { canary } from "./canary.ts";
import { journal } from "./journal.ts";
import { mailboxes } from "./mailboxes.ts";
import { remoteOrdering } from "./remote_ordering.ts";
import { supervision } from "./supervision.ts";

/** In the order in which they run: the runtime of one process first, then links, then the canary. */
export const SCENARIOS: readonly Scenario[] = [
  supervision,
  mailboxes,
  journal,
  remoteOrdering,
  canary,
];
