/**
 * Who may link: proofs of the join token and rules for certificates. Pure.
 *
 * The token never travels. A proof is HMAC-SHA256 (RFC 2104) under the token of a label for the side
 * and of both first words, which hold fresh nonces: it fits one handshake and one side only. Whoever
 * may dial can ask for a proof and guess tokens against it offline, so a token should be random.
 */

import type { Hashing } from "../env/env.ts";
import type { SocketPeer } from "../env/sockets.ts";
import {
  expiredCertificate,
  noCertificate,
  type Parties,
  type Refusal,
  unknownAuthority,
  wrongName,
} from "./handshake_refusals.ts";

/** The side of a handshake: who dialled, who was called. */
export type Side = "client" | "server";

/** The proof of one side, in lower-case hexadecimal. */
export function proofOf(
  hash: Hashing,
  token: string,
  side: Side,
  hello: Uint8Array,
  answer: Uint8Array,
): string {
  const text = new TextEncoder();
  const said = lengthPrefixed([text.encode(`quorus link ${side}`), hello, answer]);
  return hash.hmacSha256(text.encode(token), said).toHex();
}

/** Whether two proofs are equal, in a time that does not depend on where they differ. */
export function sameProof(given: string, expected: string): boolean {
  let difference = given.length ^ expected.length;
  for (let index = 0; index < expected.length; index += 1) {
    difference |= (given.charCodeAt(index) || 0) ^ expected.charCodeAt(index);
  }
  return difference === 0;
}

/** Why the certificate that was shown does not prove that the other end is `parties.peer`. */
export function certificateRefusal(parties: Parties, peer: SocketPeer): Refusal | null {
  const { certificate } = peer;
  if (certificate === null) return noCertificate(parties);
  switch (certificate.problem) {
    case "unknownAuthority":
    case "invalid":
      return unknownAuthority(parties);
    case "expired":
      return expiredCertificate(parties, dayOf(certificate.validToMs), false);
    case "notYetValid":
      return expiredCertificate(parties, dayOf(certificate.validToMs), true);
    case null:
      break;
  }
  const names = new Set(certificate.names);
  const named = names.has(`quorus://${parties.peer}`) || names.has(parties.peer);
  return named ? null : wrongName(parties, certificate.names);
}

/** Lengths stand before the parts, so that no two lists of parts look alike. */
function lengthPrefixed(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + 4 + part.length, 0));
  const view = new DataView(whole.buffer);
  let offset = 0;
  for (const part of parts) {
    view.setUint32(offset, part.length);
    whole.set(part, offset + 4);
    offset += 4 + part.length;
  }
  return whole;
}

function dayOf(ms: number): string {
  return Number.isFinite(ms) ? new Date(ms).toISOString().slice(0, 10) : "an unknown day";
}
