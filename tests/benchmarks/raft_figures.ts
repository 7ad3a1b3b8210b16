/** Figures of the benchmarks of Raft, as they are reported. */

import type { Report } from "./report.ts";

/** Reports one figure: a single value, or one of each run. */
export type Figures = (
  measure: string,
  unit: string,
  values: number | readonly number[],
  aim?: string,
) => void;

/** Figures under the name of a benchmark. */
export function figuresOf(report: Report, bench: string): Figures {
  return (measure, unit, values, aim) =>
    report({
      bench,
      measure,
      unit,
      values: typeof values === "number" ? [values] : values,
      ...(aim === undefined ? {} : { aim }),
    });
}
