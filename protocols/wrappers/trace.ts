/** Reports of every call of any protocol. */

import { QuorusError } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { TransferProtocol } from "../contract.ts";
import { intercepted, type InterceptedCall } from "./intercept.ts";

/** One finished call; it holds no credential, header, query or content. */
export interface CallReport {
  readonly protocol: string;
  readonly side: InterceptedCall["side"];
  readonly operation: InterceptedCall["operation"];
  /** Scheme, host and path of the endpoint. */
  readonly target: string;
  readonly name: string | null;
  readonly durationMs: number;
  /** Bytes read or written; `null` for other calls. */
  readonly bytes: number | null;
  /** `ok` or the code of the error. */
  readonly outcome: string;
}

/** A URI without user, password, query and fragment: those may hold secrets. */
export function redactedUri(uri: string): string {
  const match = /^([a-z][a-z0-9+.-]*:)(\/\/[^/?#]*)?([^?#]*)/i.exec(uri);
  if (match === null) return "(no URI)";
  const [, scheme, authority = "", path] = match;
  return `${scheme}${authority.replace(/^\/\/.*@/, "//")}${path}`;
}

/** `protocol` with a report of each call, in the order of their ends; `report` must not throw. */
export function traced(
  protocol: TransferProtocol,
  env: Env,
  report: (call: CallReport) => void,
): TransferProtocol {
  return intercepted(protocol, {
    async around(call, go) {
      const startedMs = env.clock.monotonic();
      const finish = (outcome: string, bytes: number | null) =>
        report({
          protocol: protocol.name,
          side: call.side,
          operation: call.operation,
          target: redactedUri(call.uri),
          name: call.name,
          durationMs: env.clock.monotonic() - startedMs,
          bytes,
          outcome,
        });
      try {
        const result = await go();
        const read = call.operation === "read" && typeof result === "number" ? result : null;
        finish("ok", read ?? call.bytes);
        return result;
      } catch (thrown) {
        finish(thrown instanceof QuorusError ? thrown.code : "Unexpected", null);
        throw thrown;
      }
    },
  });
}
