/** Errors of a source on their way between agents: the code is kept, since what happens next depends on it. */

import { errorData, QuorusError } from "../../runtime/base/errors.ts";
import { JobError } from "../job/errors.ts";
import type { Failure } from "./messages.ts";

/** What was thrown, as an answer. */
export function failureOf(thrown: unknown): Failure {
  return { error: errorData(thrown) };
}

/** The error of an answer, as if its source were here; the message says who has read it. */
export function errorOf({ error }: Failure, reader: string): QuorusError {
  const { code, message, retryable, definite, retryAfterMs } = error;
  return new QuorusError(code, `${message} (read by ${reader})`, {
    ...{ retryable, definite },
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** The value of an answer; throws its error. */
export function valueOf<T>(answer: { readonly value: T } | Failure, reader: string): T {
  if ("error" in answer) throw errorOf(answer, reader);
  return answer.value;
}

/** The link to the agent that reads, or that agent itself, is gone. */
export function relayLost(reader: string, why: string, cause?: unknown): JobError {
  return new JobError("relayLost", `cannot read through agent ${reader}: ${why}`, {
    retryable: true,
    cause,
  });
}
