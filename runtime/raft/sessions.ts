/**
 * Exactly once for any machine: client sessions as part of the replicated state (dissertation, 6.3).
 *
 * A refusal is a result, so every member gives the same one. Sessions expire by a committed command
 * only: which of them lives is decided by the log, not by a clock.
 */

import { firstOf, noKeys, replyOf, withKey, withoutOld } from "./idempotency_keys.ts";
import { unreachable } from "../base/assert.ts";
import { PersistentMap } from "../base/persistent_map.ts";
import type { RaftLimits } from "./limits.ts";
import type { Applied, LogMachine, Machine, Place } from "./machine.ts";
import { KnownVersions } from "./machine_versions.ts";
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

export type {
  SessionCommand,
  SessionRefusal,
  SessionResult,
  SessionsState,
} from "./session_state.ts";

/** What bounds sessions. They are part of the machine: the same on every member of a group. */
export type SessionLimits = Pick<RaftLimits, "sessions" | "sessionReplies" | "idempotencyKeys">;

/** `machine` with sessions; its own commands and state are inside theirs. */
export function withSessions<State, Command, Result>(
  machine: Machine<State, Command, Result>,
  limits: SessionLimits,
): LogMachine<SessionsState<State>, SessionCommand<Command>, SessionResult<Result>> {
  const versions = new KnownVersions<Command>(machine);
  const layer = new SessionLayer(machine, versions, limits);
  return {
    initial: () => ({
      inner: machine.initial(),
      nowMs: 0,
      sessions: PersistentMap.empty(),
      keys: noKeys(),
      version: versions.first,
    }),
    apply: (state, command, place) => layer.apply(state, command, place),
    snapshot: (state) => snapshotSessions(machine, versions.first, state),
    restore: () => restoreSessions(machine, versions),
  };
}

/**
 * What a leader should propose to end sessions that were not used for `idleMs`; null if there are none.
 * `nowMs` is its wall clock.
 */
export function dueExpiry(
  { sessions, keys }: SessionsState<unknown>,
  idleMs: number,
  nowMs: number,
): { readonly do: "expire"; readonly beforeMs: number } | null {
  const beforeMs = nowMs - idleMs;
  if (keys.byKey.size > 0 && firstOf(keys).atMs < beforeMs) return { do: "expire", beforeMs };
  for (const { usedMs } of sessions.values()) {
    if (usedMs < beforeMs) return { do: "expire", beforeMs };
  }
  return null;
}

type Step<State, Result> = Applied<SessionsState<State>, SessionResult<Result>>;

class SessionLayer<State, Command, Result> {
  readonly #machine: Machine<State, Command, Result>;
  readonly #versions: KnownVersions<Command>;
  readonly #limits: SessionLimits;

  constructor(
    machine: Machine<State, Command, Result>,
    versions: KnownVersions<Command>,
    limits: SessionLimits,
  ) {
    this.#machine = machine;
    this.#versions = versions;
    this.#limits = limits;
  }

  apply(
    before: SessionsState<State>,
    command: SessionCommand<Command>,
    at: Place,
  ): Step<State, Result> {
    const state = { ...before, nowMs: Math.max(before.nowMs, at.nowMs) };
    if ("command" in command && (command.version ?? state.version) > state.version) {
      // Nobody writes such a command. The members that cannot read it do not have to.
      return { state, result: refused("VersionHeld") };
    }
    switch (command.do) {
      case "plain":
        return this.#execute(state, command, at);
      case "open":
        return this.#open(state, command.id, at);
      case "run":
        return this.#run(state, command, at);
      case "once":
        return this.#once(state, command, at);
      case "close": {
        const sessions = state.sessions.delete(command.session);
        return { state: { ...state, sessions }, result: { kind: "closed" } };
      }
      case "expire":
        return expire(state, command.beforeMs);
      case "raise":
        return this.#raise(state, command.version);
      default:
        // To pass over what was acknowledged would lose it: a newer version has written it.
        return unreachable(command, "a command of a group is one that this version knows");
    }
  }

  #open(state: SessionsState<State>, id: string, { index }: Place): Step<State, Result> {
    const known = state.sessions.get(id);
    if (known === undefined && this.#isFull(state)) {
      return { state, result: refused("TooManySessions") };
    }
    const session = known === undefined ? newSession(index) : known;
    return {
      state: withSession(state, id, { ...session, usedMs: state.nowMs }),
      result: { kind: "opened", index: session.openedIndex },
    };
  }

  #run(state: SessionsState<State>, run: RunCommand<Command>, at: Place): Step<State, Result> {
    // Only results of this machine are ever kept.
    const known = state.sessions.get(run.session) as Session<Result> | undefined;
    if (known === undefined || (run.opened ?? known.openedIndex) !== known.openedIndex) {
      return { state, result: refused("SessionExpired") };
    }
    const session = usedBy(known, run, state.nowMs);
    const answer = answerOf(session, run.sequence, this.#limits.sessionReplies);
    if (answer !== null) return { state: withSession(state, run.session, session), result: answer };
    const { state: after, result } = this.#execute(state, run, at);
    const remembering = withReply(session, run.sequence, result);
    return { state: withSession(after, run.session, remembering), result };
  }

  #once(
    state: SessionsState<State>,
    command: SessionCommand<Command> & { readonly do: "once" },
    at: Place,
  ): Step<State, Result> {
    const known = replyOf<Result>(state.keys, command.key);
    if (known !== undefined) return { state, result: known };
    const { state: after, result: reply } = this.#execute(state, command, at);
    const kept = { atMs: state.nowMs, reply };
    const keys = withKey(after.keys, command.key, kept, this.#limits.idempotencyKeys);
    return { state: { ...after, keys }, result: reply };
  }

  #isFull({ sessions }: SessionsState<State>): boolean {
    return sessions.size >= this.#limits.sessions;
  }

  /** Who cannot go on at the new version stops in front of it. */
  #raise(state: SessionsState<State>, to: number): Step<State, Result> {
    this.#versions.check(to, "apply what comes next");
    const version = Math.max(state.version, to);
    return { state: { ...state, version }, result: { kind: "raised", version } };
  }

  #execute(
    state: SessionsState<State>,
    written: { readonly command: Command; readonly version?: number },
    at: Place,
  ): Applied<SessionsState<State>, Reply<Result>> {
    const { version } = state;
    const applying = { ...at, nowMs: state.nowMs, version };
    const { first } = this.#versions;
    const command = this.#versions.decode(written.command, written.version ?? first);
    const { state: inner, result } = this.#machine.apply(state.inner, command, applying);
    return { state: { ...state, inner }, result: { kind: "result", index: at.index, result } };
  }
}

function newSession<Result>(openedIndex: number): Session<Result> {
  return { openedIndex, usedMs: 0, acknowledged: 0, replies: [] };
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
  const result = { kind: "expired" as const, sessions: state.sessions.size - sessions.size };
  return { state: { ...state, sessions, keys: withoutOld(state.keys, beforeMs) }, result };
}
