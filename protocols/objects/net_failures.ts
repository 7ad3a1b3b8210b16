/** What a failure below HTTP means, for all object stores: which host it was, and what to do. */

import type { NetError } from "../../runtime/env/errors.ts";
import type { ProtocolErrorCode } from "../errors.ts";

/** A failure in a protocol's words. */
export interface NetFailure {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
}

/** Judges a failure of a request to `url`, of which the host alone is repeated. */
export function netFailure(code: NetError["code"], url: string): NetFailure {
  const host = URL.parse(url)?.host ?? "the host";
  switch (code) {
    case "refused":
      return unreachable(`${host} refuses the connection; is the server running there?`);
    case "unreachable":
      return unreachable(`${host} cannot be reached; check the network and the endpoint`);
    case "dns":
      return unreachable(`the name ${host} does not resolve; check its spelling in the endpoint`);
    case "blocked":
      return unreachable(`this process may not connect to ${host}; add it to --allow-net`);
    case "reset":
      return unreachable(`the connection to ${host} broke before the answer came`);
    case "tls":
      return { code: "tls", reason: tlsReason(host) };
    case "aborted":
      return { code: "aborted", reason: "stopped" };
    case "protocol":
      return {
        code: "badResponse",
        reason: `what ${host} answers is not HTTP; check scheme and port of the endpoint`,
      };
  }
}

function unreachable(reason: string): NetFailure {
  return { code: "unreachable", reason };
}

function tlsReason(host: string): string {
  return `the TLS handshake with ${host} failed; its certificate must be valid for that name, and ` +
    "signed by an authority that this machine knows or that tls.ca declares";
}
