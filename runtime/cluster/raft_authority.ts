/**
 * Placement decided by a Raft group: the machine that it replicates, and the `Authority` of each of its
 * members. Only the leader decides and carries out; the others answer nobody, and forget nothing.
 */

import type { Node } from "../actor/node.ts";
import { RaftError } from "../raft/errors.ts";
import type { Committed, Group } from "../raft/group.ts";
import { jsonLines, readJsonLines } from "../raft/json_lines.ts";
import type { Machine, Restoring } from "../raft/machine.ts";
import type { Authority } from "./authority.ts";
import { ClusterError } from "./errors.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import {
  type Entity,
  type Host,
  noPlacement,
  type PlacementEffect,
  type PlacementInput,
  type PlacementState,
  stepPlacement,
} from "./placement_machine.ts";

/** What an input came to: effects, or why it was refused. */
export type PlacementResult =
  | { readonly ok: true; readonly effects: readonly PlacementEffect[] }
  | { readonly ok: false; readonly code: "TooMany" | "NotPlaced"; readonly reason: string };

/** The group that decides about placement. */
export type PlacementGroup = Group<PlacementState, PlacementInput, PlacementResult>;

/** The machine for {@link joinGroup}: placement on the leader's time. */
export function placementMachine(
  overrides: Partial<ClusterLimits> = {},
): Machine<PlacementState, PlacementInput, PlacementResult> {
  const limits = clusterLimits(overrides);
  return {
    initial: noPlacement,
    apply: (state, input, { nowMs }) => {
      try {
        const step = stepPlacement(state, input, nowMs, limits);
        return { state: step.state, result: { ok: true, effects: step.effects } };
      } catch (error) {
        if (!(error instanceof ClusterError)) throw error;
        const code = error.code === "TooMany" ? "TooMany" : "NotPlaced";
        return { state, result: { ok: false, code, reason: error.message } };
      }
    },
    snapshot: (state) => jsonLines(lines(state)),
    restore: restorePlacement,
  };
}

type Line = ["host", string, Host] | ["entity", string, Entity] | ["lastToken", number];

function* lines({ hosts, entities, lastToken }: PlacementState): Iterable<Line> {
  yield ["lastToken", lastToken];
  for (const [name, host] of hosts) yield ["host", name, host];
  for (const [id, entity] of entities) yield ["entity", id, entity];
}

function restorePlacement(): Restoring<PlacementState> {
  let { hosts, entities, lastToken } = noPlacement();
  const take = (line: Line) => {
    if (line[0] === "lastToken") lastToken = line[1];
    else if (line[0] === "host") hosts = hosts.set(line[1], line[2]);
    else entities = entities.set(line[1], line[2]);
  };
  return readJsonLines(take, () => ({ hosts, entities, lastToken }));
}

/**
 * The authority of this member, for {@link joinPlacement}'s `decides`. Name the group's leader as its
 * `authority`: `() => group.status().leader`. What its group has no room for is asked for again, with all
 * that came after it, for as long as it leads and no longer than `proposeAgainForMs`.
 */
export function raftAuthority(
  { env }: Pick<Node, "env">,
  group: PlacementGroup,
  overrides: Partial<ClusterLimits> = {},
): Authority {
  const limits = clusterLimits(overrides);
  const leads = () => group.status().role === "leader";
  const line = new ProposalLine(env, group, limits, leads);
  return {
    state: () => group.state,
    peek: (input) => {
      // Who does not lead decides nothing, so that nothing is proposed or carried out twice.
      if (!leads()) return { state: group.state, effects: [] };
      return stepPlacement(group.state, input, group.status().appliedAtMs, limits);
    },
    propose: async (input) => {
      const { result } = await line.propose(input);
      if (!result.ok) throw new ClusterError(result.code, result.reason);
      return leads() ? result.effects : [];
    },
  };
}

/** Proposals in the order of the calls, those that are asked for again included. */
class ProposalLine {
  readonly #env: Node["env"];
  readonly #group: PlacementGroup;
  readonly #limits: ClusterLimits;
  readonly #leads: () => boolean;
  /** Somebody waits until there is room; the others wait behind. */
  #full: Promise<void> | null = null;

  constructor(
    env: Node["env"],
    group: PlacementGroup,
    limits: ClusterLimits,
    leads: () => boolean,
  ) {
    this.#env = env;
    this.#group = group;
    this.#limits = limits;
    this.#leads = leads;
  }

  async propose(input: PlacementInput): Promise<Committed<PlacementResult>> {
    const { clock, timers } = this.#env;
    const { proposeAgainMs, proposeAgainMostMs, proposeAgainForMs } = this.#limits;
    const endMs = clock.monotonic() + proposeAgainForMs;
    for (let pauseMs = proposeAgainMs;; pauseMs = Math.min(2 * pauseMs, proposeAgainMostMs)) {
      while (this.#full !== null) await this.#full;
      try {
        return await this.#group.propose(input);
      } catch (error) {
        const isFull = error instanceof RaftError && error.code === "Overloaded";
        if (!isFull || !this.#leads() || clock.monotonic() + pauseMs > endMs) throw error;
      }
      const pause = new Promise<void>((resolve) => void timers.after(pauseMs, resolve));
      const full = this.#full ?? pause.then(() => void (this.#full = null));
      this.#full = full;
      await full;
    }
  }
}
