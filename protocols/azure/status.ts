/** What an answer of Azure Blob that is no success means. */

import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import { parseRetryAfterMs } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";

interface Meaning {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
  readonly retryable?: boolean;
}

/** By the service's own codes (`x-ms-error-code`). */
const BY_CODE: Readonly<Record<string, Meaning>> = {
  AuthenticationFailed: {
    code: "unauthenticated",
    reason: "the credentials are not accepted: correct the account key, or the shared access " +
      "signature, which may have expired or not begun; and check this machine's clock",
  },
  AuthorizationFailure: {
    code: "denied",
    reason: "the account's network rules or its settings refuse this; ask its owner",
  },
  AuthorizationPermissionMismatch: {
    code: "denied",
    reason: "these credentials lack a permission: a source reads and lists (rl), a destination " +
      "reads, creates, writes and deletes (rcwd); Entra ID wants a role for data, such as " +
      "Storage Blob Data Contributor",
  },
  AuthorizationProtocolMismatch: {
    code: "denied",
    reason: "the shared access signature is for https only; correct the endpoint",
  },
  AuthorizationSourceIPMismatch: {
    code: "denied",
    reason: "the shared access signature is for another address than this machine's",
  },
  AuthorizationResourceTypeMismatch: {
    code: "denied",
    reason: "the shared access signature is for other kinds of things; it needs srt=sco",
  },
  InvalidAuthenticationInfo: {
    code: "unauthenticated",
    reason: "the token has expired or is none for https://storage.azure.com/; fetch a new one",
  },
  NoAuthenticationInformation: {
    code: "unauthenticated",
    reason: "the container is not public; declare credentials",
  },
  PublicAccessNotPermitted: {
    code: "unauthenticated",
    reason: "the account allows nobody without credentials; declare some",
  },
  InvalidResourceName: {
    code: "badEndpoint",
    reason: "that cannot be the name of a container or a blob; correct the URI",
  },
  AccountIsDisabled: { code: "denied", reason: "the account is disabled; ask its owner" },
  BlobAlreadyExists: { code: "exists", reason: "the name is taken" },
  BlobArchived: {
    code: "denied",
    reason: "the blob is archived; rehydrate it to Hot or Cool first",
  },
  BlobImmutableDueToPolicy: {
    code: "denied",
    reason: "a policy keeps the blob from being changed",
  },
  BlobNotFound: { code: "notFound", reason: "there is no such blob; check the URI" },
  ContainerNotFound: { code: "notFound", reason: "there is no such container; make it first" },
  ContainerBeingDeleted: { code: "notFound", reason: "the container is being deleted" },
  ConditionNotMet: { code: "changed", reason: "it is another version by now" },
  SourceConditionNotMet: { code: "changed", reason: "it is another version by now" },
  InvalidBlockList: {
    code: "notFound",
    reason: "its blocks are gone: a later attempt has published, or a week has passed",
  },
  InvalidBlobOrBlock: {
    code: "io",
    reason: "an unfinished upload of another tool, with block ids of another length, is in the " +
      "way; finish it, replace the blob, or wait the week that Azure keeps such blocks",
    retryable: false,
  },
  InvalidRange: { code: "rangeNotSupported", reason: "it is shorter than that" },
  LeaseIdMissing: { code: "denied", reason: "somebody holds a lease on the blob; let them end it" },
  Md5Mismatch: { code: "io", reason: "the bytes were damaged on the way; send them again" },
  RequestBodyTooLarge: { code: "tooLong", reason: "the service takes no request as large" },
  ServerBusy: { code: "rateLimited", reason: "the account is busy; ask less often" },
};

const BY_STATUS: Readonly<Record<number, Meaning>> = {
  401: { code: "unauthenticated", reason: "it wants to know who asks; declare credentials" },
  403: {
    code: "denied",
    reason: "these credentials may not do that; ask the owner of the account",
  },
  404: { code: "notFound", reason: "there is nothing of that name; check the URI" },
  408: { code: "serverError", reason: "the service gave up waiting for the request" },
  409: { code: "io", reason: "the state of the blob does not allow it", retryable: false },
  412: { code: "changed", reason: "it is another version by now" },
  413: { code: "tooLong", reason: "the service takes no request as large" },
  416: { code: "rangeNotSupported", reason: "it is shorter than that" },
  429: { code: "rateLimited", reason: "too many requests; ask less often" },
  503: { code: "rateLimited", reason: "the account is busy; ask less often" },
};

/** The error of an answer to `action`; only codes of the service are repeated, never its texts. */
export function azureError(
  action: string,
  status: number,
  headers: ReadonlyMap<string, string>,
  nowMs: number,
): ProtocolError {
  const told = headers.get("x-ms-error-code") ?? "";
  // What else is told could be a token that the server has heard, repeated.
  const code = /^(?:[A-Za-z]|Md5|Crc64){1,64}$/.test(told) ? told : null;
  const { code: kind, reason, retryable } = meaningOf(status, code);
  const waitMs = parseRetryAfterMs(
    headers.get("retry-after") ?? "",
    nowMs,
    protocolLimits.httpRetryAfterMaxMs,
  );
  const shown = code === null ? `status ${status}` : `status ${status}, ${code}`;
  return new ProtocolError(kind, `cannot ${action}: ${reason} (${shown})`, {
    ...(retryable === undefined ? {} : { retryable }),
    ...(waitMs === null ? {} : { retryAfterMs: waitMs }),
    // A server that failed may have done it first.
    definite: status < 500,
    details: { status, ...(code === null ? {} : { service: code }) },
  });
}

function meaningOf(status: number, code: string | null): Meaning {
  if (code !== null && Object.hasOwn(BY_CODE, code)) return BY_CODE[code]!;
  if (Object.hasOwn(BY_STATUS, status)) return BY_STATUS[status]!;
  if (status >= 500) return { code: "serverError", reason: "the service failed" };
  const reason = status >= 400
    ? "the service refuses the request; check the options"
    : "this is no answer of Azure Blob; check the endpoint";
  return { code: "badResponse", reason, retryable: false };
}
