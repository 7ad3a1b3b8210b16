/** TLS as data: what a certificate says is looked up, not parsed. */

import { sha256 } from "../env/sha256.ts";
import type { CertificateProblem, PeerCertificate } from "../env/sockets.ts";

/** What a simulated certificate says. */
export interface SimCertificate {
  /** Its URI and DNS names and its common name. */
  readonly names: readonly string[];
  /** The text of the authority that signed it, as it stands in `caCerts`. */
  readonly authority: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** The texts of a registered certificate, as TLS options carry them. */
export interface SimKeyPair {
  readonly cert: string;
  readonly key: string;
}

/** The certificates of a world, by their text. */
export class SimCertificates {
  readonly #known = new Map<string, SimCertificate>();

  /** Makes a certificate; it is valid from the first to the last moment unless told otherwise. */
  issue(certificate: Partial<SimCertificate> & Pick<SimCertificate, "names">): SimKeyPair {
    const full = {
      authority: "simulated authority",
      validFromMs: -Infinity,
      validToMs: Infinity,
      ...certificate,
    };
    const cert = `simulated certificate ${this.#known.size + 1} of ${full.names.join(", ")}`;
    this.add(cert, full);
    return { cert, key: keyOf(cert) };
  }

  /** Says what the text `cert` means; without this it is `invalid`. */
  add(cert: string, certificate: SimCertificate): void {
    this.#known.set(cert, certificate);
  }

  /** True if the text is a certificate that an endpoint can show. */
  isKnown(cert: string): boolean {
    return this.#known.has(cert);
  }

  /** What an endpoint sees that trusts `caCerts` and whose wall clock says `nowMs`. */
  seen(cert: string, caCerts: readonly string[], nowMs: number): PeerCertificate {
    const hasher = sha256();
    hasher.update(new TextEncoder().encode(cert));
    const certificate = this.#known.get(cert);
    return {
      names: certificate?.names ?? [],
      fingerprint: hasher.digestHex(),
      validToMs: certificate?.validToMs ?? 0,
      problem: certificate === undefined ? "invalid" : problemOf(certificate, caCerts, nowMs),
    };
  }
}

function keyOf(cert: string): string {
  return `key of ${cert}`;
}

function problemOf(
  certificate: SimCertificate,
  caCerts: readonly string[],
  nowMs: number,
): CertificateProblem | null {
  if (!caCerts.includes(certificate.authority)) return "unknownAuthority";
  if (nowMs > certificate.validToMs) return "expired";
  return nowMs < certificate.validFromMs ? "notYetValid" : null;
}
