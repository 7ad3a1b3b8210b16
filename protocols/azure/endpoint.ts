/** Checking a declared azblob endpoint: which account, where it is reached, who asks, and with what options. */

import { safeName, shownPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { assertCredentials, type Credentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { isLocalHost } from "../http/addresses.ts";
import { networkPlaceOf } from "../network_uri.ts";
import { encodedPath } from "../s3/signing.ts";
import { BLOCK_MIB_MAX } from "./blocks.ts";

/** The kinds of credentials that Azure Blob takes; without any, public containers are read. */
export const AZURE_CREDENTIALS = ["sharedKey", "sas", "bearer"] as const;

/** Who asks. */
export type AzureCredentials = Extract<Credentials, { type: typeof AZURE_CREDENTIALS[number] }>;

/** What may be declared beside the place, each with what it says. */
export const AZURE_OPTIONS = {
  endpoint: "where the account is reached, if not https://ACCOUNT.blob.core.windows.net",
  accessTier: "Hot, Cool, Cold or Archive; the account's own if left out",
  encryptionScope: "the encryption scope that published blobs get",
  contentType: "the content type of published blobs; application/octet-stream if left out",
  blockMiB: "the size of the first blocks, 1 to 4000; 8 if left out",
  versionId: "the version of a blob that is read",
} as const;

/** The options as they were declared. */
export type AzureOptions = Partial<Record<Exclude<keyof typeof AZURE_OPTIONS, "blockMiB">, string>>;

/** A place in a storage account. */
export interface AzurePlace {
  readonly account: string;
  /** Without a slash at its end. */
  readonly origin: string;
  /** `/container/directory/name`, decoded. */
  readonly path: string;
  /** For messages: `azblob://account`. */
  readonly label: string;
  readonly credentials: AzureCredentials | null;
  /** A customer's own key, in base64; the service keeps only its hash. Secret. */
  readonly customerKey: string | null;
  readonly options: AzureOptions;
  /** Bytes of the first blocks. */
  readonly blockBytes: number;
}

const CONTAINER = /^(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9]){2,62})$/;
const ACCOUNT = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const TIERS: readonly string[] = ["Hot", "Cool", "Cold", "Archive"];
const CUSTOMER_KEY_HEADER = "x-ms-encryption-key";
const MIB = 1_048_576;
const BLOCK_MIB_DEFAULT = 8;

type Refuse = (reason: string) => ProtocolError;

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function azurePlaceOf(endpoint: Endpoint): AzurePlace {
  const { host: account, port, user, path } = networkPlaceOf(["azblob"], endpoint.uri);
  const label = `azblob://${account}`;
  const refuse: Refuse = (reason) =>
    new ProtocolError("badEndpoint", `cannot use ${label}: ${reason}`);
  if (port !== null || user !== null || !ACCOUNT.test(account)) {
    throw refuse('the host is the name of an account alone; declare another one as "endpoint"');
  }
  const credentials = assertCredentials(endpoint.auth, AZURE_CREDENTIALS, `use ${label}`);
  if (credentials !== null) assertUsable(credentials, account, refuse);
  const { blockMiB, ...options } = optionsOf(endpoint, refuse);
  return {
    account,
    origin: originOf(options.endpoint ?? `https://${account}.blob.core.windows.net`, {
      credentials,
      refuse,
    }),
    path: checkedPath(path, refuse),
    label,
    credentials,
    customerKey: customerKeyOf(endpoint, refuse),
    options,
    blockBytes: blockBytesOf(blockMiB, refuse),
  };
}

/** The URI of another path in the account. */
export function azureUri(account: string, path: string): string {
  return `azblob://${account}${encodedPath(path)}`;
}

/**
 * `nameRefused` for what the service stores under another name than it was given: it takes `\` for `/`
 * and drops dots at the end of a segment.
 */
export function assertBlobName(name: string): void {
  safeName(name);
  const fault = name.includes("\\")
    ? "Azure takes a backslash for a slash"
    : name.endsWith(".")
    ? "Azure drops dots at the end of a name"
    : null;
  if (fault === null) return;
  const message = `cannot use the name ${shownPath(name)}: ${fault}; choose another name`;
  throw new ProtocolError("nameRefused", message);
}

/** Whether {@link assertBlobName} lets the name pass. */
export function isBlobName(name: string): boolean {
  try {
    assertBlobName(name);
    return true;
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return false;
    throw thrown;
  }
}

