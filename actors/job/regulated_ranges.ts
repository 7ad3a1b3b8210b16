/** How many ranges of one file at a time: at most the declared number, and as many as their way bears. */

import { Regulator } from "../adaptive/regulator.ts";
import { wayOf } from "../adaptive/ways.ts";
import type { Pipeline } from "./stages.ts";
import type { Attempt } from "./tools.ts";

/** Makes what tells the readers of a file their number. */
export function regulatedRanges(
  { tools, job: { spec }, meter }: Pick<Attempt, "tools" | "job" | "meter">,
): Pipeline["regulate"] {
  const ways = spec.pipeline.adaptive === false ? null : tools.ways ?? null;
  return (most, isFull, changed) =>
    new Regulator({
      env: tools.env,
      unit: "ranges",
      way: wayOf(spec),
      most,
      ways,
      bytes: () => meter.fetchedBytes,
      isFull,
      changed: (atOnce) => {
        meter.atOnce = atOnce;
        changed(atOnce.count);
      },
    });
}
