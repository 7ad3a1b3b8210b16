/** The fleet as the scheduler sees it: who could take a job, whatever keeps the list. */

import type { AgentStatus } from "../agent/record.ts";
import type { Volume } from "../agent/registration.ts";
import type { HostReach } from "./reach.ts";

/** An agent that may take jobs. */
export interface Candidate {
  readonly agent: string;
  /** Jobs it takes at a time. */
  readonly slots: number;
  /** Leases it has; the scheduler counts those of the state itself. */
  readonly leases: number;
  readonly status: AgentStatus;
  /** Its link or its heartbeats are late: nothing new, nothing taken away yet. */
  readonly isSuspect: boolean;
  /** URI schemes it can move; null: all. */
  readonly protocols: readonly string[] | null;
  readonly location: {
    readonly datacenter: string | null;
    readonly zone: string | null;
    readonly region: string | null;
  };
  readonly tags: readonly string[];
  /** Directory trees it holds; null: every path, as in an embedded run. */
  readonly volumes: readonly Volume[] | null;
  /** Hosts that it may reach; null: it has named none. */
  readonly reach: HostReach | null;
  /** Where its links for relays are accepted, if anywhere; null: it knows no relays. */
  readonly relay: { readonly url: string | null } | null;
  /** Of the last heartbeat; null: not heard. They rank agents, they never limit them. */
  readonly cpuPercent: number | null;
  readonly availableCapacity: number | null;
}

/** A view of the fleet; who keeps it tells the scheduler `fleetChanged`. */
export interface Candidates {
  /** Everybody known; those that take no jobs too, so that a reason can name them. */
  list(): readonly Candidate[];
  find(agent: string): Candidate | null;
}

/** The agents of an embedded run: always there, for every protocol and path. */
export function fixedCandidates(slots: ReadonlyMap<string, number>): Candidates {
  const all = [...slots].map(([agent, most]): Candidate => ({
    agent,
    slots: most,
    leases: 0,
    status: "active",
    isSuspect: false,
    protocols: null,
    location: { datacenter: null, zone: null, region: null },
    tags: [],
    volumes: null,
    reach: null,
    relay: null,
    cpuPercent: null,
    availableCapacity: null,
  }));
  return {
    list: () => all,
    find: (agent) => all.find((one) => one.agent === agent) ?? null,
  };
}