function checkedPath(path: string, refuse: Refuse): string {
  const [, container = "", ...rest] = path.split("/");
  if (!CONTAINER.test(container)) {
    throw refuse(`${shownPath(container)} is no container; write azblob://ACCOUNT/CONTAINER/PATH`);
  }
  // A directory's URI ends in a slash.
  if (rest.at(-1) === "") rest.pop();
  for (const segment of rest) assertBlobName(segment);
  if (new TextEncoder().encode(rest.join("/")).length > 1_024) {
    throw refuse("the name of the blob is longer than 1,024 bytes");
  }
  return path;
}

function assertUsable(credentials: AzureCredentials, account: string, refuse: Refuse): void {
  if (credentials.type === "bearer") {
    if (/^[\x21-\x7e]+$/.test(credentials.token)) return;
    throw refuse("the bearer token is empty or has a space, line break or odd character");
  }
  if (credentials.type === "sas") {
    if (/^\??(?:[\w.~%*'()!-]+=[\w.~%*'()!:/+=,;@$-]*&?)+$/.test(credentials.token)) return;
    throw refuse("the shared access signature is no query; write it as sv=...&sig=...");
  }
  if (credentials.account !== account) {
    throw refuse("the URI and the credentials name different accounts; keep one of them");
  }
  if (keyOf(credentials.accountKey) === null) {
    throw refuse("accountKey is no base64; copy it as the portal shows it");
  }
}

/** The bytes of an account key, `null` if it is none. */
export function keyOf(text: string): Uint8Array | null {
  try {
    const key = Uint8Array.fromBase64(text);
    return key.length === 0 ? null : key;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return null;
    throw thrown;
  }
}

function originOf(
  declared: string,
  { credentials, refuse }: {
    readonly credentials: AzureCredentials | null;
    readonly refuse: Refuse;
  },
): string {
  if (!URL.canParse(declared)) throw refuse("option endpoint is no URL; write https://HOST");
  const url = new URL(declared);
  const { protocol, username, password, search, hash } = url;
  if (
    (protocol !== "https:" && protocol !== "http:") || username + password + search + hash !== ""
  ) {
    throw refuse("option endpoint is to be https://HOST, and nothing behind it but a path");
  }
  const isSecretSent = credentials?.type === "sas" || credentials?.type === "bearer";
  if (protocol === "http:" && isSecretSent && !isLocalHost(url)) {
    throw refuse(`credentials of type ${credentials.type} are sent over https only`);
  }
  return url.href.replace(/\/+$/, "");
}

function optionsOf(
  { options }: Endpoint,
  refuse: Refuse,
): AzureOptions & { readonly blockMiB?: string } {
  const known: Record<string, string> = {};
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(AZURE_OPTIONS, name)) {
      throw refuse(
        `there is no option "${name}"; there are ${Object.keys(AZURE_OPTIONS).join(", ")}`,
      );
    }
    const text = String(value);
    if (!/^[\x20-\x7e]+$/.test(text)) {
      throw refuse(`option ${name} has a line break or odd character`);
    }
    known[name] = text;
  }
  if (known.accessTier !== undefined && !TIERS.includes(known.accessTier)) {
    throw refuse(`option accessTier is none of ${TIERS.join(", ")}`);
  }
  return known;
}

function blockBytesOf(declared: string | undefined, refuse: Refuse): number {
  const size = declared === undefined ? BLOCK_MIB_DEFAULT : Number(declared);
  if (Number.isInteger(size) && size >= 1 && size <= BLOCK_MIB_MAX) return size * MIB;
  throw refuse(`option blockMiB is no whole number from 1 to ${BLOCK_MIB_MAX}`);
}

/** Headers are where secrets may be declared: the one that is taken is a customer's own key. */
function customerKeyOf({ headers }: Endpoint, refuse: Refuse): string | null {
  let key: string | null = null;
  for (const [name, value] of Object.entries(headers)) {
    if (name.toLowerCase() !== CUSTOMER_KEY_HEADER || key !== null) {
      throw refuse(`the only header that can be declared is ${CUSTOMER_KEY_HEADER}, once`);
    }
    if (keyOf(value)?.length !== 32) {
      throw refuse(`${CUSTOMER_KEY_HEADER} is no base64 of 32 bytes`);
    }
    key = value;
  }
  return key;
}
