/** What a group replicates: any deterministic machine, a user's own among them. */

/** Where and when a command stands in the log. */
export interface Place {
  readonly index: number;
  readonly term: number;
  /** The leader's clock when it appended, in ms since 1970; never falls. */
  readonly nowMs: number;
}

/** What is known when a command is applied; the same on every member. */
export interface Applying extends Place {
  /** The version in force: what a later one does otherwise, it does not do yet. */
  readonly version: number;
}

/** A state and the result of a command. */
export interface Applied<State, Result> {
  readonly state: State;
  readonly result: Result;
}

/**
 * The versions of a machine. Programs of two of them may be members of one group: it goes on to the later
 * one, for good, when every member can, and until then the later program does what the earlier one does.
 */
export interface MachineVersions<Command> {
  /** The highest that this program can apply. */
  readonly current: number;
  /** With which groups begin: the same in every program that ever is a member. 1 unless given. */
  readonly first?: number;
  /** The lowest that can read the command; it waits until that is in force. `first` unless given. */
  of?(command: Command): number;
  /** By N: makes of a command as version N wrote it one of N + 1; as it is where there is none. */
  readonly decoders?: Readonly<Record<number, (older: unknown) => unknown>>;
}

/**
 * A deterministic state machine. `apply` returns new state that shares structure with the old one and
 * asks for nothing: no clock, no random number, no I/O. Commands and results are plain values (what the
 * codec of messages carries: JSON's, bigint, Date, Map, Set, Uint8Array).
 */
export interface Machine<State, Command, Result> {
  /** For machines that change while their group lives; left out: there is one version, 1. */
  readonly versions?: MachineVersions<Command>;
  initial(): State;
  apply(state: State, command: Command, applying: Applying): Applied<State, Result>;
  /**
   * The state as pieces of bytes, each made when it is asked for: old state must stay as it was. `version`
   * is in force: members that know no later one must be able to read it.
   */
  snapshot(state: State, version: number): Iterable<Uint8Array>;
  /** Takes a snapshot back in: its bytes in order, cut anywhere, with other work in between. */
  restore(version: number): Restoring<State>;
}

/** A machine as it stands behind a log: whatever it has to know of versions is in its state. */
export interface LogMachine<State, Command, Result> {
  initial(): State;
  apply(state: State, command: Command, place: Place): Applied<State, Result>;
  snapshot(state: State): Iterable<Uint8Array>;
  restore(): Restoring<State>;
}

/** A state that is being read from a snapshot. */
export interface Restoring<State> {
  write(piece: Uint8Array): void;
  /** The state, once all has been written; throws if the bytes make none. */
  end(): State;
}
