/** What a group replicates: any deterministic machine, a user's own among them. */

/** What is known when a command is applied; the same on every member. */
export interface Applying {
  readonly index: number;
  readonly term: number;
  /** The leader's clock when it appended, in ms since 1970; never falls. */
  readonly nowMs: number;
}

/** A state and the result of a command. */
export interface Applied<State, Result> {
  readonly state: State;
  readonly result: Result;
}

/**
 * A deterministic state machine. `apply` returns new state that shares structure with the old one and
 * asks for nothing: no clock, no random number, no I/O. Commands and results are plain values (what the
 * codec of messages carries: JSON's, bigint, Date, Map, Set, Uint8Array).
 */
export interface Machine<State, Command, Result> {
  initial(): State;
  apply(state: State, command: Command, applying: Applying): Applied<State, Result>;
  /** The state as pieces of bytes, each made when it is asked for: old state must stay as it was. */
  snapshot(state: State): Iterable<Uint8Array>;
  /** Takes a snapshot back in: its bytes in order, cut anywhere, with other work in between. */
  restore(): Restoring<State>;
}

/** A state that is being read from a snapshot. */
export interface Restoring<State> {
  write(piece: Uint8Array): void;
  /** The state, once all has been written; throws if the bytes make none. */
  end(): State;
}
