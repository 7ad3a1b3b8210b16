/** What a history is judged against: any sequential object. */

/** What an operation needs of the object; operations that share nothing are judged apart. */
export type Touch = { readonly key: string } | { readonly prefix: string };

/** A place in an order that the answers tell. */
export interface Rank {
  readonly of: string;
  readonly at: number;
}

/** A sequential object. All functions are pure; states are never changed. */
export interface Model<State, Op, Result> {
  initial(): State;
  /**
   * The states that may follow when `op` takes effect and answers `result`, none if it cannot;
   * `undefined` is an answer that nobody saw.
   */
  step(state: State, op: Op, result: Result | undefined): readonly State[];
  /** Equal for equal states and for no others. */
  identity(state: State): string;
  /** Whether `op` with this answer leaves every state as it is (but for what is learnt about it). */
  isRead(op: Op, result: Result | undefined): boolean;
  touches(op: Op): readonly Touch[];
  /** Operations of equal effect, of which nobody saw the answers, can stand for each other. */
  effect(op: Op): string;
  /** Operations that share `of` can only take effect in the order of `at`, so none need be tried early. */
  rank?(op: Op, result: Result | undefined): Rank | null;
  /**
   * The same history, easier to judge: aligned with `operations`, legal if and only if they are. An
   * unsure operation may get what is known of its answer.
   */
  simplified?(operations: readonly Operation<Op, Result>[]): readonly Operation<Op, Result>[];
  /** Whether a person who wonders about `stuck` wants to see `op`. */
  explains?(op: Op, stuck: Op, result: Result | undefined): boolean;
  showOp(op: Op, result: Result | undefined): string;
  showState(state: State): string;
}

/** One operation of a client. Times are of one clock, in any unit; those that are equal overlap. */
export interface Operation<Op, Result> {
  readonly client: string;
  readonly id: string;
  readonly op: Op;
  readonly callAt: number;
  /** Infinity if the outcome is unknown: it may take effect at any time after its call, or never. */
  readonly returnAt: number;
  /** `undefined` if the outcome is unknown. */
  readonly result: Result | undefined;
}

/** Whether nobody knows what became of `operation`. */
export function isUnsure<Op, Result>(operation: Operation<Op, Result>): boolean {
  return operation.returnAt === Infinity;
}
