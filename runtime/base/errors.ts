/**
 * The one shape of every error that crosses a room's border.
 *
 * A room declares its own subclass with its own union of codes (`ProtocolError`, `ActorError`, ...);
 * nothing throws a bare string and nothing swallows a cause.
 */

/** What a caller may do about an error, next to its message. */
export interface ErrorFacts {
  /** The same call may succeed later without anybody changing anything. */
  readonly retryable?: boolean;
  /** It is certain that the action did not happen; `false` means that nobody knows. */
  readonly definite?: boolean;
  /** The error that led here. */
  readonly cause?: unknown;
  /** Machine-readable facts; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** Not before this many milliseconds may a retry start (`Retry-After`). */
  readonly retryAfterMs?: number;
}

/** An error with a stable `code`; its message names the action, the object, the reason and what to do. */
export class QuorusError<Code extends string = string> extends Error {
  override readonly name: string = "QuorusError";
  readonly code: Code;
  readonly retryable: boolean;
  readonly definite: boolean;
  readonly details: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | undefined;

  constructor(code: Code, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.code = code;
    this.retryable = facts.retryable ?? false;
    this.definite = facts.definite ?? true;
    this.details = facts.details ?? {};
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** The message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** An error as plain data, for logs, replies and the replicated state. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly definite: boolean;
  readonly retryAfterMs?: number;
}

/** Reduces anything that was thrown to plain data; what is not a {@link QuorusError} is `Unexpected`. */
export function errorData(thrown: unknown): ErrorData {
  if (thrown instanceof QuorusError) {
    const { code, message, retryable, definite, retryAfterMs } = thrown;
    return retryAfterMs === undefined
      ? { code, message, retryable, definite }
      : { code, message, retryable, definite, retryAfterMs };
  }
  return { code: "Unexpected", message: messageOf(thrown), retryable: false, definite: false };
}
