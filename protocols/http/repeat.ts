/** Which requests may be made again where a redirect leads; reads may, within what `redirect` allows. */

import type { NetRequest } from "../../runtime/env/env.ts";
import type { Hop } from "./endpoint.ts";
import { failure } from "./failure.ts";

/** Without effects: whoever is asked, nothing is changed and nothing is given away. */
const READS: ReadonlySet<string> = new Set(["GET", "HEAD"]);
/** These keep the method, by their definition or by what every client does but for POST (RFC 9110, 15.4). */
const KEEPS_METHOD: ReadonlySet<number> = new Set([301, 302, 307, 308]);

/**
 * Throws unless `method`, which changes something or carries content, may be repeated at `to`: at the
 * same origin only, with the same method, and with a body that is still there.
 */
export function assertRepeatable(
  method: string,
  status: number,
  from: Hop,
  to: Hop,
  body: NetRequest["body"],
): void {
  if (READS.has(method)) return;
  const place = { method, label: from.label };
  const advice = `to ${to.label}; not followed: declare the final address`;
  if (from.url.origin !== to.url.origin) {
    throw failure("insecure", place, `redirected to another origin, ${advice}`);
  }
  if (!KEEPS_METHOD.has(status) || (method === "POST" && status < 307)) {
    const reason =
      `status ${status} points at another page instead of taking the request, ${advice}`;
    throw failure("badResponse", place, reason, { retryable: false });
  }
  if (body === undefined || body instanceof Uint8Array) return;
  const reason = `redirected while its body was being sent, ${advice}`;
  throw failure("badResponse", place, reason, { retryable: false });
}
