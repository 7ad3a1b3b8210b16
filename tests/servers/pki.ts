/**
 * Certificates made while a test runs: authorities and leaves with any names and any validity.
 *
 * The few structures of X.509 (RFC 5280) that are needed are written here as DER, since the `openssl`
 * program takes no start date before version 3.2 and a test of refusals needs one.
 */

import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";

const DAY_MS = 86_400_000;

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** What a leaf says of its owner. */
export interface Leaf {
  readonly commonName: string;
  /** URI alternative names, e.g. `quorus://node-a`. */
  readonly uris?: readonly string[];
  /** DNS alternative names. */
  readonly dnsNames?: readonly string[];
  /** Default: yesterday. */
  readonly validFromMs?: number;
  /** Default: in ten days. */
  readonly validToMs?: number;
}

/** A certificate authority; its key lives as long as this value. */
export interface Authority {
  /** Its certificate, as PEM. */
  readonly cert: string;
  issue(leaf: Leaf): Identity;
}

/** Makes a new authority. */
export function makeAuthority(commonName: string): Authority {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const subject = distinguishedName(commonName);
  const cert = certificate({
    issuer: subject,
    subject,
    ...validity({}),
    publicKey: keys.publicKey,
    extensions: [
      extension(OID.basicConstraints, sequence(TRUE)),
      extension(OID.keyUsage, bits(1, 0b0000_0110)), // keyCertSign, cRLSign
    ],
    signer: keys.privateKey,
  });
  return { cert, issue: (leaf) => issue(leaf, subject, keys.privateKey) };
}

/** The identity of a node under `authority`, as nodes expect it: its URI is `quorus://NODE`. */
export function nodeIdentity(
  authority: Authority,
  node: string,
  more: Partial<Leaf> = {},
): Identity {
  return authority.issue({ commonName: node, uris: [`quorus://${node}`], ...more });
}

/** A validity that ended yesterday. */
export function expired(): Pick<Leaf, "validFromMs" | "validToMs"> {
  return { validFromMs: Date.now() - 9 * DAY_MS, validToMs: Date.now() - DAY_MS };
}

/** A validity that begins tomorrow. */
export function notYetValid(): Pick<Leaf, "validFromMs" | "validToMs"> {
  return { validFromMs: Date.now() + DAY_MS, validToMs: Date.now() + 9 * DAY_MS };
}

function validity(leaf: Pick<Leaf, "validFromMs" | "validToMs">): { from: number; to: number } {
  return {
    from: leaf.validFromMs ?? Date.now() - DAY_MS,
    to: leaf.validToMs ?? Date.now() + 10 * DAY_MS,
  };
}

function issue(leaf: Leaf, issuer: Uint8Array, signer: KeyObject): Identity {
  const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const names = [
    ...(leaf.uris ?? []).map((uri) => der(0x86, ascii(uri))),
    ...(leaf.dnsNames ?? []).map((name) => der(0x82, ascii(name))),
  ];
  const cert = certificate({
    issuer,
    subject: distinguishedName(leaf.commonName),
    ...validity(leaf),
    publicKey: keys.publicKey,
    extensions: [
      extension(OID.keyUsage, bits(7, 0b1000_0000)), // digitalSignature
      ...(names.length === 0 ? [] : [extension(OID.subjectAltName, sequence(...names))]),
    ],
    signer,
  });
  return { cert, key: keys.privateKey.export({ type: "pkcs8", format: "pem" }) as string };
}

interface Parts {
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  readonly from: number;
  readonly to: number;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Uint8Array[];
  readonly signer: KeyObject;
}

function certificate(parts: Parts): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const body = sequence(
    der(0xa0, integer(Uint8Array.of(2))), // version 3
    integer(Uint8Array.of(1), crypto.getRandomValues(new Uint8Array(15))),
    algorithm,
    parts.issuer,
    sequence(time(parts.from), time(parts.to)),
    parts.subject,
    new Uint8Array(parts.publicKey.export({ type: "spki", format: "der" })),
    der(0xa3, sequence(...parts.extensions)),
  );
  const signature = new Uint8Array(sign("sha256", body, parts.signer));
  const whole = sequence(body, algorithm, der(0x03, Uint8Array.of(0), signature));
  const lines = whole.toBase64().match(/.{1,64}/g)!;
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n");
}

/** Object identifiers, already encoded. */
const OID = {
  commonName: [0x55, 0x04, 0x03],
  keyUsage: [0x55, 0x1d, 0x0f],
  subjectAltName: [0x55, 0x1d, 0x11],
  basicConstraints: [0x55, 0x1d, 0x13],
  ecdsaWithSha256: [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02],
} as const;

const TRUE = Uint8Array.of(0x01, 0x01, 0xff);

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** One element: tag, length, content. */
function der(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const length = content.reduce((sum, part) => sum + part.length, 0);
  const head = length < 128
    ? [tag, length]
    : length < 256
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  const bytes = new Uint8Array(head.length + length);
  bytes.set(head);
  let at = head.length;
  for (const part of content) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function sequence(...content: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...content);
}

function objectId(encoded: readonly number[]): Uint8Array {
  return der(0x06, Uint8Array.from(encoded));
}

/** A positive integer: the first byte has its high bit clear and is not zero. */
function integer(...bytes: readonly Uint8Array[]): Uint8Array {
  return der(0x02, ...bytes);
}

function bits(unused: number, value: number): Uint8Array {
  return der(0x03, Uint8Array.of(unused, value));
}

function extension(id: readonly number[], value: Uint8Array): Uint8Array {
  const critical = id === OID.subjectAltName ? [] : [TRUE];
  return sequence(objectId(id), ...critical, der(0x04, value));
}

function distinguishedName(commonName: string): Uint8Array {
  const attribute = sequence(objectId(OID.commonName), der(0x0c, ascii(commonName)));
  return sequence(der(0x31, attribute));
}

/** UTCTime before 2050, GeneralizedTime from then on (RFC 5280, 4.1.2.5). */
function time(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\..*/g, "") + "Z";
  return digits < "2050" ? der(0x17, ascii(digits.slice(2))) : der(0x18, ascii(digits));
}
