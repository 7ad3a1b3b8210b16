/** Our own certificate, key and authorities, checked before TLS gets them. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import type { TlsOptions } from "../env.ts";
import { SocketError } from "../errors.ts";

function parse<T>(action: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw new SocketError(
      "tls",
      `cannot ${action}: ${what} cannot be read as PEM (${messageOf(thrown)}); check the file`,
    );
  }
}

/**
 * Throws `tls` with what is wrong. Deno 2.9.6 leaves out a certificate that it cannot read, and calls
 * a key of another certificate an unsupported protocol.
 */
export function checkIdentity(action: string, tls: TlsOptions): void {
  for (const [index, pem] of (tls.caCerts ?? []).entries()) {
    parse(
      action,
      `authority ${index + 1} of those that are trusted`,
      () => new X509Certificate(pem),
    );
  }
  const { cert, key } = tls;
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    throw new SocketError(
      "tls",
      `cannot ${action}: a certificate and its key go together; give both`,
    );
  }
  const certificate = parse(action, "the certificate", () => new X509Certificate(cert));
  const secret = parse(action, "the key", () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(secret)) {
    throw new SocketError(
      "tls",
      `cannot ${action}: the key is not the certificate's; give its own`,
    );
  }
}
