/** From failures of `node:net`, `node:tls` and `ws` to {@link SocketError}. */

import { messageOf } from "../../base/errors.ts";
import { SocketError } from "../errors.ts";
import type { CertificateProblem, SocketErrorCode } from "../sockets.ts";

interface Meaning {
  readonly pattern: RegExp;
  readonly code: SocketErrorCode;
  readonly reason: string;
  readonly advice: string;
}

/** Matched against code, name and message of the failure; the first one counts. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /NotCapable.*WS_NO_|env access to "WS_NO_/,
    code: "denied",
    reason: "Deno was not granted what the WebSocket library reads when it is loaded",
    advice: "add --allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE",
  },
  {
    pattern: /NotCapable|Requires net access/,
    code: "denied",
    reason: "Deno was not granted this address",
    advice: "add it to --allow-net",
  },
  {
    pattern: /EACCES|PermissionDenied|EPERM/,
    code: "denied",
    reason: "the system does not allow it",
    advice: "take a port from 1024 on, or grant the right to this one",
  },
  {
    pattern: /EADDRINUSE|AddrInUse/,
    code: "inUse",
    reason: "another program listens there",
    advice: "end it or take another port",
  },
  {
    pattern: /EADDRNOTAVAIL|AddrNotAvailable/,
    code: "unreachable",
    reason: "this machine has no such address",
    advice: "check the address",
  },
  {
    pattern: /ECONNREFUSED|ConnectionRefused/,
    code: "refused",
    reason: "nobody listens there",
    advice: "check that the node runs and the port is right",
  },
  {
    pattern: /ENOTFOUND|EAI_|getaddrinfo|failed to lookup/,
    code: "dns",
    reason: "its name could not be resolved",
    advice: "check the host name and the resolver",
  },
  {
    pattern: /EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|EHOSTDOWN|TimedOut/,
    code: "unreachable",
    reason: "there is no way to it",
    advice: "check the network and the address",
  },
  {
    pattern: /UNABLE_TO_|CERT_|SELF_SIGNED|certificate verif/,
    code: "certificate",
    reason: "its certificate is not accepted",
    advice: "check it, and the authorities that are trusted",
  },
  {
    pattern: /ERR_SSL|ERR_TLS|ERR_OSSL|ERR_CRYPTO|EPROTO|fatal alert|InvalidData|PEM|private key/i,
    code: "tls",
    reason: "TLS failed",
    advice: "check that TLS is spoken on both sides, and the certificates and keys",
  },
  {
    pattern:
      /ECONNRESET|EPIPE|ECONNABORTED|socket hang up|ConnectionReset|BrokenPipe|UnexpectedEof/,
    code: "unreachable",
    reason: "the connection broke before it stood",
    advice: "try again; if it stays so, check what answers there",
  },
];

function describe(thrown: unknown): string {
  const { code, name } = thrown as { readonly code?: unknown; readonly name?: unknown };
  return `${String(code ?? "")} ${String(name ?? "")} ${messageOf(thrown)}`;
}

/** The typed error of a failed `action`, such as `connect to ws://127.0.0.1:1`. */
export function socketError(action: string, thrown: unknown): SocketError {
  if (thrown instanceof SocketError) return thrown;
  const text = describe(thrown);
  const known = MEANINGS.find(({ pattern }) => pattern.test(text));
  if (known === undefined) {
    return new SocketError("protocol", `cannot ${action}: ${messageOf(thrown)}`, { cause: thrown });
  }
  const { code, reason, advice } = known;
  const said = code === "tls" ? ` (${messageOf(thrown)})` : "";
  return new SocketError(code, `cannot ${action}: ${reason}${said}; ${advice}`, { cause: thrown });
}

/** True for the failure of a server that could not prove itself. */
export function isCertificateFailure(thrown: unknown): boolean {
  return socketError("connect", thrown).code === "certificate";
}

const PROBLEMS: Readonly<Record<CertificateProblem, string>> = {
  unknownAuthority: "its certificate is signed by no authority that is trusted here",
  expired: "its certificate has expired",
  notYetValid: "its certificate is not valid yet (or the clock here is wrong)",
  invalid: "its certificate does not hold (signature, key or use)",
};

/** The error of a client that refuses a server's certificate. */
export function certificateError(
  action: string,
  problem: CertificateProblem,
  cause: unknown,
): SocketError {
  const advice = problem === "unknownAuthority"
    ? "add the authority to those that are trusted, or give the node a certificate of one of them"
    : "give the node a new certificate";
  return new SocketError("certificate", `cannot ${action}: ${PROBLEMS[problem]}; ${advice}`, {
    cause,
    details: { problem },
  });
}

/** The error of a connect that was given up. */
export function abortedError(action: string, signal: AbortSignal): SocketError {
  return new SocketError("aborted", `cannot ${action}: it was given up`, { cause: signal.reason });
}
