/**
 * From Deno's `fetch` failures to {@link NetError}.
 *
 * Deno's messages contain the whole URL, and with it credentials and signed queries, so no text of
 * them is passed on: only the class of the failure and the origin (scheme, host, port).
 */

import { messageOf } from "../../base/errors.ts";
import type { NetErrorCode } from "../env.ts";
import { NetError } from "../errors.ts";

interface Meaning {
  readonly pattern: RegExp;
  readonly code: NetErrorCode;
  readonly reason: string;
  readonly advice: string;
  readonly retryable?: false;
}

/** The first match counts: a TLS failure is also a failure to connect. */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /Requests to port \d+ are blocked/i,
    code: "blocked",
    reason: "fetch sends nothing to this port",
    advice: "let the server listen on another one (https://fetch.spec.whatwg.org/#port-blocking)",
    retryable: false,
  },
  {
    pattern: /dns error|failed to lookup|Name or service not known/i,
    code: "dns",
    reason: "its name could not be resolved",
    advice: "check the host name and the resolver",
  },
  {
    pattern: /certificate|UnknownIssuer|InvalidContentType|tls|handshake|alert|peer sent/i,
    code: "tls",
    reason: "TLS failed (certificate, name or version not accepted, or no TLS there)",
    advice: "check the certificate, its name and the CA that signed it",
  },
  {
    pattern: /connection refused|os error 111/i,
    code: "refused",
    reason: "the connection was refused",
    advice: "check that the server runs and the port is right",
  },
  {
    pattern: /unreachable|no route|timed? ?out|os error (101|110|113)/i,
    code: "unreachable",
    reason: "there is no way to it",
    advice: "check the network and the address",
  },
  {
    pattern:
      /reset|closed before|broken pipe|IncompleteMessage|unexpected (end|eof)|os error (32|104)|error reading a body/i,
    code: "reset",
    reason: "the connection broke before the answer was complete",
    advice: "try again",
  },
  {
    pattern: /Requires net access|NotCapable/i,
    code: "blocked",
    reason: "Deno was not granted this host",
    advice: "add it to --allow-net",
    retryable: false,
  },
  {
    pattern: /blocked|not supported|invalid (url|header)|parse/i,
    code: "protocol",
    reason: "the request or the answer is not valid HTTP",
    advice: "check the URL, the headers and that an HTTP server answers there",
    retryable: false,
  },
];

const NEVER_SENT: ReadonlySet<NetErrorCode> = new Set(["refused", "dns", "blocked"]);

/** Scheme, host and port: all of a URL that may be shown. */
export function originOf(url: string): string {
  const parsed = URL.parse(url);
  return parsed === null ? "an invalid URL" : `${parsed.protocol}//${parsed.host}`;
}

function chainText(thrown: unknown): string {
  const texts: string[] = [];
  let current = thrown;
  for (let depth = 0; depth < 4 && current instanceof Error; depth += 1) {
    texts.push(current.name, messageOf(current));
    current = current.cause;
  }
  return texts.join(" ").replace(/https?:\/\/\S+/g, "URL");
}

/** The typed error of a failed request or body; `action` is a verb such as `GET` or `read the body of`. */
export function netError(
  action: string,
  url: string,
  thrown: unknown,
  signal: AbortSignal,
): NetError {
  if (thrown instanceof NetError) return thrown;
  const where = originOf(url);
  if (signal.aborted) {
    return new NetError("aborted", `${action} ${where} was aborted`, {
      cause: signal.reason,
      definite: false,
    });
  }
  const text = chainText(thrown);
  const known = MEANINGS.find((meaning) => meaning.pattern.test(text));
  const reason = known?.reason ?? "the request failed";
  const advice = known?.advice ?? "check the server and try again";
  return new NetError(
    known?.code ?? "protocol",
    `cannot ${action} ${where}: ${reason}; ${advice}`,
    {
      definite: known !== undefined && NEVER_SENT.has(known.code),
      ...(known?.retryable === false ? { retryable: false } : {}),
    },
  );
}
