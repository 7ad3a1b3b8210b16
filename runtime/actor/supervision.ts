/** The rules of supervision, in OTP's words; pure. */

/** Which children restart when one fails: it alone, all, or it and those started after it. */
export type Strategy = "oneForOne" | "oneForAll" | "restForOne";

/** `permanent`: always restarted; `transient`: after a failure; `temporary`: never. */
export type RestartType = "permanent" | "transient" | "temporary";

/** How an actor supervises its children. */
export interface ChildrenPolicy {
  /** Default `oneForOne`. */
  readonly strategy?: Strategy;
  /** At most this many restarts (default 5) ... */
  readonly max?: number;
  /** ... within this time (default 60,000 ms); one more and the supervisor itself fails. */
  readonly perMs?: number;
  /** Shortest and longest pause before a restart, default [100, 10,000] ms; it doubles, jittered. */
  readonly backoffMs?: readonly [number, number];
}

/** A policy with its defaults filled in. */
export type FullPolicyOfChildren = Required<ChildrenPolicy>;

/** Fills in the defaults. */
export function childrenPolicy(policy: ChildrenPolicy): FullPolicyOfChildren {
  return {
    strategy: policy.strategy ?? "oneForOne",
    max: policy.max ?? 5,
    perMs: policy.perMs ?? 60_000,
    backoffMs: policy.backoffMs ?? [100, 10_000],
  };
}

/** Whether a child of this type is started again after it ended this way. */
export function restarts(type: RestartType, reason: "stopped" | "failed"): boolean {
  return type === "permanent" || (type === "transient" && reason === "failed");
}

/** Restarts within a sliding window; OTP's restart intensity. */
export class Intensity {
  readonly #max: number;
  readonly #perMs: number;
  #times: number[] = [];

  constructor(max: number, perMs: number) {
    this.#max = max;
    this.#perMs = perMs;
  }

  /** Restarts within the window. */
  get count(): number {
    return this.#times.length;
  }

  /** Notes a restart; false if that is one more than the policy allows. */
  allow(nowMs: number): boolean {
    this.#times = this.#times.filter((time) => time > nowMs - this.#perMs);
    this.#times.push(nowMs);
    return this.#times.length <= this.#max;
  }
}

/** The pause before the `attempt`th restart (from 1): uniform up to a bound that doubles. */
export function backoffDelayMs(
  [minMs, maxMs]: readonly [number, number],
  attempt: number,
  random: number,
): number {
  const boundMs = Math.min(maxMs, minMs * 2 ** attempt);
  return minMs + random * Math.max(0, boundMs - minMs);
}

/** Which of `children` (in start order) restart when `failed` does. */
export function restartSet<C>(strategy: Strategy, children: readonly C[], failed: C): C[] {
  if (strategy === "oneForOne") return [failed];
  if (strategy === "oneForAll") return [...children];
  return children.slice(children.indexOf(failed));
}
