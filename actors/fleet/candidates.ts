/** The fleet as the scheduler of a cluster sees it: the replicated agents, ranked by what was heard of them. */

import type { AgentRecord } from "../agent/record.ts";
import type { Group } from "../controller/group.ts";
import type { State } from "../controller/state.ts";
import type { Candidate, Candidates } from "../scheduler/candidates.ts";
import { type HostReach, hostReachOf } from "../scheduler/reach.ts";
import type { Board } from "./board.ts";

type Registration = AgentRecord["registration"];

/** The agents of `group`, as the node of `board` has heard of them. */
export function fleetCandidates(group: Pick<Group, "state">, board: Board): Candidates {
  // Rules are read once for each registration: the state keeps it as long as it holds.
  const read = new WeakMap<Registration, HostReach | null>();
  const reachOf = (registration: Registration) => {
    const known = read.get(registration);
    if (known !== undefined) return known;
    const reach = hostReachOf(registration);
    read.set(registration, reach);
    return reach;
  };
  const candidate = (state: State, agent: AgentRecord) =>
    candidateOf(state, agent, board, reachOf(agent.registration));
  return {
    list: () => {
      const { state } = group;
      return [...state.agents.values()].map((agent) => candidate(state, agent));
    },
    find: (id) => {
      const { state } = group;
      const agent = state.agents.get(id);
      return agent === undefined ? null : candidate(state, agent);
    },
  };
}

function candidateOf(
  state: State,
  { id, status, registration }: AgentRecord,
  board: Board,
  reach: HostReach | null,
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
    reach,
    relay: registration.relay ?? null,
    cpuPercent: isOfThisLife ? sign?.metrics.cpu.usagePercent ?? null : null,
    availableCapacity: isOfThisLife ? sign?.availableCapacity ?? null : null,
  };
}
