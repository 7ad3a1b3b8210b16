/** What a command did to the state. */

import type { AgentRecord } from "../agent/record.ts";
import type { Job } from "../job/record.ts";
import type { ClusterChange } from "./cluster_facts.ts";
import type { Run, State } from "./state.ts";

/** A hint of what should now happen. */
export type Effect =
  | { readonly type: "jobChanged"; readonly job: Job; readonly before: Job | null }
  | { readonly type: "runChanged"; readonly runId: string; readonly run: Run }
  | {
    readonly type: "agentChanged";
    readonly agent: AgentRecord;
    readonly before: AgentRecord | null;
  }
  | { readonly type: "tenantChanged"; readonly tenant: string }
  /** Something has changed of the cluster itself. */
  | { readonly type: "clusterChanged"; readonly change: ClusterChange }
  /** A segment was cut, is on enough disks, or is not kept any longer. */
  | { readonly type: "archiveChanged" };

/** A hint as it is told to actors: a run is to be looked up, as its maps cannot travel. */
export type Told =
  | Exclude<Effect, { readonly type: "runChanged" }>
  | { readonly type: "runChanged"; readonly runId: string };

/** Hints for actors. */
export function toldOf(effects: readonly Effect[]): Told[] {
  return effects.map((effect) =>
    effect.type === "runChanged" ? { type: effect.type, runId: effect.runId } : effect
  );
}

/** The outcome of one command. */
export interface Applied {
  readonly state: State;
  readonly effects: readonly Effect[];
  /** Why it, or the parts that are named, did not hold; empty if all of it was taken. */
  readonly refused: readonly string[];
  /** Of a command of several events: to which of them each of the reasons belongs, by its place. */
  readonly refusedAt?: readonly number[];
}

/** Nothing happened, and this is why. */
export function refuse(state: State, why: string): Applied {
  return { state, effects: [], refused: [why] };
}
