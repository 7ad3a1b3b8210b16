/** What is told where a gateway refused or did not answer, and how the program ends then; pure. */

import type { ClientError, ProblemPart } from "../../client.ts";
import { EXIT, type ExitCode } from "../exit.ts";
import { clean } from "../show/text.ts";

const REFUSED: ReadonlySet<string> = new Set([
  "unauthenticated",
  "forbidden",
  "too-many-requests",
  "refused-workflow",
  "would-lose-quorum",
  "not-ready",
]);
const INVALID: ReadonlySet<string> = new Set([
  "misused",
  "malformed-request",
  "malformed-body",
  "not-found",
  "method-not-allowed",
  "body-too-large",
  "unsupported-media-type",
  "invalid-body",
  "invalid-workflow",
]);
const UNREACHABLE: ReadonlySet<string> = new Set([
  "unreachable",
  "timed-out",
  "no-quorum",
  "overloaded",
  "change-pending",
  "unknown-outcome",
]);

/** What may be done about it. */
const ADVICE: Readonly<Record<string, string>> = {
  "unreachable": "is a gateway running there? --server or QUORUS_SERVER names it",
  "timed-out": "try again, or name another gateway with --server",
  "unauthenticated": "give a key that is valid there: --key-file FILE or QUORUS_API_KEY",
  "no-quorum": "most controllers are away; reads still work with --stale",
  "unknown-outcome": "look before it is done again: quorus get runs",
};

/** The exit code of a failed call. */
export function exitCodeOfFailure({ code, status }: ClientError): ExitCode {
  if (code === "aborted") return EXIT.interrupted;
  if (REFUSED.has(code) || status === 401 || status === 403) return EXIT.refused;
  if (INVALID.has(code)) return EXIT.invalid;
  if (UNREACHABLE.has(code)) return EXIT.unreachable;
  return status !== null && status >= 502 && status <= 504 ? EXIT.unreachable : EXIT.failed;
}

/** The lines for people: what was being done and why it failed, every place, what to do. */
export function failureLines(error: ClientError): string[] {
  if (error.code === "aborted") return ["quorus: interrupted"];
  const lines = [`quorus: ${clean(error.message)}`];
  const [only] = error.errors;
  // One part without a place says what the message says.
  if (error.errors.length > 1 || (only !== undefined && placeOf(only) !== "")) {
    for (const part of error.errors) lines.push(`  ${partText(part)}`);
  }
  const advice = ADVICE[error.code];
  if (advice !== undefined) lines.push(advice);
  if (error.instance !== null && (error.status ?? 0) >= 500) {
    lines.push(`the gateway's log names it ${clean(error.instance)}`);
  }
  return lines;
}

function partText(part: ProblemPart): string {
  const place = placeOf(part);
  const suggestion = part.suggestion === undefined ? "" : `; ${part.suggestion}`;
  return clean(`${place === "" ? "" : `${place}: `}${part.detail}${suggestion}`);
}

function placeOf(part: ProblemPart): string {
  const { line, column = 1, parameter, header } = part;
  if (line !== undefined) return `line ${line}:${column}`;
  return part.documentPointer || part.pointer || parameter || header || "";
}
