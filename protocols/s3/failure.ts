/** What an answer means that is none that was hoped for: by S3's own code, else by the status. */

import type { ErrorFacts } from "../../runtime/base/errors.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";
import { parseHttpDate, parseRetryAfterMs } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import { childOf, parseXml, textOf } from "./xml.ts";

/** A request that a server refused. */
export class S3Refusal extends ProtocolError {
  readonly status: number;
  /** `NoSuchKey`, `SlowDown`; `null` where the answer has no such thing, as to HEAD. */
  readonly s3Code: string | null;

  constructor(
    code: ProtocolErrorCode,
    message: string,
    answer: { readonly status: number; readonly s3Code: string | null },
    facts: ErrorFacts,
  ) {
    super(code, message, { ...facts, details: { ...facts.details, ...answer } });
    this.status = answer.status;
    this.s3Code = answer.s3Code;
  }
}

/** The head of an answer, and its body where it is an error's. */
export interface RefusingAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

interface Meaning {
  readonly code: ProtocolErrorCode;
  readonly reason: string;
  readonly retryable?: boolean;
  /** It was not carried out, whatever it was. */
  readonly definite?: boolean;
}

const LATER = { retryable: true, definite: true } as const;
const BUSY: Meaning = {
  code: "rateLimited",
  reason: "the server is busy; ask less often",
  ...LATER,
};
const CREDENTIALS: Meaning = {
  code: "unauthenticated",
  reason: "the server does not accept these credentials; correct access key, secret and region",
};
const KEY_ID: Meaning = {
  code: "unauthenticated",
  reason: "the server does not know this access key; correct accessKeyId, or ask for a new key",
};
const SECRET: Meaning = {
  code: "unauthenticated",
  reason: "the secret does not belong to the access key; correct secretAccessKey and the region",
};
/** A HEAD is refused without a word: any of these may be the reason. */
const REFUSED: Meaning = {
  code: "denied",
  reason: "access is refused, without a reason: the keys may be wrong, or lack a permission " +
    "(without s3:ListBucket the answer is the same for what is not there)",
};
const EXPIRED: Meaning = {
  code: "unauthenticated",
  reason: "the temporary credentials have expired; fetch new ones",
};
const REGION: Meaning = {
  code: "badEndpoint",
  reason: 'the bucket is in another region or at another endpoint; correct option "region"',
};
const ALTERED: Meaning = {
  code: "io",
  reason: "the bytes that arrived are not those that were sent",
  ...LATER,
};
const CONFLICT: Meaning = {
  code: "serverError",
  reason: "another request changes the same object at this moment",
  ...LATER,
};

const BY_CODE: Readonly<Record<string, Meaning>> = {
  AccessDenied: {
    code: "denied",
    reason:
      "these credentials are known, but not permitted to do that; ask the owner of the bucket " +
      "for the permissions that the page of s3 lists",
  },
  AllAccessDisabled: { code: "denied", reason: "all access to the bucket is switched off" },
  InvalidObjectState: {
    code: "denied",
    reason: "the object is archived; restore it before it is read",
  },
  InvalidAccessKeyId: KEY_ID,
  SignatureDoesNotMatch: SECRET,
  InvalidToken: CREDENTIALS,
  MissingSecurityHeader: CREDENTIALS,
  AccessKeyIdNotFound: KEY_ID,
  InvalidBucketName: {
    code: "badEndpoint",
    reason: "that cannot be the name of a bucket; correct the URI",
  },
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  TokenRefreshRequired: EXPIRED,
  RequestTimeTooSkewed: {
    code: "unauthenticated",
    reason:
      "the clock of this machine differs from the server's by more than can be made up for; " +
      "correct it",
  },
  NoSuchBucket: { code: "notFound", reason: "there is no such bucket; check the URI" },
  NoSuchKey: { code: "notFound", reason: "there is no such object; check the URI" },
  NoSuchVersion: { code: "notFound", reason: "there is no such version of the object" },
  NoSuchUpload: { code: "notFound", reason: "the upload is gone: completed or aborted" },
  PreconditionFailed: { code: "changed", reason: "the object is another version", definite: true },
  ConditionalRequestConflict: CONFLICT,
  OperationAborted: CONFLICT,
  SlowDown: BUSY,
  ServiceUnavailable: BUSY,
  RequestLimitExceeded: BUSY,
  Throttling: BUSY,
  ThrottlingException: BUSY,
  TooManyRequests: BUSY,
  InternalError: { code: "serverError", reason: "the server failed", retryable: true },
  RequestTimeout: { code: "timeout", reason: "the request came too slowly", ...LATER },
  IncompleteBody: { code: "truncated", reason: "the request ended early", ...LATER },
  BadDigest: ALTERED,
  InvalidDigest: ALTERED,
  XAmzContentSHA256Mismatch: ALTERED,
  XAmzContentChecksumMismatch: ALTERED,
  EntityTooLarge: { code: "unsupported", reason: "the server takes no object or part so large" },
  EntityTooSmall: {
    code: "unsupported",
    reason: 'the server wants larger parts; raise option "partSize"',
  },
  InvalidPart: { code: "io", reason: "the server has lost a part of the upload", retryable: true },
  InvalidRange: { code: "rangeNotSupported", reason: "the object has no such range" },
  KeyTooLongError: { code: "nameRefused", reason: "the name is too long for the server" },
  QuotaExceeded: { code: "noSpace", reason: "the quota of the bucket is used up" },
  StorageFull: { code: "noSpace", reason: "the server has no space left" },
  XMinioStorageFull: { code: "noSpace", reason: "the server has no space left" },
  NotImplemented: { code: "unsupported", reason: "the server does not know this request" },
  MethodNotAllowed: { code: "unsupported", reason: "the server does not allow this request here" },
  InvalidStorageClass: {
    code: "badEndpoint",
    reason: 'the server has no such storage class; correct option "storageClass"',
  },
  PermanentRedirect: REGION,
  TemporaryRedirect: REGION,
  AuthorizationHeaderMalformed: REGION,
  IllegalLocationConstraintException: REGION,
};

