/**
 * A client of a group whose commands are applied exactly once: it numbers them, and asks again under the
 * same number until it has an answer.
 */

import type { Env } from "../env/env.ts";
import { RaftError } from "./errors.ts";
import type { Committed, Within } from "./group.ts";
import type { RaftLimits } from "./limits.ts";
import type { SessionCommand, SessionRefusal, SessionResult } from "./sessions.ts";

/** What a session needs of its group. */
export interface SessionCaller<Command, Result> {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly limits: Pick<RaftLimits, "withinMs" | "tryMs" | "retryMinMs" | "retryMaxMs">;
  run(
    command: SessionCommand<Command>,
    withinMs: number,
  ): Promise<{ readonly result: SessionResult<Result>; readonly index: number }>;
}

/** See the head of this file. Commands may overlap; at most `sessionReplies` of them. */
export class ClientSession<Command, Result> {
  readonly id: string;
  readonly #caller: SessionCaller<Command, Result>;
  /** Sequence numbers without an answer, ascending. */
  readonly #open = new Set<number>();
  #last = 0;
  /** The first command opens the session, those beside it wait for that. */
  #opening: Promise<number> | null = null;

  /** An id belongs to one client at a time, and to one life of it: make a new one after a restart. */
  constructor(caller: SessionCaller<Command, Result>, id: string) {
    this.#caller = caller;
    this.id = id;
  }

  /**
   * Applies a command exactly once. RaftError `UnknownOutcome` where time was over before anybody could
   * tell; `SessionExpired` where the session was not used for too long: it was not applied, or, where
   * `definite` is false, perhaps by an earlier try.
   */
  async propose(
    command: Command,
    { withinMs = this.#caller.limits.withinMs }: Within = {},
  ): Promise<Committed<Result>> {
    this.#last += 1;
    const sequence = this.#last;
    this.#open.add(sequence);
    try {
      const { clock } = this.#caller.env;
      const end = clock.monotonic() + withinMs;
      const opened = await this.#opened(withinMs);
      const run = { do: "run", session: this.id, opened, sequence, command } as const;
      const asked = () => ({ ...run, acknowledged: this.#acknowledged(sequence) });
      return committed(await insist(this.#caller, asked, end - clock.monotonic()));
    } finally {
      this.#open.delete(sequence);
    }
  }

  /** Where it was opened: what comes late must not fall into a later session of the same name. */
  #opened(withinMs: number): Promise<number> {
    const open = async () => {
      const { result } = await insist(this.#caller, () => ({ do: "open", id: this.id }), withinMs);
      if (result.kind === "opened") return result.index;
      // Its commands have not been asked for.
      throw result.kind === "refused" ? refusal(result.code, false) : notAnswered();
    };
    this.#opening ??= open().catch((error) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  /** All before the first without an answer. */
  #acknowledged(sequence: number): number {
    return (this.#open.values().next().value ?? sequence) - 1;
  }

  /** Forgets the session and its replies. */
  async close({ withinMs = this.#caller.limits.withinMs }: Within = {}): Promise<void> {
    await this.#caller.run({ do: "close", session: this.id }, withinMs);
  }
}

/** Applies a command exactly once for `key`, for as long as the group remembers the key. */
export async function once<Command, Result>(
  caller: SessionCaller<Command, Result>,
  key: string,
  command: Command,
  withinMs: number,
): Promise<Committed<Result>> {
  return committed(await insist(caller, () => ({ do: "once", key, command }), withinMs));
}

/** An answer; `isLate`: an earlier try, of which nothing was heard, may have been applied. */
interface Answered<Result> {
  readonly result: SessionResult<Result>;
  readonly isLate: boolean;
}

/** Asks until there is an answer. */
async function insist<Command, Result>(
  caller: SessionCaller<Command, Result>,
  command: () => SessionCommand<Command>,
  withinMs: number,
): Promise<Answered<Result>> {
  const { env: { clock, timers }, limits: { tryMs, retryMinMs, retryMaxMs } } = caller;
  const end = clock.monotonic() + withinMs;
  let isUnknown = false;
  for (let pauseMs = retryMinMs;; pauseMs = Math.min(2 * pauseMs, retryMaxMs)) {
    const leftMs = end - clock.monotonic();
    try {
      const { result } = await caller.run(command(), Math.max(1, Math.min(leftMs, tryMs)));
      return { result, isLate: isUnknown };
    } catch (error) {
      if (!(error instanceof RaftError)) throw error;
      isUnknown ||= !error.definite;
      if (!error.retryable || end - clock.monotonic() <= pauseMs) throw final(error, isUnknown);
    }
    await new Promise<void>((resolve) => void timers.after(pauseMs, resolve));
  }
}

/** A refusal now says nothing about the tries before. */
function final(error: RaftError, isUnknown: boolean): RaftError {
  if (!isUnknown || !error.definite) return error;
  const why = `${error.message}; an earlier try may have been applied`;
  return new RaftError("UnknownOutcome", why, { retryable: true, definite: false, cause: error });
}

function committed<Result>({ result: outcome, isLate }: Answered<Result>): Committed<Result> {
  if (outcome.kind === "result") {
    return { result: outcome.result, index: outcome.index, durability: "quorum" };
  }
  if (outcome.kind === "refused") throw refusal(outcome.code, isLate);
  throw notAnswered();
}

function notAnswered(): RaftError {
  const what = "propose a command: what came is no answer to it; do all members run this version?";
  return new RaftError("UnknownOutcome", what, { definite: false });
}

const REASONS: Readonly<Record<SessionRefusal, string>> = {
  SessionExpired: "the session was not used for too long and has ended; begin a new one",
  TooManySessions: "the group keeps no more sessions; close some, or raise the limit `sessions`",
  AlreadyAcknowledged: "its reply was acknowledged and is gone; it was applied before",
  VersionHeld: "its version is not in force: not all members can apply it yet",
  SessionWindow: "too many commands of the session wait for their answers; await some of them",
};

/** A session that has ended no longer knows what became of an earlier try. */
export function refusal(code: SessionRefusal, isLate: boolean): RaftError {
  const doubt = isLate ? "; an earlier try may have been applied" : "";
  return new RaftError(code, `propose a command: ${REASONS[code]}${doubt}`, {
    retryable: code === "TooManySessions" || code === "VersionHeld",
    definite: !isLate && code !== "AlreadyAcknowledged",
  });
}
