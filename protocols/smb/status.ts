/** What an SMB server answers (NT_STATUS, MS-ERREF 2.3.1), in the contract's words. */

import { shownPath } from "../containment.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";

/** What a status means; one that is not here is `io`. */
const MEANING: Readonly<Record<string, ProtocolErrorCode>> = {
  NO_SUCH_FILE: "notFound",
  OBJECT_NAME_NOT_FOUND: "notFound",
  OBJECT_PATH_NOT_FOUND: "notFound",
  NOT_FOUND: "notFound",
  DELETE_PENDING: "notFound",
  OBJECT_NAME_COLLISION: "exists",
  OBJECT_NAME_EXISTS: "exists",
  DIRECTORY_NOT_EMPTY: "exists",
  OBJECT_NAME_INVALID: "nameRefused",
  OBJECT_PATH_SYNTAX_BAD: "nameRefused",
  OBJECT_PATH_INVALID: "nameRefused",
  NAME_TOO_LONG: "nameRefused",
  FILE_IS_A_DIRECTORY: "nameRefused",
  NOT_A_DIRECTORY: "notFound",
  STOPPED_ON_SYMLINK: "escapes",
  ACCESS_DENIED: "denied",
  NETWORK_ACCESS_DENIED: "denied",
  CANNOT_DELETE: "denied",
  PRIVILEGE_NOT_HELD: "denied",
  VIRUS_INFECTED: "denied",
  MEDIA_WRITE_PROTECTED: "readOnly",
  DISK_FULL: "noSpace",
  QUOTA_EXCEEDED: "noSpace",
  LOGON_FAILURE: "unauthenticated",
  WRONG_PASSWORD: "unauthenticated",
  NO_SUCH_USER: "unauthenticated",
  ACCOUNT_DISABLED: "unauthenticated",
  ACCOUNT_EXPIRED: "unauthenticated",
  ACCOUNT_LOCKED_OUT: "unauthenticated",
  ACCOUNT_RESTRICTION: "unauthenticated",
  PASSWORD_EXPIRED: "unauthenticated",
  PASSWORD_MUST_CHANGE: "unauthenticated",
  INVALID_LOGON_HOURS: "unauthenticated",
  INVALID_WORKSTATION: "unauthenticated",
  LOGON_TYPE_NOT_GRANTED: "unauthenticated",
  NO_TRUST_SAM_ACCOUNT: "unauthenticated",
  TIME_DIFFERENCE_AT_DC: "unauthenticated",
  CANT_ACCESS_DOMAIN_INFO: "unauthenticated",
  BAD_NETWORK_NAME: "notFound",
  BAD_DEVICE_TYPE: "unsupported",
  NOT_SUPPORTED: "unsupported",
  NOT_IMPLEMENTED: "unsupported",
  INVALID_DEVICE_REQUEST: "unsupported",
  REVISION_MISMATCH: "unsupported",
  CONNECTION_REFUSED: "unreachable",
  CONNECTION_RESET: "unreachable",
  CONNECTION_ABORTED: "unreachable",
  CONNECTION_DISCONNECTED: "unreachable",
  CONNECTION_INVALID: "unreachable",
  LOCAL_DISCONNECT: "unreachable",
  REMOTE_DISCONNECT: "unreachable",
  PIPE_BROKEN: "unreachable",
  END_OF_FILE: "unreachable",
  NETWORK_NAME_DELETED: "unreachable",
  NETWORK_SESSION_EXPIRED: "unreachable",
  USER_SESSION_DELETED: "unreachable",
  NETWORK_UNREACHABLE: "unreachable",
  HOST_UNREACHABLE: "unreachable",
  HOST_DOWN: "unreachable",
  BAD_NETWORK_PATH: "unreachable",
  NO_LOGON_SERVERS: "unreachable",
  IO_TIMEOUT: "timeout",
  INSUFFICIENT_RESOURCES: "rateLimited",
  INSUFF_SERVER_RESOURCES: "rateLimited",
  REQUEST_NOT_ACCEPTED: "rateLimited",
  TOO_MANY_SESSIONS: "rateLimited",
  TOO_MANY_OPENED_FILES: "rateLimited",
  INVALID_NETWORK_RESPONSE: "badResponse",
};

/** Something is open in a way that does not let others in; it may be closed a moment later. */
const BUSY: ReadonlySet<string> = new Set([
  "SHARING_VIOLATION",
  "FILE_LOCK_CONFLICT",
  "LOCK_NOT_GRANTED",
]);

/** After these the connection is of no more use. */
const ENDS_SESSION: ReadonlySet<ProtocolErrorCode> = new Set(["unreachable", "timeout"]);

/** The first status in a text of smbclient, without `NT_STATUS_`; `null` if there is none. */
export function statusIn(text: string): string | null {
  const match = /\bNT_STATUS_([A-Z0-9_]+)|\bNT code (0x[0-9a-f]{8})/.exec(text);
  return match === null ? null : match[1] ?? match[2] ?? null;
}

/** What the server's status means, and whether it leaves the session in use. */
export function meaningOf(status: string): { code: ProtocolErrorCode; endsSession: boolean } {
  const code = MEANING[status] ?? "io";
  return { code, endsSession: ENDS_SESSION.has(code) };
}

/** The server said no: `status` is its word for it. */
export class SmbRefusal extends ProtocolError {
  readonly status: string;

  constructor(action: string, place: string, status: string) {
    const { code, endsSession } = meaningOf(status);
    const isBusy = BUSY.has(status);
    const told = isBusy ? `${status}: somebody else has it open` : status;
    super(code, `cannot ${action} on ${place}: the server answered ${told}${adviceOn(code)}`, {
      // What was asked may have been done before the connection went.
      definite: !endsSession,
      ...(isBusy ? { retryable: true } : {}),
    });
    this.status = status;
  }
}

function adviceOn(code: ProtocolErrorCode): string {
  switch (code) {
    case "unauthenticated":
      return "; look at the user, the domain and the password or ticket";
    case "noSpace":
      return "; free some space or raise the quota";
    case "unsupported":
      return "; look at smbVersion, signing and encryption";
    default:
      return "";
  }
}

/** An answer of smbclient that is none of those it has for this call. */
export function unexpected(action: string, place: string, text: string): ProtocolError {
  const message = `cannot ${action} on ${place}: smbclient answered ${shownPath(text.trim())}`;
  return new ProtocolError("badResponse", message);
}
