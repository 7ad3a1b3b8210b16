/** Programs of the machine, started with pipes: clients of protocols that no library speaks as well. */

import { type ErrorFacts, QuorusError } from "../base/errors.ts";

/** What is to be started. */
export interface ProgramCommand {
  /** A name on the PATH, or an absolute path. */
  readonly program: string;
  readonly args: readonly string[];
  /** The whole of its environment: nothing of this process's own but its PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `read`: standard error is read as it comes, by `readErrors`, and not kept; `kept` unless said. */
  readonly errors?: "kept" | "read";
}

/** How a program ended. */
export interface ProgramEnd {
  /** `null` if a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  /**
   * The last of what it wrote to standard error, empty where that was read; a program may write there
   * what it was given.
   */
  readonly errors: string;
}

/** A program that was started; it has ended only when `ended` says so. */
export interface RunningProgram {
  /** Fills `into` from its standard output with at least one byte; 0 means the end. */
  read(into: Uint8Array): Promise<number>;
  /** The same of its standard error, where the command says `errors: "read"`; else 0. */
  readErrors(into: Uint8Array): Promise<number>;
  /** Resolves when its standard input has taken all of `bytes`; `io` if it takes no more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends its standard input; idempotent. */
  closeInput(): Promise<void>;
  readonly ended: Promise<ProgramEnd>;
  /** Ends it at once; idempotent. */
  kill(): void;
}

/** Starts programs. */
export interface Programs {
  /** ProgramError `notFound` or `denied`. */
  start(command: ProgramCommand): RunningProgram;
}

/** A program that cannot be started or used. */
export class ProgramError extends QuorusError<"notFound" | "denied" | "io"> {
  override readonly name = "ProgramError";
  constructor(code: "notFound" | "denied" | "io", message: string, facts: ErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? code === "io" });
  }
}
