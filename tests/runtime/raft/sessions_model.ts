/** For tests of sessions: a machine that remembers what it was told, and sessions in the simplest way. */

import type { Machine, Place } from "../../../runtime/raft/machine.ts";
import type { SessionLimits } from "../../../runtime/raft/sessions.ts";
import type {
  RunCommand,
  SessionCommand,
  SessionResult,
} from "../../../runtime/raft/session_state.ts";

/** Commands that were applied, and when. */
export type Told = readonly (readonly [command: string, nowMs: number])[];

/** How many commands there were, as a value that JSON does not carry. */
export type Count = { readonly count: bigint };

/** A machine whose snapshot has a piece for each command. */
export const diary: Machine<Told, string, Count> = {
  initial: () => [],
  apply: (told, command, { nowMs }) => ({
    state: [...told, [command, nowMs]],
    result: { count: BigInt(told.length + 1) },
  }),
  *snapshot(told) {
    for (const line of told) yield new TextEncoder().encode(`${JSON.stringify(line)}\n`);
  },
  restore() {
    const decoder = new TextDecoder();
    let text = "";
    return {
      write: (piece) => void (text += decoder.decode(piece, { stream: true })),
      end: () => text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line)),
    };
  },
};

interface ModelSession {
  opened: number;
  usedMs: number;
  acknowledged: number;
  /** Of everything that was ever applied. */
  readonly replies: Map<number, SessionResult<Count>>;
}

/** The same in a few mutable maps. */
export class SessionModel {
  readonly told: [string, number][] = [];
  readonly sessions = new Map<string, ModelSession>();
  #nowMs = 0;
  readonly keys = new Map<
    string,
    { readonly atMs: number; readonly reply: SessionResult<Count> }
  >();
  readonly #limits: SessionLimits;

  constructor(limits: SessionLimits) {
    this.#limits = limits;
  }

  apply(command: SessionCommand<string>, { index, nowMs }: Place): SessionResult<Count> {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (command.do === "plain") return this.#tell(command.command, index);
    if (command.do === "run") return this.#run(command, index);
    if (command.do === "once") return this.#once(command.key, command.command, index);
    if (command.do === "close") {
      this.sessions.delete(command.session);
      return { kind: "closed" };
    }
    if (command.do === "expire") {
      const old = [...this.sessions].filter(([, { usedMs }]) => usedMs < command.beforeMs);
      for (const [id] of old) this.sessions.delete(id);
      for (const [key, { atMs }] of this.keys) {
        if (atMs < command.beforeMs) this.keys.delete(key);
      }
      return { kind: "expired", sessions: old.length };
    }
    if (command.do === "raise") return { kind: "raised", version: command.version };
    const session = this.#begin(command.id, index);
    if (session === null) return { kind: "refused", code: "TooManySessions" };
    session.usedMs = this.#nowMs;
    return { kind: "opened", index: session.opened };
  }

  #begin(id: string, index: number): ModelSession | null {
    const known = this.sessions.get(id);
    if (known !== undefined) return known;
    if (this.sessions.size === this.#limits.sessions) return null;
    const session = { opened: index, usedMs: this.#nowMs, acknowledged: 0, replies: new Map() };
    this.sessions.set(id, session);
    return session;
  }

  #run(run: RunCommand<string>, index: number): SessionResult<Count> {
    const known = this.sessions.get(run.session);
    const opened = known?.opened ?? null;
    if (opened === null || (run.opened !== undefined && run.opened !== opened)) {
      return { kind: "refused", code: "SessionExpired" };
    }
    const session = this.#begin(run.session, index);
    if (session === null) return { kind: "refused", code: "TooManySessions" };
    session.usedMs = this.#nowMs;
    session.acknowledged = Math.max(session.acknowledged, run.acknowledged);
    if (run.sequence <= session.acknowledged) {
      return { kind: "refused", code: "AlreadyAcknowledged" };
    }
    const kept = session.replies.get(run.sequence);
    if (kept !== undefined) return kept;
    if (run.sequence - session.acknowledged > this.#limits.sessionReplies) {
      return { kind: "refused", code: "SessionWindow" };
    }
    const reply = this.#tell(run.command, index);
    session.replies.set(run.sequence, reply);
    return reply;
  }

  #once(key: string, command: string, index: number): SessionResult<Count> {
    const known = this.keys.get(key);
    if (known !== undefined) return known.reply;
    const reply = this.#tell(command, index);
    this.keys.set(key, { atMs: this.#nowMs, reply });
    const oldest = this.keys.keys().next().value!;
    if (this.keys.size > this.#limits.idempotencyKeys) this.keys.delete(oldest);
    return reply;
  }

  #tell(command: string, index: number): SessionResult<Count> {
    this.told.push([command, this.#nowMs]);
    return { kind: "result", index, result: { count: BigInt(this.told.length) } };
  }
}
