/** What every embedded verb works with: its process, the machine, colours, and where log records go. */

import type { Env, LogLevel, LogPort } from "../runtime/env/env.ts";
import { realEnv } from "../runtime/env/real.ts";
import type { Process } from "./process.ts";
import { type Paint, paint } from "./show/text.ts";

/** See the file's comment. */
export interface Session {
  readonly process: Process;
  readonly env: Env;
  readonly log: LogRouter;
  readonly outPaint: Paint;
  readonly errPaint: Paint;
}

/** Where log records go: to whoever shows the run, else to standard error. */
export class LogRouter implements LogPort {
  #target: LogPort["write"];

  constructor(fallback: LogPort["write"]) {
    this.#target = fallback;
  }

  /** Sends records to `target` from now on. */
  route(target: LogPort["write"]): void {
    this.#target = target;
  }

  write(level: LogLevel, message: string, facts: Readonly<Record<string, unknown>> = {}): void {
    this.#target(level, message, facts);
  }
}

/** Does the work of a verb with a session of its own, and ends what the session holds. */
export async function withSession<T>(
  process: Process,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const log = new LogRouter((level, message, facts) => {
    if (level === "error") process.err(`quorus: ${message} ${JSON.stringify(facts)}\n`);
  });
  const env = realEnv({ log });
  try {
    return await work({
      process,
      env,
      log,
      outPaint: paint(usesColours(process, process.outIsTerminal)),
      errPaint: paint(usesColours(process, process.errIsTerminal)),
    });
  } finally {
    env.close();
  }
}

/** https://no-color.org: set and not empty turns colours off; so does a terminal that cannot. */
export function usesColours(process: Process, isTerminal: boolean): boolean {
  if ((process.env("NO_COLOR") ?? "") !== "") return false;
  return isTerminal && process.env("TERM") !== "dumb";
}
