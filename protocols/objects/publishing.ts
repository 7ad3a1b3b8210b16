/**
 * Sending the request that makes a file the final one, for all object stores alike. Such a request
 * leaves nothing before it: whether it was carried out, only what stands at the name tells.
 */

import type { Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { pause } from "./again.ts";

/** One publication. */
export interface Publishing<T> {
  /** Sends the request once: the same file under the same condition each time, so one of all lands. */
  readonly send: () => Promise<T>;
  /** What stands at the final name, `null` unless it is this very file. */
  readonly look: () => Promise<T | null>;
  /** Told before it fails while a request that nobody has answered may still be carried out. */
  readonly unresolved: () => void;
}

/**
 * Publishes. After an answer that says nothing, or a broken connection, the name is looked at and the
 * request sent again; not after silence, which is long enough for somebody to have taken the published
 * file away. A failure is `definite` only if no try can have been carried out.
 */
export async function publishing<T>(
  env: Pick<Env, "timers" | "random">,
  { send, look, unresolved }: Publishing<T>,
): Promise<T> {
  let isOpen = false;
  let isUnanswered = false;
  for (let tries = 1;; tries++) {
    try {
      return await send();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || isOfOtherBytes(thrown)) throw thrown;
      isOpen ||= !thrown.definite;
      isUnanswered ||= !thrown.definite && !isAnswered(thrown);
      // A refusal, too, may answer a try that came after the one that did it, of an earlier call even.
      const standing = isNeverSent(thrown) && !isOpen ? null : await look().catch(() => null);
      if (standing !== null) return standing;
      const waitMs = waitMsAfter(env, thrown, tries);
      if (waitMs === null) {
        if (isUnanswered) unresolved();
        throw isOpen ? indefinite(thrown) : thrown;
      }
      await pause(env, null, waitMs);
    }
  }
}

/** A whole answer of the service itself: nothing of the request is under way any more. */
function isAnswered({ details: { status } }: ProtocolError): boolean {
  return typeof status === "number" && status !== 502 && status !== 504;
}

/** It is there, but not what was sent: neither looking nor sending it again makes that good. */
function isOfOtherBytes({ code, retryable }: ProtocolError): boolean {
  return code === "io" && !retryable;
}

/** What the store has made is not what was sent: the job fails, and whoever reads this removes it. */
export function otherBytes(action: string, what: string): ProtocolError {
  const message = `cannot ${action}: ${what}; what stands there is damaged: remove it`;
  return new ProtocolError("io", message, { retryable: false, definite: true });
}

function isNeverSent({ definite, retryable }: ProtocolError): boolean {
  return definite && retryable;
}

/** `null`: it is not sent again. */
function waitMsAfter(
  { random }: Pick<Env, "random">,
  { code, definite, retryable, retryAfterMs = 0 }: ProtocolError,
  tries: number,
): number | null {
  const { objectTriesMax, objectRetryMs, objectRetryAfterMaxMs } = protocolLimits;
  const isSilence = code === "timeout" && !definite;
  const helps = retryable && !isSilence && code !== "changed" && code !== "truncated";
  if (!helps || tries >= objectTriesMax || retryAfterMs > objectRetryAfterMaxMs) return null;
  return Math.max(retryAfterMs, objectRetryMs * 2 ** (tries - 1) * (1 + random.next()) / 2);
}

function indefinite(error: ProtocolError): ProtocolError {
  if (!error.definite) return error;
  const { code, message, retryable, details, retryAfterMs } = error;
  return new ProtocolError(code, message, {
    ...{ retryable, details, cause: error, definite: false },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
