/** The limits that a configuration changes: the others keep the defaults of whoever has them. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";

/** What differs from the table's defaults. */
export function changedLimits<T extends LimitTable>(
  table: T,
  values: LimitValues<T>,
): Partial<LimitValues<T>> {
  const changed = Object.entries(values).filter(([name, value]) => value !== table[name]?.value);
  return Object.fromEntries(changed) as Partial<LimitValues<T>>;
}
