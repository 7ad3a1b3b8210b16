/** The fleet as the scheduler of a cluster sees it: the replicated agents, ranked by what was heard of them. */

import type { AgentRecord } from "../agent/record.ts";
import type { Group } from "../controller/group.ts";
import type { State } from "../controller/state.ts";
import type { Candidate, Candidates } from "../scheduler/candidates.ts";
import type { Board } from "./board.ts";

/** The agents of `group`, as the node of `board` has heard of them. */
export function fleetCandidates(group: Pick<Group, "state">, board: Board): Candidates {
  return {
    list: () => {
      const { state } = group;
      return [...state.agents.values()].map((agent) => candidate(state, agent, board));
    },
    find: (id) => {
      const { state } = group;
      const agent = state.agents.get(id);
      return agent === undefined ? null : candidate(state, agent, board);
    },
  };
}

function candidate(
  state: State,
  { id, status, registration }: AgentRecord,
  board: Board,
): Candidate {
  const { capabilities, location, volumes } = registration;
  const { datacenter, zone, region, tags } = location;
  const sign = board.sign(id)?.heartbeat ?? null;
  const isOfThisLife = sign?.incarnation === registration.incarnation;
  return {
    agent: id,
    slots: capabilities.maxConcurrentTransfers,
    leases: state.load.leases.get(id) ?? 0,
    status,
    isSuspect: board.downSinceMs(id) !== null ||
      (isOfThisLife && sign?.status === "unhealthy"),
    protocols: capabilities.protocols,
    location: { datacenter, zone, region },
    tags,
    volumes,
    cpuPercent: isOfThisLife ? sign?.metrics.cpu.usagePercent ?? null : null,
    availableCapacity: isOfThisLife ? sign?.availableCapacity ?? null : null,
  };
}
