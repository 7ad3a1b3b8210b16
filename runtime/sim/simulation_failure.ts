/** What a simulation found. */

import { QuorusError } from "../base/errors.ts";

/**
 * Which kind of thing failed: a check in the run, an invariant between two events, liveness after the
 * faults, a leak at the end, an error that a process or the scenario did not handle, or two runs of one
 * seed that differ.
 */
export type SimulationFailureCode =
  | "check"
  | "invariant"
  | "converge"
  | "leak"
  | "unhandled"
  | "thrown"
  | "nondeterministic"
  | "notFound";

/** A failed simulation; `check` names what failed, so that two failures can be told apart. */
export class SimulationFailure extends QuorusError<SimulationFailureCode> {
  override readonly name = "SimulationFailure";
  readonly check: string;

  constructor(code: SimulationFailureCode, check: string, message: string, cause?: unknown) {
    super(code, message, cause === undefined ? {} : { cause });
    this.check = check;
  }
}
