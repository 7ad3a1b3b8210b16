/** Credentials as a protocol gets them: revealed, for as long as an end is open. Never logged or stored. */

import { ProtocolError } from "./errors.ts";

/** Who asks, and the proof; the kinds are those of `workflows/credentials.ts` without `header`. */
export type Credentials =
  | { readonly type: "basic"; readonly username: string; readonly password: string }
  | { readonly type: "digest"; readonly username: string; readonly password: string }
  | { readonly type: "bearer"; readonly token: string }
  | {
    readonly type: "key";
    readonly username: string;
    readonly privateKey: string;
    readonly passphrase?: string;
  }
  | { readonly type: "agent"; readonly username: string }
  | {
    readonly type: "accessKey";
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  }
  | { readonly type: "profile"; readonly file?: string; readonly profile?: string }
  | { readonly type: "webIdentity"; readonly roleArn: string; readonly file: string }
  | { readonly type: "environment" }
  | { readonly type: "sharedKey"; readonly account: string; readonly accountKey: string }
  | { readonly type: "sas"; readonly token: string }
  | { readonly type: "kerberos"; readonly username?: string; readonly file?: string };

/** The kinds of {@link Credentials}. */
export type CredentialType = Credentials["type"];

const REQUIRED: Readonly<Record<CredentialType, readonly string[]>> = {
  basic: ["username", "password"],
  digest: ["username", "password"],
  bearer: ["token"],
  key: ["username", "privateKey"],
  agent: ["username"],
  accessKey: ["accessKeyId", "secretAccessKey"],
  profile: [],
  webIdentity: ["roleArn", "file"],
  environment: [],
  sharedKey: ["account", "accountKey"],
  sas: ["token"],
  kerberos: [],
};

/** The kinds with the fields that each must have. */
export const CREDENTIAL_TYPES = Object.entries(REQUIRED) as readonly [
  CredentialType,
  readonly string[],
][];

/** Revealed fields as credentials; `badEndpoint` for a kind that is not known or lacks a field. */
export function credentialsOf(
  fields: { readonly type: string } & Readonly<Record<string, string>>,
): Credentials {
  const { type } = fields;
  if (!Object.hasOwn(REQUIRED, type)) {
    const message = `cannot use credentials of type ${type}: they are not known here`;
    throw new ProtocolError("badEndpoint", message);
  }
  const missing = REQUIRED[type as CredentialType].find((field) => fields[field] === undefined);
  if (missing === undefined) return fields as unknown as Credentials;
  const message = `cannot use credentials of type ${type}: ${missing} is missing; declare it`;
  throw new ProtocolError("badEndpoint", message);
}

/** The credentials, if a protocol takes their kind; `badEndpoint` names those that it takes. */
export function assertCredentials<Type extends CredentialType>(
  credentials: Credentials | null,
  types: readonly Type[],
  action: string,
): Extract<Credentials, { type: Type }> | null {
  if (credentials === null) return null;
  if ((types as readonly string[]).includes(credentials.type)) {
    return credentials as Extract<Credentials, { type: Type }>;
  }
  const offered = types.length === 0 ? "it takes none" : `it takes ${types.join(", ")}`;
  const message = `cannot ${action} with credentials of type ${credentials.type}: ${offered}`;
  throw new ProtocolError("badEndpoint", message);
}
