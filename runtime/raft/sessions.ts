/**
 * Exactly once for any machine: client sessions as part of the replicated state (dissertation, 6.3).
 *
 * A refusal is a result, so every member gives the same one. Sessions expire by a committed command
 * only: which of them lives is decided by the log, not by a clock.
 */

import { PersistentMap } from "../base/persistent_map.ts";
import type { RaftLimits } from "./limits.ts";
import type { Applied, Applying, Machine } from "./machine.ts";
import { answerOf, refused, usedBy, withReply } from "./session_replies.ts";
import { restoreSessions, snapshotSessions } from "./session_snapshot.ts";
import type {
  Reply,
  RunCommand,
  Session,
  SessionCommand,
  SessionResult,
  SessionsState,
} from "./session_state.ts";

export type { SessionCommand, SessionResult, SessionsState } from "./session_state.ts";

/** What bounds sessions. They are part of the machine: the same on every member of a group. */
export type SessionLimits = Pick<RaftLimits, "sessions" | "sessionReplies">;

/** `machine` with sessions; its own commands and state are inside theirs. */
export function withSessions<State, Command, Result>(
  machine: Machine<State, Command, Result>,
  limits: SessionLimits,
): Machine<SessionsState<State>, SessionCommand<Command>, SessionResult<Result>> {
  const layer = new SessionLayer(machine, limits);
  return {
    initial: () => ({ inner: machine.initial(), nowMs: 0, sessions: PersistentMap.empty() }),
    apply: (state, command, applying) => layer.apply(state, command, applying),
    snapshot: (state) => snapshotSessions(machine, state),
    restore: () => restoreSessions(machine),
  };
}

/**
 * What a leader should propose to end sessions that were not used for `idleMs`; null if there are none.
 * `nowMs` is its wall clock.
 */
export function dueExpiry(
  { sessions }: SessionsState<unknown>,
  idleMs: number,
  nowMs: number,
): { readonly do: "expire"; readonly beforeMs: number } | null {
  const beforeMs = nowMs - idleMs;
  for (const { usedMs } of sessions.values()) {
    if (usedMs < beforeMs) return { do: "expire", beforeMs };
  }
  return null;
}

type Step<State, Result> = Applied<SessionsState<State>, SessionResult<Result>>;

class SessionLayer<State, Command, Result> {
  readonly #machine: Machine<State, Command, Result>;
  readonly #limits: SessionLimits;

  constructor(machine: Machine<State, Command, Result>, limits: SessionLimits) {
    this.#machine = machine;
    this.#limits = limits;
  }

  apply(
    before: SessionsState<State>,
    command: SessionCommand<Command>,
    at: Applying,
  ): Step<State, Result> {
    const state = { ...before, nowMs: Math.max(before.nowMs, at.nowMs) };
    switch (command.do) {
      case "plain":
        return this.#execute(state, command.command, at);
      case "open":
        return this.#open(state, command.id, at);
      case "run":
        return this.#run(state, command, at);
      case "close": {
        const sessions = state.sessions.delete(command.session);
        return { state: { ...state, sessions }, result: { outcome: "closed" } };
      }
      case "expire":
        return expire(state, command.beforeMs);
    }
  }

  #open(state: SessionsState<State>, id: string, { index }: Applying): Step<State, Result> {
    const { sessions, nowMs } = state;
    const known = sessions.get(id);
    if (known === undefined && sessions.size >= this.#limits.sessions) {
      const reason = `open session ${id}: there are ${sessions.size} already; close one, or wait`;
      return { state, result: refused("TooManySessions", reason) };
    }
    const session: Session = known === undefined
      ? { openedIndex: index, usedMs: nowMs, acknowledged: 1, replies: [] }
      : { ...known, usedMs: nowMs };
    return {
      state: { ...state, sessions: sessions.set(id, session) },
      result: { outcome: "opened", index: session.openedIndex },
    };
  }

  #run(
    state: SessionsState<State>,
    run: RunCommand<Command>,
    at: Applying,
  ): Step<State, Result> {
    // Only results of this machine are ever kept.
    const known = state.sessions.get(run.session) as Session<Result> | undefined;
    if (known === undefined || (run.opened ?? known.openedIndex) !== known.openedIndex) {
      const reason = `session ${run.session} has expired, was closed, or was never opened`;
      return { state, result: refused("SessionExpired", reason) };
    }
    const session = usedBy(known, run, state.nowMs);
    const answer = answerOf(session, run, this.#limits.sessionReplies);
    if (answer !== null) {
      return { state: withSession(state, run.session, session), result: answer };
    }
    const { state: after, result } = this.#execute(state, run.command, at);
    return {
      state: withSession(after, run.session, withReply(session, run.sequence, result)),
      result,
    };
  }

  #execute(
    state: SessionsState<State>,
    command: Command,
    at: Applying,
  ): Applied<SessionsState<State>, Reply<Result>> {
    const applying = { ...at, nowMs: state.nowMs };
    const { state: inner, result } = this.#machine.apply(state.inner, command, applying);
    return { state: { ...state, inner }, result: { outcome: "result", index: at.index, result } };
  }
}

function withSession<State>(
  state: SessionsState<State>,
  id: string,
  session: Session,
): SessionsState<State> {
  return { ...state, sessions: state.sessions.set(id, session) };
}

function expire<State>(state: SessionsState<State>, beforeMs: number): Step<State, never> {
  let { sessions } = state;
  for (const [id, { usedMs }] of state.sessions) {
    if (usedMs < beforeMs) sessions = sessions.delete(id);
  }
  const result = { outcome: "expired" as const, sessions: state.sessions.size - sessions.size };
  return { state: { ...state, sessions }, result };
}
