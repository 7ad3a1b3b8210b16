/** Values as text. */

/** JSON with its keys in order, so that equal values are equal texts. */
export function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const fields = Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1);
  return `{${fields.map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).join(",")}}`;
}

/** The same, but nothing and `null` are nothing. */
export function stored(value: unknown): string | null {
  return value === undefined || value === null ? null : canonical(value);
}
