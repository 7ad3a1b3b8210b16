/** `--header 'Name: value'`. */

import { CliError } from "../exit.ts";

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Header fields by name; the message of a malformed one never shows its value. */
export function headersOf(declared: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const text of declared) {
    const at = text.indexOf(":");
    const name = text.slice(0, Math.max(0, at)).trim();
    if (!NAME.test(name)) {
      const shown = at < 0 ? "one without a colon" : `"${name}"`;
      throw new CliError("usage", `cannot use --header ${shown}; write --header 'Name: value'`);
    }
    headers[name] = text.slice(at + 1).trim();
  }
  return headers;
}
