/** Which failures look as if a host, or the way to it, had too much to do. */

const CONGESTED: ReadonlySet<string> = new Set([
  "rateLimited",
  "serverError",
  "timeout",
  "truncated",
  "unreachable",
]);

/** With fewer at a time it may not have failed. */
export function isCongested(code: string): boolean {
  return CONGESTED.has(code);
}

/** The host itself says that it was too much: the same again, a little later, is no failure yet. */
export function isRefusal(code: string): boolean {
  return code === "rateLimited";
}
