/**
 * Making and reading certificates, on WebCrypto: ECDSA with P-256 and SHA-256 throughout (RFC 5480).
 * The one place that touches it; everything else of this room works on PEM texts.
 */

import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  Pkcs10CertificateRequest,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const SERIAL_BYTES = 16;

/** A certificate and its key, as PEM. */
export interface PemIdentity {
  readonly cert: string;
  readonly key: string;
}

/** From when to when a certificate holds, in ms since 1970. */
export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What a certificate says of a node. */
export interface NodeNames {
  readonly node: string;
  /** URI alternative names. */
  readonly uris: readonly string[];
}

/** What can be read of a certificate without trusting it. */
export interface CertificateFacts extends Validity {
  readonly commonName: string;
  /** URI and DNS alternative names. */
  readonly names: readonly string[];
  readonly isAuthority: boolean;
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
}

/** A new authority that signs for itself. */
export async function makeAuthority(name: string, validity: Validity): Promise<PemIdentity> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: newSerial(),
    name: distinguishedName(name),
    notBefore: new Date(validity.fromMs),
    notAfter: new Date(validity.toMs),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pemOf(certificate), key: await keyPem(keys.privateKey) };
}

/** A new key, and the authority's certificate for it. */
export async function issueIdentity(
  authority: PemIdentity,
  names: NodeNames,
  validity: Validity,
): Promise<PemIdentity> {
  const keys = await newKeys();
  const cert = await sign(authority, names, validity, keys.publicKey);
  return { cert, key: await keyPem(keys.privateKey) };
}

/** A new key, and a request for a certificate that only its owner can have made. */
export async function requestCertificate(node: string): Promise<{ csr: string; key: string }> {
  const keys = await newKeys();
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: distinguishedName(node),
    keys,
    signingAlgorithm: ALGORITHM,
  });
  return { csr: `${request.toString("pem")}\n`, key: await keyPem(keys.privateKey) };
}

/**
 * The authority's certificate for the key of a request; what else the request says counts for nothing.
 * `null` where it is none, its key is not of the one kind, or it was not signed with that key.
 */
export async function certifyRequest(
  authority: PemIdentity,
  csr: string,
  names: NodeNames,
  validity: Validity,
): Promise<string | null> {
  try {
    const request = new Pkcs10CertificateRequest(csr);
    if (!await request.verify()) return null;
    const key = await request.publicKey.export(ALGORITHM, ["verify"], crypto);
    return await sign(authority, names, validity, key);
  } catch {
    return null;
  }
}

/** Reads one certificate; throws where it is none. */
export async function certificateFacts(pem: string): Promise<CertificateFacts> {
  const certificate = new X509Certificate(pem);
  const alternative = certificate.getExtension(SubjectAlternativeNameExtension);
  const names = alternative?.names.items ?? [];
  return {
    commonName: certificate.subjectName.getField("CN")[0] ?? "",
    names: names.filter(({ type }) => type === "url" || type === "dns").map(({ value }) => value),
    isAuthority: certificate.getExtension(BasicConstraintsExtension)?.ca ?? false,
    fromMs: certificate.notBefore.getTime(),
    toMs: certificate.notAfter.getTime(),
    fingerprint: new Uint8Array(await certificate.getThumbprint("SHA-256", crypto)).toHex(),
  };
}

/** The PEM texts that stand one after another in a file. */
export function splitCertificates(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----\n?/g) ?? [];
}

async function sign(
  authority: PemIdentity,
  { node, uris }: NodeNames,
  validity: Validity,
  publicKey: CryptoKey,
): Promise<string> {
  const issuer = new X509Certificate(authority.cert);
  const [pkcs8] = PemConverter.decode(authority.key);
  const signingKey = await crypto.subtle.importKey("pkcs8", pkcs8!, ALGORITHM, false, ["sign"]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: distinguishedName(node),
    issuer: issuer.subject,
    notBefore: new Date(validity.fromMs),
    notAfter: new Date(validity.toMs),
    signingAlgorithm: ALGORITHM,
    signingKey,
    publicKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
      new SubjectAlternativeNameExtension([
        { type: "dns", value: node },
        ...uris.map((value) => ({ type: "url" as const, value })),
      ]),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  });
  return pemOf(certificate);
}

function newKeys(): Promise<CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
}

/** Positive, and more random bits than anybody can guess (CA/Browser Forum, 7.1: at least 64). */
function newSerial(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SERIAL_BYTES));
  bytes[0] = (bytes[0]! & 0x3f) | 0x40;
  return bytes.toHex();
}

/** Names of nodes and clusters need no escaping; anything else is none. */
function distinguishedName(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9 ._-]*$/.test(name)) throw new TypeError(`no name: ${name}`);
  return `CN=${name}`;
}

function pemOf(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function keyPem(key: CryptoKey): Promise<string> {
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", key);
  return `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
}
