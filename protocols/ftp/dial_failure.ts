/** From failures of sockets and of TLS to typed errors that say what to do. Pure. */

import { messageOf } from "../../runtime/base/errors.ts";
import { ProtocolError } from "../errors.ts";
import { shownHost } from "../network_uri.ts";

/** A connection that was never open. */
export function connectFailure(
  shown: string,
  address: string,
  port: number,
  thrown: unknown,
): ProtocolError {
  const text = textOf(thrown);
  const at = shownHost(address, port);
  const reason = /ECONNREFUSED/.test(text)
    ? "nobody listens there; check that the server runs and the port is right"
    : /ENOTFOUND|EAI_|getaddrinfo|lookup/.test(text)
    ? "its name could not be resolved; check the host name"
    : /ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/.test(text)
    ? "there is no way to it; check the network, and the ports that a firewall lets through"
    : messageOf(thrown);
  // The name tells where, unless it resolved to something, or this is another port of it.
  const place = shown.endsWith(`//${at}`) ? shown : `${shown} at ${at}`;
  return new ProtocolError("unreachable", `cannot reach ${place}: ${reason}`, {
    cause: thrown,
    definite: true,
  });
}

/** A connection that was open. */
export function lineFailure(shown: string, thrown: unknown): ProtocolError {
  const message = `cannot go on with ${shown}: ${messageOf(thrown)}`;
  return new ProtocolError("unreachable", message, { cause: thrown, definite: false });
}

interface Meaning {
  readonly pattern: RegExp;
  readonly reason: (name: string) => string;
}

/** What a connection says whose certificate is not the one that is trusted. */
export const ANOTHER_CERTIFICATE = "ANOTHER_CERTIFICATE";

const NEEDS_CLIENT = /certificate[_ ]required|handshake[_ ]failure|CertificateRequired/i;

/** The first match counts. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /ANOTHER_CERTIFICATE/,
    reason: () => "it shows another certificate than before; try again",
  },
  {
    pattern: /CERT_HAS_EXPIRED|certificate has expired|\bExpired\b/i,
    reason: () => "its certificate has expired; have it renewed",
  },
  {
    pattern: /CERT_NOT_YET_VALID|not yet valid|NotValidYet/i,
    reason: () => "its certificate is not valid yet; check the clocks",
  },
  {
    pattern: /ALTNAME_INVALID|NotValidForName|not valid for name|does not match certificate/i,
    reason: (name) =>
      `its certificate is for another host than ${name}; use the name that it is for, or have one ` +
      "made for this",
  },
  {
    pattern: /DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED|self.signed/i,
    reason: () => "its certificate is self-signed; declare its authority in tls.ca if it is meant",
  },
  {
    pattern: /UNABLE_TO_|UnknownIssuer|unknown issuer|unable to (get|verify)/i,
    reason: () =>
      "its certificate is signed by no authority that is known here; declare it in tls.ca",
  },
  {
    pattern: NEEDS_CLIENT,
    reason: () =>
      "it does not accept this client, or its versions of TLS; declare a client certificate in " +
      "tls.cert and tls.key if it wants one",
  },
  {
    pattern: /wrong version|InvalidContentType|corrupt message|record/i,
    reason: () => "what answers there is not TLS; check the port, and whether TLS is implicit",
  },
  {
    pattern: /PEM|private key|ERR_CRYPTO|ERR_OSSL/i,
    reason: () => "a certificate or key of tls cannot be read; check them",
  },
];

/** TLS that did not come about. */
export function tlsFailure(shown: string, name: string, thrown: unknown): ProtocolError {
  const text = textOf(thrown);
  const known = MEANINGS.find(({ pattern }) => pattern.test(text));
  const reason = known?.reason(name) ?? messageOf(thrown);
  const isNetwork = known === undefined && /ECONNRESET|EPIPE|closed|UnexpectedEof/.test(text);
  return new ProtocolError("tls", `cannot trust ${shown}: ${reason}`, {
    cause: thrown,
    retryable: isNetwork,
    details: text.includes(ANOTHER_CERTIFICATE) ? { problem: ANOTHER_CERTIFICATE } : {},
  });
}

/** The server shows another certificate than the one that is trusted. */
export function isAnotherCertificate(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.details["problem"] === ANOTHER_CERTIFICATE;
}

/**
 * What is wrong with a certificate: Deno says of one that has expired that nobody vouches for it
 * (2.9.6, measured), so its dates are looked at, as OpenSSL writes them.
 */
export function whyUntrusted(
  error: unknown,
  validFrom: string | undefined,
  validTo: string | undefined,
  nowMs: number,
): Error {
  const code = error instanceof Error ? messageOf(error) : String(error);
  const isByDate = /UNABLE_TO_|EXPIRED|NOT_YET/.test(code);
  if (isByDate && Date.parse(validTo ?? "") < nowMs) return new Error("CERT_HAS_EXPIRED");
  if (isByDate && Date.parse(validFrom ?? "") > nowMs) return new Error("CERT_NOT_YET_VALID");
  return new Error(code);
}

function textOf(thrown: unknown): string {
  const { code, name } = thrown as { readonly code?: unknown; readonly name?: unknown };
  return `${String(code ?? "")} ${String(name ?? "")} ${messageOf(thrown)}`;
}
