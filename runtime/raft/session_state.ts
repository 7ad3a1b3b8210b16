/** Client sessions as replicated data: what may be asked, what is remembered, what is answered. */

import type { PersistentMap } from "../base/persistent_map.ts";

/** A command of the machine, and the version that wrote it; absent: the one with which the group began. */
interface Written<Command> {
  readonly command: Command;
  readonly version?: number;
}

/** What a group with sessions is told. */
export type SessionCommand<Command> =
  /** Outside of any session: at most once by the log alone, twice if its client asks twice. */
  | ({ readonly do: "plain" } & Written<Command>)
  /** Begins a session under an id of the client's choice; if it is there, it counts as used. */
  | { readonly do: "open"; readonly id: string }
  | RunCommand<Command>
  /** Applied once per key, for as long as the key is remembered. */
  | ({ readonly do: "once"; readonly key: string } & Written<Command>)
  /** Ends a session; done, too, if there is none. */
  | { readonly do: "close"; readonly session: string }
  /** Ends all sessions that were last used before `beforeMs` (of the state's clock), and forgets such keys. */
  | { readonly do: "expire"; readonly beforeMs: number }
  /** From here on the machine is at this version, unless it is at a later one. */
  | { readonly do: "raise"; readonly version: number };

/** A command that is applied once for its session and sequence, however often it is asked for. */
export interface RunCommand<Command> extends Written<Command> {
  readonly do: "run";
  readonly session: string;
  /** From 1; may come in any order within the window. */
  readonly sequence: number;
  /** The client has the replies of all sequences up to this one, which are forgotten; 0 for none. */
  readonly acknowledged: number;
  /**
   * The index that `opened` told. A session of the same id that was opened later is another one: where
   * this is left out, a command that is asked for again after its session expired is done again.
   */
  readonly opened?: number;
}

/** Why a command was not applied. */
export type SessionRefusal =
  /** The session has expired, was closed, or never was: it will not be applied. */
  | "SessionExpired"
  /** Later, when others have ended, there may be room. */
  | "TooManySessions"
  /** It was applied, and its client has said that it knows the reply. */
  | "AlreadyAcknowledged"
  /** Later, when replies have been acknowledged, it may be applied. */
  | "SessionWindow"
  /** A version wrote it that is not in force. */
  | "VersionHeld";

/** What a group with sessions answers. */
export type SessionResult<Result> =
  | Reply<Result>
  /** `index`: of the entry that opened it; with the id it names the session. */
  | { readonly kind: "opened"; readonly index: number }
  | { readonly kind: "closed" }
  | { readonly kind: "expired"; readonly sessions: number }
  /** The version in force. */
  | { readonly kind: "raised"; readonly version: number }
  | { readonly kind: "refused"; readonly code: SessionRefusal };

/** The machine's own result, and the index of the entry by which it was applied. */
export interface Reply<Result> {
  readonly kind: "result";
  readonly index: number;
  readonly result: Result;
}

/** A reply that is kept until it is acknowledged. */
export interface KeptReply<Result> {
  readonly sequence: number;
  readonly reply: Reply<Result>;
}

/** A session. */
export interface Session<Result = unknown> {
  /** The index of the entry that opened it. */
  readonly openedIndex: number;
  /** Of the state's clock, when a command of it was last applied. */
  readonly usedMs: number;
  /** Replies up to this sequence are gone. */
  readonly acknowledged: number;
  /** Rising by sequence; all above `acknowledged`. */
  readonly replies: readonly KeptReply<Result>[];
}

/** A command that had a key. */
export interface KeptKey {
  /** Of the state's clock, when it was applied. */
  readonly atMs: number;
  readonly reply: Reply<unknown>;
}

/** Keys and the order in which they came. */
export interface KnownKeys {
  readonly byKey: PersistentMap<KeptKey>;
  /** By number, as text; from `first` to before `next`. */
  readonly order: PersistentMap<string>;
  readonly first: number;
  readonly next: number;
}

/** The state of a machine with the sessions of its clients. */
export interface SessionsState<State> {
  readonly inner: State;
  /** The highest stamp of any entry so far, in ms since 1970. */
  readonly nowMs: number;
  readonly sessions: PersistentMap<Session>;
  readonly keys: KnownKeys;
  /** Of the machine, in force. */
  readonly version: number;
}
