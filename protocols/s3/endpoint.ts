/** Checking a declared s3 endpoint: where it is, how it is spoken to, what objects are made like. */

import type { TlsOptions } from "../../runtime/env/env.ts";
import { shownPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { networkPlaceOf } from "../network_uri.ts";
import { isLocalHost } from "../http/addresses.ts";
import { protocolLimits } from "../limits.ts";
import { CHECKSUM_KINDS, type ChecksumKind } from "./checksums.ts";
import { customerKeyHeaders } from "./encryption.ts";
import { encodedPath, encodedQuery } from "./signing.ts";

/** The kinds of credentials that S3 can be shown. */
export const S3_CREDENTIALS = ["accessKey", "profile", "environment", "webIdentity"] as const;

/** Who asks. */
export type S3Credentials = Extract<Credentials, { type: typeof S3_CREDENTIALS[number] }>;

/** The options of an endpoint, each with what it says. */
export const S3_OPTIONS = {
  endpoint: "the server, https://host[:port]; Amazon's own unless set",
  region: "the region that requests are signed for; us-east-1 unless set",
  addressing: "path or virtual: where the bucket stands; virtual at Amazon, path elsewhere",
  versionId: "reads this version of the object",
  storageClass: "of new objects, such as STANDARD_IA",
  encryption: "of new objects at the server: AES256 or aws:kms",
  kmsKeyId: "the key of encryption: aws:kms",
  partSize: "bytes of each part; 10,000 are the most that a file takes; growing unless set",
  checksum: "sha256, crc32c, crc32 or none: what goes along with each part; sha256 unless set",
  conditional: "yes, no or auto: whether the server keeps conditions of writes; auto finds out",
  stsEndpoint: "where webIdentity fetches its keys; Amazon's own unless set",
} as const;

/** One place of an object store. Secrets are revealed: never log or store it. */
export interface S3Place {
  /** Scheme, host and port of the server, and a path before all others, without a slash at its end. */
  readonly origin: URL;
  readonly region: string;
  readonly addressing: "path" | "virtual";
  readonly bucket: string;
  /** Decoded, from `/` on. */
  readonly path: string;
  readonly credentials: S3Credentials | null;
  readonly tls: TlsOptions | null;
  readonly responseTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Header fields of every request. */
  readonly headers: Readonly<Record<string, string>>;
  /** Header fields of requests that read or write the bytes of an object: a key of the customer's. */
  readonly keyHeaders: Readonly<Record<string, string>>;
  /** Header fields of requests that make an object. */
  readonly makingHeaders: Readonly<Record<string, string>>;
  readonly versionId: string | null;
  readonly partBytes: number | null;
  readonly checksum: ChecksumKind;
  readonly conditional: boolean | null;
  readonly stsOrigin: URL;
  /** Another place of the same service is this one with another bucket and path. */
  readonly declared: Endpoint;
}

type Options = Partial<Record<keyof typeof S3_OPTIONS, string>>;
type Refuse = (reason: string) => ProtocolError;

const EVERYWHERE = ["x-amz-expected-bucket-owner", "x-amz-request-payer"];
const MAKING = [
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
  "x-amz-acl",
  "x-amz-tagging",
];
const CUSTOMER_KEY = "x-amz-server-side-encryption-customer-key";

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function s3PlaceOf(endpoint: Endpoint): S3Place {
  const { bucket, path } = bucketAndPath(endpoint.uri);
  const action = `use s3://${bucket}`;
  const refuse: Refuse = (reason) =>
    new ProtocolError("badEndpoint", `cannot ${action}: ${reason}`);
  const options = optionsOf(endpoint, refuse);
  const region = wordOf(options.region, "region", refuse) ?? "us-east-1";
  const origin = originOf(
    "endpoint",
    options.endpoint ?? `https://s3.${region}.amazonaws.com`,
    refuse,
  );
  const stsOrigin = originOf(
    "stsEndpoint",
    options.stsEndpoint ?? `https://sts.${region}.amazonaws.com`,
    refuse,
  );
  if (stsOrigin.protocol === "http:" && !isLocalHost(stsOrigin)) {
    throw refuse('option "stsEndpoint" would send a token in the clear; use https');
  }
  const isAmazon = options.endpoint === undefined;
  return {
    ...{ origin, region, bucket, path, stsOrigin, declared: endpoint },
    addressing: addressingOf(options.addressing, isAmazon && !bucket.includes("."), refuse),
    credentials: assertCredentials(endpoint.auth, S3_CREDENTIALS, action),
    tls: endpoint.tls,
    responseTimeoutMs: endpoint.responseTimeoutMs ?? protocolLimits.s3ResponseTimeoutMs,
    idleTimeoutMs: endpoint.idleTimeoutMs ?? protocolLimits.s3IdleTimeoutMs,
    ...headersOf(endpoint, options, origin, refuse),
    versionId: options.versionId ?? null,
    partBytes: partBytesOf(options.partSize, refuse),
    checksum: choiceOf(options.checksum, "checksum", CHECKSUM_KINDS, refuse) ??
      "sha256",
    conditional: conditionalOf(options.conditional, isAmazon, refuse),
  };
}

/** The URL of a key of the place's bucket, or of the bucket itself. */
export function urlOf(
  { origin, addressing, bucket }: S3Place,
  key: string | null,
  query: Readonly<Record<string, string | null>> = {},
): URL {
  const url = new URL(origin);
  if (addressing === "virtual") url.hostname = `${bucket}.${origin.hostname}`;
  const before = origin.pathname.replace(/\/$/, "") +
    (addressing === "virtual" ? "" : `/${encodedPath(bucket)}`);
  url.pathname = `${before}/${key === null ? "" : encodedPath(key)}`;
  url.search = encodedQuery(query);
  return url;
}

/** A path as the key of an object; `nameRefused` for what would become another key on its way. */
export function keyOf(path: string): string {
  const key = path.slice(1);
  const isFolded = key.split("/").some((segment) => segment === "." || segment === "..");
  const reason = isFolded
    ? '"." and ".." in it would lead elsewhere on their way'
    : new TextEncoder().encode(key).length > KEY_MAX_BYTES
    ? `it is longer than ${KEY_MAX_BYTES} bytes`
    : null;
  if (reason === null) return key;
  throw new ProtocolError(
    "nameRefused",
    `cannot use the key ${shownPath(key)}: ${reason}; choose another name`,
  );
}

/** A rule of S3. */
const KEY_MAX_BYTES = 1_024;

/** Bucket and path of a URI `s3://bucket/key`; both as they are written. */
export function bucketAndPath(uri: string): { readonly bucket: string; readonly path: string } {
  const place = networkPlaceOf(["s3"], uri);
  const bucket = /^[^:]+:\/\/([^/]*)/.exec(uri)![1]!;
  if (place.user === null && place.port === null && /^[A-Za-z0-9][\w.-]{0,254}$/.test(bucket)) {
    return { bucket, path: place.path };
  }
  const reason = "after s3:// stands the name of a bucket and nothing else; name the server by " +
    'option "endpoint"';
  throw new ProtocolError("badEndpoint", `cannot use ${shownPath(uri)}: ${reason}`);
}

function optionsOf({ options }: Endpoint, refuse: Refuse): Options {
  const known: Options = {};
  const names = Object.keys(S3_OPTIONS);
  for (const [name, value] of Object.entries(options)) {
    if (!names.includes(name)) {
      throw refuse(`there is no option "${name}"; there are ${names.join(", ")}`);
    }
    known[name as keyof Options] = String(value);
  }
  if (known.kmsKeyId !== undefined && known.encryption !== "aws:kms") {
    throw refuse('option "kmsKeyId" goes with encryption: aws:kms');
  }
  return known;
}

function originOf(option: string, declared: string, refuse: Refuse): URL {
  const url = URL.parse(declared);
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
    url.password === "" && url.search === "" && url.hash === "";
  if (!isPlain) throw refuse(`option "${option}" is no address; write https://host or http://host`);
  return url;
}

function addressingOf(
  declared: string | undefined,
  isVirtual: boolean,
  refuse: Refuse,
): "path" | "virtual" {
  return choiceOf(declared, "addressing", ["path", "virtual"], refuse) ??
    (isVirtual ? "virtual" : "path");
}

function conditionalOf(
  declared: string | undefined,
  isAmazon: boolean,
  refuse: Refuse,
): boolean | null {
  const choice = choiceOf(declared, "conditional", ["auto", "yes", "no", "true", "false"], refuse);
  if (choice === null || choice === "auto") return isAmazon ? true : null;
  return choice === "yes" || choice === "true";
}

function choiceOf<Choice extends string>(
  declared: string | undefined,
  option: string,
  choices: readonly Choice[],
  refuse: Refuse,
): Choice | null {
  if (declared === undefined) return null;
  const chosen = choices.find((choice) => choice === declared);
  if (chosen !== undefined) return chosen;
  throw refuse(`option "${option}" can be ${choices.join(", ")}`);
}

function wordOf(declared: string | undefined, option: string, refuse: Refuse): string | null {
  if (declared === undefined) return null;
  if (/^[\w:/.-]{1,2048}$/.test(declared)) return declared;
  throw refuse(`option "${option}" holds odd characters`);
}

function partBytesOf(declared: string | undefined, refuse: Refuse): number | null {
  if (declared === undefined) return null;
  const { s3PartMinBytes, s3PartMaxBytes } = protocolLimits;
  const bytes = Number(declared);
  if (Number.isInteger(bytes) && bytes >= s3PartMinBytes && bytes <= s3PartMaxBytes) return bytes;
  throw refuse(
    `option "partSize" is a number of bytes from ${s3PartMinBytes} to ${s3PartMaxBytes}`,
  );
}

function headersOf(
  endpoint: Endpoint,
  options: Options,
  origin: URL,
  refuse: Refuse,
): Pick<S3Place, "headers" | "keyHeaders" | "makingHeaders"> {
  const headers: Record<string, string> = {};
  const makingHeaders: Record<string, string> = { ...encryptionOf(options, refuse) };
  let keyHeaders: Readonly<Record<string, string>> = {};
  for (const [declared, value] of Object.entries(endpoint.headers)) {
    const name = declared.toLowerCase();
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(value)) {
      throw refuse(`the value of the header "${declared}" has a line break or an odd character`);
    }
    if (EVERYWHERE.includes(name)) headers[name] = value;
    else if (MAKING.includes(name) || isMetadata(name)) makingHeaders[name] = value;
    else if (name === CUSTOMER_KEY) {
      if (origin.protocol === "http:") throw refuse("a key of yours goes over https only");
      keyHeaders = customerKeyHeaders(value, refuse);
    } else throw refuse(`the header "${declared}" is not for you to set; remove it`);
  }
  return { headers, keyHeaders, makingHeaders };
}

function isMetadata(name: string): boolean {
  return /^x-amz-meta-[a-z0-9._-]+$/.test(name) && !name.startsWith("x-amz-meta-quorus-");
}

function encryptionOf(options: Options, refuse: Refuse): Record<string, string> {
  const headers: Record<string, string> = {};
  const storageClass = wordOf(options.storageClass, "storageClass", refuse);
  if (storageClass !== null) headers["x-amz-storage-class"] = storageClass;
  const kind = choiceOf(options.encryption, "encryption", ["AES256", "aws:kms"], refuse);
  if (kind !== null) headers["x-amz-server-side-encryption"] = kind;
  const keyId = wordOf(options.kmsKeyId, "kmsKeyId", refuse);
  if (keyId !== null) headers["x-amz-server-side-encryption-aws-kms-key-id"] = keyId;
  return headers;
}
