/**
 * What a certificate says, and what is wrong with it.
 *
 * Deno 2.9.6 gives one code (`UNABLE_TO_VERIFY_LEAF_SIGNATURE`) for most refusals, and joins the
 * alternative names into one text in which a name with a comma looks like two. So names and dates are
 * read here from the certificate itself; whether it proves anything is TLS's verdict alone.
 */

import { createHash, X509Certificate } from "node:crypto";
import type { CertificateProblem, PeerCertificate } from "../sockets.ts";

const TAG = { octets: 0x04, objectId: 0x06 } as const;
const EXTENSIONS_TAG = 0xa3;
const VERSION_TAG = 0xa0;
const DNS_TAG = 0x82;
const URI_TAG = 0x86;
const COMMON_NAME = "550403"; // 2.5.4.3
const ALTERNATIVE_NAME = "551d11"; // 2.5.29.17

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The elements that stand one after another in `bytes` (DER, X.690). */
function elements(bytes: Uint8Array): Element[] {
  const found: Element[] = [];
  let at = 0;
  while (at < bytes.length) {
    const tag = bytes[at]!;
    let length = bytes[at + 1]!;
    at += 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      length = 0;
      for (let index = 0; index < count; index += 1) length = length * 256 + bytes[at + index]!;
      at += count;
    }
    if (!(at + length <= bytes.length)) throw new RangeError("a certificate ends too early");
    found.push({ tag, content: bytes.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function isId(element: Element | undefined, hex: string): boolean {
  return element?.tag === TAG.objectId && element.content.toHex() === hex;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function commonNames(subject: Uint8Array): string[] {
  return elements(subject).flatMap((set) => elements(set.content)).flatMap((attribute) => {
    const [id, value] = elements(attribute.content);
    return isId(id, COMMON_NAME) && value !== undefined ? [text(value.content)] : [];
  });
}

function alternativeNames(extensions: Uint8Array): string[] {
  const [list] = elements(extensions);
  for (const extension of elements(list?.content ?? new Uint8Array(0))) {
    const parts = elements(extension.content);
    const value = parts.at(-1);
    if (!isId(parts[0], ALTERNATIVE_NAME) || value?.tag !== TAG.octets) continue;
    const [names] = elements(value.content);
    return elements(names!.content)
      .filter(({ tag }) => tag === DNS_TAG || tag === URI_TAG)
      .map(({ content }) => text(content));
  }
  return [];
}

/** URI and DNS alternative names and common names (RFC 5280, 4.1); throws on what is no certificate. */
export function namesOf(raw: Uint8Array): string[] {
  const [certificate] = elements(raw);
  const [body] = elements(certificate!.content);
  const fields = elements(body!.content).filter(({ tag }) => tag !== VERSION_TAG);
  const subject = fields[4]; // after serial number, algorithm, issuer, validity
  const extensions = fields.find(({ tag }) => tag === EXTENSIONS_TAG);
  return [
    ...(extensions === undefined ? [] : alternativeNames(extensions.content)),
    ...commonNames(subject!.content),
  ];
}

/** Why a certificate that TLS did not accept is not accepted; dates first, as the owner can mend them. */
function problemOf(parsed: X509Certificate, authorities: readonly string[]): CertificateProblem {
  const dates = dateProblem(parsed);
  if (dates !== null) return dates;
  const known = authorities.some((pem) => parsed.verify(new X509Certificate(pem).publicKey));
  return known ? "invalid" : "unknownAuthority";
}

function dateProblem(parsed: X509Certificate): CertificateProblem | null {
  const now = Date.now();
  if (now > Date.parse(parsed.validTo)) return "expired";
  return now < Date.parse(parsed.validFrom) ? "notYetValid" : null;
}

/**
 * The certificate with this DER, shown to one who trusts `authorities`; `verified` is the verdict of
 * TLS. The problem is `null` only for a verified one whose dates hold.
 */
export function peerCertificate(
  raw: Uint8Array,
  verified: boolean,
  authorities: readonly string[],
): PeerCertificate {
  const fingerprint = createHash("sha256").update(raw).digest("hex");
  try {
    const parsed = new X509Certificate(raw);
    return {
      names: namesOf(raw),
      fingerprint,
      validToMs: Date.parse(parsed.validTo),
      problem: verified ? dateProblem(parsed) : problemOf(parsed, authorities),
    };
  } catch {
    return { names: [], fingerprint, validToMs: 0, problem: "invalid" };
  }
}
