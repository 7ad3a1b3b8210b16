/** Results for machines: `-o json` and `-o yaml`. */

import { stringify } from "yaml";

/** A value as text that ends with a line end. */
export function dataText(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? `${JSON.stringify(value, null, 2)}\n` : stringify(value);
}
