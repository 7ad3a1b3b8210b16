/** The kinds of credentials that can be declared for an end of a transfer, and the fields of each. */

import { didYouMean } from "./suggest.ts";

/** What `authentication` may hold beside its type; every value may be a reference to a secret. */
export const AUTH_FIELDS = [
  "username",
  "password",
  "token",
  "header",
  "value",
  "privateKey",
  "passphrase",
  "accessKeyId",
  "secretAccessKey",
  "sessionToken",
  "account",
  "accountKey",
  "roleArn",
  "file",
  "profile",
] as const;

/** One of {@link AUTH_FIELDS}. */
export type AuthField = typeof AUTH_FIELDS[number];

/** Which fields a kind of credentials must have, and which it may have. */
export interface AuthKind {
  readonly required: readonly AuthField[];
  readonly optional: readonly AuthField[];
}

const kind = (required: readonly AuthField[], optional: readonly AuthField[] = []): AuthKind => ({
  required,
  optional,
});

/**
 * The kinds by name. Which of them a transfer protocol takes is the protocol's own business
 * (`protocols/credentials.ts` has the same table as types); `header` is sent as a header.
 */
export const AUTH_KINDS = {
  basic: kind(["username", "password"]),
  /** The password is proved and never sent (RFC 7616). */
  digest: kind(["username", "password"]),
  bearer: kind(["token"]),
  header: kind(["header", "value"]),
  /** A private key in OpenSSH or PEM form. */
  key: kind(["username", "privateKey"], ["passphrase"]),
  /** The keys of the SSH agent that runs beside the agent. */
  agent: kind(["username"]),
  accessKey: kind(["accessKeyId", "secretAccessKey"], ["sessionToken"]),
  /** A file of access keys by profile, as the tools of AWS keep it. */
  profile: kind([], ["file", "profile"]),
  /** A token in a file, exchanged for access keys. */
  webIdentity: kind(["roleArn", "file"]),
  /** Access keys in the environment of the agent. */
  environment: kind([]),
  sharedKey: kind(["account", "accountKey"]),
  /** A shared access signature. */
  sas: kind(["token"]),
  /** A cache of tickets, made by `kinit`. */
  kerberos: kind([], ["username", "file"]),
} as const satisfies Readonly<Record<string, AuthKind>>;

/** Names of {@link AUTH_KINDS}. */
export type AuthType = keyof typeof AUTH_KINDS;

/** Whether credentials of this name are carried out. */
export function isAuthType(type: string): type is AuthType {
  return Object.hasOwn(AUTH_KINDS, type);
}

/** What is wrong with declared credentials: fields that are missing or belong to another kind. */
export function credentialProblems(
  declared: { readonly type: string } & Readonly<Partial<Record<string, string | undefined>>>,
): { field: string | null; message: string; suggestion?: string }[] {
  const { type } = declared;
  if (!isAuthType(type)) return [];
  const { required, optional }: AuthKind = AUTH_KINDS[type];
  const taken: readonly string[] = [...required, ...optional, "type", "serviceAccount"];
  const missing = required.filter((field) => declared[field] === undefined)
    .map((field) => ({
      field: null,
      message: `authentication of type ${type} needs ${field}`,
    }));
  const foreign = Object.keys(declared)
    .filter((field) => declared[field] !== undefined && !taken.includes(field))
    .map((field) => {
      const suggestion = didYouMean(field, taken);
      const message = `authentication of type ${type} takes no ${field}`;
      return { field, message, ...(suggestion === undefined ? {} : { suggestion }) };
    });
  return [...missing, ...foreign];
}
