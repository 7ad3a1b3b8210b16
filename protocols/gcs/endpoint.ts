/** Checking a declared gs endpoint: which bucket, where it is reached, who asks, and with what options. */

import { safeName, shownPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { isLocalHost } from "../http/addresses.ts";
import { networkPlaceOf } from "../network_uri.ts";
import { encodedPath } from "../s3/signing.ts";

/** The kinds of credentials that Google's store takes; without any, public objects are read. */
export const GCS_CREDENTIALS = ["bearer", "profile", "environment"] as const;

/** Who asks. */
export type GcsCredentials = Extract<Credentials, { type: typeof GCS_CREDENTIALS[number] }>;

/** What may be declared beside the place, each with what it says. */
export const GCS_OPTIONS = {
  endpoint: "where the service is reached, if not https://storage.googleapis.com",
  storageClass: "STANDARD, NEARLINE, COLDLINE or ARCHIVE; the bucket's own if left out",
  kmsKey: "the Cloud KMS key that published objects are encrypted with",
  contentType: "the content type of published objects; application/octet-stream if left out",
  userProject: "the project that pays, for buckets whose requester pays",
  generation: "the version of an object that is read",
} as const;

/** The options as they were declared. */
export type GcsOptions = Partial<Record<keyof typeof GCS_OPTIONS, string>>;

/** A place in a bucket. */
export interface GcsPlace {
  readonly bucket: string;
  /** Without a slash at its end. */
  readonly origin: string;
  /** `/directory/name`, decoded. */
  readonly path: string;
  /** For messages: `gs://bucket`. */
  readonly label: string;
  readonly credentials: GcsCredentials | null;
  readonly options: GcsOptions;
}

const BUCKET = /^[a-z0-9][a-z0-9_.-]{1,220}[a-z0-9]$/;
const CLASSES: readonly string[] = ["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"];

type Refuse = (reason: string) => ProtocolError;

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function gcsPlaceOf(endpoint: Endpoint): GcsPlace {
  const { host: bucket, port, user, path } = networkPlaceOf(["gs"], endpoint.uri);
  const label = `gs://${bucket}`;
  const refuse: Refuse = (reason) =>
    new ProtocolError("badEndpoint", `cannot use ${label}: ${reason}`);
  if (port !== null || user !== null || !BUCKET.test(bucket)) {
    throw refuse("that is no name of a bucket; write gs://BUCKET/PATH");
  }
  if (Object.keys(endpoint.headers).length > 0) throw refuse("it takes no headers; remove them");
  const credentials = assertCredentials(endpoint.auth, GCS_CREDENTIALS, `use ${label}`);
  if (credentials?.type === "bearer" && !/^[\x21-\x7e]+$/.test(credentials.token)) {
    throw refuse("the bearer token is empty or has a space, line break or odd character");
  }
  const options = optionsOf(endpoint, refuse);
  return {
    ...{ bucket, label, credentials, options },
    origin: originOf(options.endpoint ?? "https://storage.googleapis.com", credentials, refuse),
    path: checkedPath(path, refuse),
  };
}

/** The URI of another object of the bucket. */
export function gcsUri(bucket: string, path: string): string {
  return `gs://${bucket}${encodedPath(path)}`;
}

/** The name of an object as the service knows it: without the slash in front. */
export function objectOf(path: string): string {
  return path.slice(1);
}

function checkedPath(path: string, refuse: Refuse): string {
  const segments = path.split("/").slice(1);
  if (segments.at(-1) === "") segments.pop();
  for (const segment of segments) safeName(segment);
  if (segments.join("/").startsWith(".well-known/acme-challenge/")) {
    throw refuse(`the service refuses names such as ${shownPath(path)}`);
  }
  if (new TextEncoder().encode(segments.join("/")).length > 1_024) {
    throw refuse("the name of the object is longer than 1,024 bytes");
  }
  return path;
}

function originOf(declared: string, credentials: GcsCredentials | null, refuse: Refuse): string {
  if (!URL.canParse(declared)) throw refuse("option endpoint is no URL; write https://HOST");
  const url = new URL(declared);
  const { protocol, username, password, search, hash, pathname } = url;
  const isPlain = username + password + search + hash === "" && pathname === "/";
  if ((protocol !== "https:" && protocol !== "http:") || !isPlain) {
    throw refuse("option endpoint is to be https://HOST, and nothing behind it");
  }
  if (protocol === "http:" && credentials !== null && !isLocalHost(url)) {
    throw refuse("tokens are sent over https only");
  }
  return url.origin;
}

function optionsOf({ options }: Endpoint, refuse: Refuse): GcsOptions {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(GCS_OPTIONS, name)) {
      throw refuse(
        `there is no option "${name}"; there are ${Object.keys(GCS_OPTIONS).join(", ")}`,
      );
    }
    const text = String(value);
    if (!/^[\x20-\x7e]+$/.test(text)) {
      throw refuse(`option ${name} has a line break or odd character`);
    }
    known[name] = text;
  }
  if (known.storageClass !== undefined && !CLASSES.includes(known.storageClass)) {
    throw refuse(`option storageClass is none of ${CLASSES.join(", ")}`);
  }
  if (known.generation !== undefined && !/^\d{1,20}$/.test(known.generation)) {
    throw refuse("option generation is no number");
  }
  return known;
}
