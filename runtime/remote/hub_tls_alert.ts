/** A caller that ended TLS: what its alert (RFC 8446, section 6) says of our certificate, in words. */

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

/** Why nobody came through: the code and the sentence for the log of who was called. */
export function tlsRefusal(
  address: string,
  reason: string,
): { readonly code: string; readonly reason: string } {
  const alert = ALERTS.find(({ named }) => named.test(reason));
  const { code, words } = alert ??
    { code: "tls", words: "see the log of the other side, if it is a node" };
  return { code, reason: `link with ${address}: TLS was ended: ${words} (${reason})` };
}