const BY_STATUS: ReadonlyMap<number, Meaning> = new Map<number, Meaning>([
  [301, REGION],
  [302, REGION],
  [307, REGION],
  [308, REGION],
  [401, CREDENTIALS],
  [403, REFUSED],
  [404, { code: "notFound", reason: "there is no such object; check the URI" }],
  [405, BY_CODE.MethodNotAllowed!],
  [408, BY_CODE.RequestTimeout!],
  [409, CONFLICT],
  [412, BY_CODE.PreconditionFailed!],
  [416, BY_CODE.InvalidRange!],
  [429, BUSY],
  [501, BY_CODE.NotImplemented!],
  [503, BUSY],
  [507, BY_CODE.StorageFull!],
]);

/** The error of a refused request; `action` is verb and object, `mutates` whether it changes anything. */
export function refusalOf(
  action: string,
  answer: RefusingAnswer,
  mutates: boolean,
  nowMs: number,
): S3Refusal {
  const { status, headers } = answer;
  const s3Code = codeOf(answer.body);
  const known = s3Code !== null && Object.hasOwn(BY_CODE, s3Code) ? BY_CODE[s3Code] : undefined;
  const meaning = known ?? BY_STATUS.get(status) ?? general(status);
  const { code, reason, retryable } = meaning;
  const region = meaning === REGION
    ? headers.get("x-amz-bucket-region") ?? textIn(answer.body, "Region")
    : undefined;
  const waits = retryable === true ? retryAfter(headers, nowMs) : null;
  const spoken = s3Code === null ? `status ${status}` : `status ${status} ${s3Code}`;
  const message = `cannot ${action}: ${spoken}: ${reason}` +
    (region === undefined || !REGION_NAME.test(region) ? "" : ` (it says ${region})`);
  const definite = meaning.definite ?? (status < 500 || !mutates);
  return new S3Refusal(code, message, { status, s3Code }, {
    definite,
    ...(retryable === undefined ? {} : { retryable }),
    ...(waits === null ? {} : { retryAfterMs: waits }),
  });
}

function general(status: number): Meaning {
  if (status >= 500) return { code: "serverError", reason: "the server failed", retryable: true };
  const reason = "the server refuses the request; check the URI and the declared options";
  return { code: "badResponse", reason, retryable: false };
}

/** The form of S3's codes; what else is told could be a token that the server has heard, repeated. */
const CODE = /^(?:[A-Za-z.]|SHA256|MD5|CRC32C?|V4){1,80}$/;

/** The form of regions, for the same reason: `eu-west-1`, or one word. */
const REGION_NAME = /^(?:[a-z]{2,3}(?:-[a-z]{3,12}){1,3}-\d{1,2}|[a-z]{1,12})$/;

function codeOf(body: Uint8Array): string | null {
  const code = textIn(body, "Code");
  return code !== undefined && CODE.test(code) ? code : null;
}

function textIn(body: Uint8Array, element: "Code" | "Region"): string | undefined {
  if (body.length === 0) return undefined;
  try {
    const root = parseXml(new TextDecoder().decode(body));
    // The token service wraps its error once more.
    return textOf(childOf(root, "Error") ?? root, element) ?? undefined;
  } catch {
    // A page of a proxy in between: the status says what there is to say.
    return undefined;
  }
}

function retryAfter(headers: ReadonlyMap<string, string>, nowMs: number): number | null {
  const text = headers.get("retry-after");
  if (text === undefined) return null;
  const serverNowMs = parseHttpDate(headers.get("date") ?? "") ?? nowMs;
  return parseRetryAfterMs(text, serverNowMs, protocolLimits.httpRetryAfterMaxMs);
}

/** Whether a call failed because what it is about is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "notFound";
}

/** Whether a condition of the request did not hold (`If-Match`, `If-None-Match`). */
export function isUnmet(thrown: unknown): thrown is S3Refusal {
  return thrown instanceof S3Refusal &&
    (thrown.status === 412 || thrown.s3Code === "PreconditionFailed");
}
