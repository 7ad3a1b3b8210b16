/** Tidying up after an attempt: how it ended is decided, and a failure here does not change it. */

import { messageOf } from "../../runtime/base/errors.ts";
import type { AttemptTools } from "./tools.ts";

/** Runs `tidy`; what it fails with is logged, and that is all. */
export async function quietly(
  tools: AttemptTools,
  what: string,
  tidy: () => Promise<void>,
): Promise<void> {
  try {
    await tidy();
  } catch (error) {
    tools.env.log.write("warn", "could not tidy up", { what, why: messageOf(error) });
  }
}
