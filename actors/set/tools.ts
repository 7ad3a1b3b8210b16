/** What the parts of a set's attempt share. */

import type { SetSpec } from "../../workflows/spec.ts";
import type { Meter } from "../job/meter.ts";
import type { Job, Lease } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import type { Regulated } from "./regulated.ts";
import type { Reports } from "./reports.ts";

/** One attempt of a set. */
export interface SetWork extends Regulated {
  readonly tools: AttemptTools;
  readonly job: Job;
  readonly spec: SetSpec;
  readonly lease: Lease;
  readonly meter: Meter;
  readonly reports: Reports;
  /** The attempt's, and the end of its lease. */
  readonly signal: AbortSignal;
  readonly stop: AbortController;
  /** The walk has seen every name so far. */
  isWhole: boolean;
  /** Why all of it ends, where that is not the failure of single files. */
  failure: unknown;
  /** That of the sink, once a file has told it. */
  fence: string | null;
}
