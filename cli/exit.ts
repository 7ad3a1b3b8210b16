/** How a verb ends: exit codes, and the error that carries one. */

import { type ErrorFacts, QuorusError } from "../runtime/base/errors.ts";

/** What the exit code of `quorus` says. */
export const EXIT = {
  ok: 0,
  /** A transfer, or the verb's own work, failed. */
  failed: 1,
  /** Usage, or input that cannot be carried out. */
  invalid: 2,
  /** Another process works on the same run. */
  refused: 3,
  /** What `doctor` looked at does not answer. */
  unreachable: 4,
  /** Ended by a signal; checkpoints are kept. */
  interrupted: 130,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Why a verb could not do its work. */
export type CliErrorCode = "usage" | "invalidInput" | "unreadable";

/** Ends a verb with exit code 2; the message says what was being done, why it failed, what to do. */
export class CliError extends QuorusError<CliErrorCode> {
  override readonly name = "CliError";
  constructor(code: CliErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, facts);
  }
}

/** Ends a verb that has said already what is wrong. */
export class Exit extends Error {
  override readonly name = "Exit";
  constructor(readonly exitCode: ExitCode) {
    super(`exit ${exitCode}`);
  }
}

const LOCKED: ReadonlySet<string> = new Set([
  "RunFolderError locked",
  "KvError locked",
  "DataFolderError locked",
  "ClusterError running",
]);
const INVALID: ReadonlySet<string> = new Set([
  "RunFolderError unusable",
  "DataFolderError unusable",
  "JoinError badToken",
  "PkiError noAuthority",
  "PkiError exists",
  "PkiError noCertificate",
  "ClusterError noCluster",
  "ClusterError noNode",
  "ClusterError exists",
  "ProtocolError badEndpoint",
]);

/** The exit code that an error ends the program with. */
export function exitCodeOf(thrown: unknown): ExitCode {
  if (thrown instanceof Exit) return thrown.exitCode;
  if (thrown instanceof CliError || isNotGranted(thrown)) return EXIT.invalid;
  if (!(thrown instanceof QuorusError)) return EXIT.failed;
  const kind = `${thrown.name} ${thrown.code}`;
  if (LOCKED.has(kind)) return EXIT.refused;
  if (kind === "JoinError refused") return EXIT.refused;
  if (kind === "JoinError unreachable") return EXIT.unreachable;
  return INVALID.has(kind) ? EXIT.invalid : EXIT.failed;
}

/** What is told of an error that ends the program: one line, and the stack where it is asked for. */
export function failureText(thrown: unknown, withStack: boolean): string {
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const lines = [`quorus: ${message}`];
  if (isNotGranted(thrown)) {
    lines[0] = `quorus: Deno was not granted what this needs: ${message}`;
  } else if (!(thrown instanceof QuorusError)) {
    lines.push("this is a defect of quorus; QUORUS_DEBUG=1 shows where, please report it");
  }
  if (withStack && thrown instanceof Error && thrown.stack !== undefined) lines.push(thrown.stack);
  return `${lines.join("\n")}\n`;
}

/** Started with fewer permissions than the verb needs: the caller's choice, no defect. */
function isNotGranted(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "NotCapable";
}
