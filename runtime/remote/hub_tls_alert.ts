/** A caller that ended TLS: what its alert (RFC 8446, section 6) says of our certificate, in words. */

import { TLS_MIXED } from "../env/errors.ts";

interface Alert {
  /** As rustls and OpenSSL write it. */
  readonly named: RegExp;
  readonly code: "UnknownAuthority" | "ExpiredCertificate";
  readonly words: string;
}

const ALERTS: readonly Alert[] = [
  {
    named: /unknown[ _]?ca/i,
    code: "UnknownAuthority",
    words:
      "our certificate is of an authority that it does not trust; have it signed by one that it trusts",
  },
  {
    named: /certificate[ _]?expired/i,
    code: "ExpiredCertificate",
    words: "our certificate is out of its time; issue a new one (and check both clocks)",
  },
];

/** Sentences of the transport that say everything. */
const COMPLETE: readonly string[] = [TLS_MIXED.plainListener.called, TLS_MIXED.plainCaller.called];

/** Why nobody came through: the code and the sentence for the log of who was called. */
export function tlsRefusal(
  address: string,
  reason: string,
): { readonly code: string; readonly reason: string } {
  const link = `link with ${address}`;
  if (COMPLETE.includes(reason)) return { code: "tls", reason: `${link}: ${reason}` };
  const alert = ALERTS.find(({ named }) => named.test(reason));
  if (alert !== undefined) {
    const { code, words } = alert;
    return { code, reason: `${link}: TLS was ended: ${words} (${reason})` };
  }
  const words =
    "it ended before it was a WebSocket; see the log of the other side, if it is a node";
  return { code: "tls", reason: `${link}: ${words} (${reason})` };
}
