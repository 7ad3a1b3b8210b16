/** Why a job waits, in words. The same facts as the policy's, looked at for one job when somebody asks. */

import type { Candidate } from "./candidates.ts";
import { Book, mostOf, type TenantView } from "./book.ts";
import type { HostCap, HostSide } from "./host_caps.ts";
import { type Demand, isBefore, PRIORITIES } from "./demand.ts";
import { type FleetView, isOpen, type Member, type Misfit, misfit } from "./fleet.ts";
import { classOf, type PassInput } from "./pass.ts";
import { canBeTaken, needsRelay } from "./relaying.ts";

/** What an explanation looks at beyond what a pass does. */
export interface ExplainInput extends PassInput {
  readonly members: () => Iterable<Member>;
  /** Everybody who waits, now or later. */
  readonly demands: () => Iterable<Demand>;
}

/** The reasons of a job that waits, the decisive one first; at least one. */
export function explainWaiting(input: ExplainInput, demand: Demand): string[] {
  const { notBeforeMs } = demand;
  if (notBeforeMs !== null && notBeforeMs > input.nowMs) {
    return [`retry at ${timeOf(notBeforeMs)}`];
  }
  const members = [...input.members()];
  const nobody = whyNobody(input, members, demand);
  if (nobody.length > 0) return nobody;
  const busy = [...whyHosts(input, demand), ...whyTenant(input, demand)];
  const agents = whyAgents(input, demand);
  if (agents !== null) busy.push(agents);
  return [...(busy.length > 0 ? busy : ["it is about to be assigned"]), ...whyOrder(input, demand)];
}

const LACKS: Readonly<Record<Misfit, (demand: Demand) => string>> = {
  protocol: ({ shape }) => `speaks ${[...new Set(shape.schemes)].join(" and ")}`,
  host: (demand) => `may reach ${hostsOf(demand).join(" and ")} (their reach)`,
  volume: ({ shape }) => `has ${shape.files.map(placeOf).join(" and ")}`,
  name: ({ shape }) => `is named ${shape.agents.join(" or ")}`,
  tag: ({ shape }) => `has the tags ${shape.tags.join(", ")}`,
  avoided: () => "is left that is not to be avoided",
};

function placeOf({ path, volume, isWritten }: Demand["shape"]["files"][number]): string {
  const directory = path.slice(0, -2) || "/";
  const which = volume === null ? "a volume" : `the volume ${volume}`;
  return `${which} with ${directory}${isWritten ? " that can be written" : ""}`;
}

function hostsOf({ sourceHost, destinationHost }: Demand): string[] {
  return [...new Set([sourceHost, destinationHost])].filter((host) => host !== null);
}

/** Nobody in the fleet could take it, were everybody free: what each of them lacks; empty: somebody could. */
function whyNobody(
  { fleet, limits }: ExplainInput,
  members: readonly Member[],
  demand: Demand,
): string[] {
  if (members.length === 0) return ["no agent has registered"];
  if (canBeTaken(fleet, demand, () => true)) return [];
  const lacks = new Map<Misfit, string[]>();
  for (const { candidate } of members) {
    const lack = misfit(candidate, demand);
    if (lack === null) continue;
    const names = lacks.get(lack);
    if (names === undefined) lacks.set(lack, [candidate.agent]);
    else names.push(candidate.agent);
  }
  const [first] = lacks;
  const relay = whyNoRelay(fleet, demand, limits.namedAgents);
  if (lacks.size === 1 && first !== undefined) {
    return [`no agent ${LACKS[first[0]](demand)}`, ...relay];
  }
  const parts = [...lacks].map(([lack, names]) =>
    `none of ${namesOf(names, limits.namedAgents)} ${LACKS[lack](demand)}`
  );
  return [`no agent can take it: ${parts.join("; ")}`, ...relay];
}

/** Where one agent could read it and another one write it, why they do not do so together. */
function whyNoRelay(fleet: FleetView, demand: Demand, most: number): string[] {
  const halves = fleet.halves(demand);
  if (halves === null) return [];
  const [readers, writers] = [halves.read, halves.write].map((half) => fleet.fitting(half));
  if (readers!.size === 0 || writers!.size === 0) return [];
  const names = (members: ReadonlySet<Member>) =>
    namesOf([...members].map(({ candidate }) => candidate.agent), most);
  return [
    `${names(readers!)} could read it for ${names(writers!)}, ` +
    "but none of them accepts links: give one of them a place to listen",
  ];
}

function whyHosts({ hosts }: PassInput, { sourceHost, destinationHost }: Demand): string[] {
  const reasons: string[] = [];
  const tell = (host: string | null, side: HostSide, end: string) => {
    if (host === null) return;
    const running = hosts[side].get(host) ?? 0;
    const most = mostOf(hosts, host, side);
    if (running < most) return;
    const why = whyFewer(hosts.caps?.of(host, side) ?? null);
    reasons.push(`host ${host} has ${running} of ${most} transfers ${end} it${why}`);
  };
  tell(sourceHost, "source", "from");
  tell(destinationHost, "destination", "to");
  return reasons;
}

function whyFewer(cap: HostCap | null): string {
  if (cap === null) return "";
  return `, fewer since one has failed (${cap.code}) at ${timeOf(cap.atMs)}`;
}

function timeOf(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)} UTC`;
}

function whyTenant(input: PassInput, { tenant }: Demand): string[] {
  const { leases, maxRunning } = input.tenant(tenant);
  return maxRunning !== null && leases >= maxRunning
    ? [`tenant ${tenant} runs ${leases} of ${maxRunning} transfers`]
    : [];
}

/** Those who could take it do not, or are full; null: one has room. */
function whyAgents({ fleet, limits }: PassInput, demand: Demand): string | null {
  if (canBeTaken(fleet, demand, (member) => fleet.free.has(member))) return null;
  const alone = fleet.fitting(demand);
  const halves = needsRelay(fleet, demand) ? fleet.halves(demand) : null;
  if (halves === null) return whyBusy([...alone], limits.namedAgents);
  const [read, write] = [halves.read, halves.write].map((half) =>
    whyBusy([...fleet.fitting(half)], limits.namedAgents)
  );
  return `it takes two agents; to read it: ${read}; to write it: ${write}`;
}

function whyBusy(members: readonly Member[], most: number): string {
  const closed = members.filter(({ candidate }) => !isOpen(candidate));
  const open = members.filter(({ candidate }) => isOpen(candidate));
  const parts: string[] = [];
  if (open.length > 0) {
    const slots = open.reduce((sum, { candidate }) => sum + candidate.slots, 0);
    const leases = open.reduce((sum, member) => sum + member.leases, 0);
    const isFull = open.every(({ candidate, leases }) => leases >= candidate.slots);
    const names = namesOf(open.map(({ candidate }) => candidate.agent), most);
    const have = `${leases} of ${slots} slots`;
    const are = agentsAre(open.length, names);
    parts.push(isFull ? `${are} full: ${have}` : `${are} there: ${have} in use`);
  }
  for (const [state, names] of byState(closed)) {
    parts.push(`${agentsAre(names.length, namesOf(names, most))} ${state}`);
  }
  return parts.join("; ");
}

function agentsAre(count: number, names: string): string {
  return count === 1 ? `agent ${names} is` : `agents ${names} are`;
}

function byState(members: readonly Member[]): Map<string, string[]> {
  const states = new Map<string, string[]>();
  for (const { candidate } of members) {
    const state = stateOf(candidate);
    states.set(state, [...states.get(state) ?? [], candidate.agent]);
  }
  return states;
}

function stateOf({ status, isSuspect }: Candidate): string {
  return status === "active" && isSuspect ? "suspected: its heartbeats are late" : status;
}

function namesOf(names: readonly string[], most: number): string {
  const shown = names.toSorted().slice(0, most).join(", ");
  return names.length > most ? `${shown} and ${names.length - most} others` : shown;
}

/** Where it stands among those that wait. */
function whyOrder(input: ExplainInput, demand: Demand): string[] {
  const { nowMs, limits } = input;
  const view = input.tenant(demand.tenant);
  const own = classOf(demand, view.ceiling, nowMs, limits.ageMs);
  let [above, before] = [0, 0];
  for (const other of input.demands()) {
    if (other.jobId === demand.jobId || (other.notBeforeMs ?? 0) > nowMs) continue;
    const ceiling = other.tenant === demand.tenant
      ? view.ceiling
      : input.tenant(other.tenant).ceiling;
    const rank = classOf(other, ceiling, nowMs, limits.ageMs);
    if (rank > own) above += 1;
    else if (rank === own && other.tenant === demand.tenant && isBefore(other, demand)) before += 1;
  }
  const lines = [priorityLine(demand, own, view, nowMs)];
  if (above > 0) lines.push(`${above} waiting jobs are more urgent`);
  if (before > 0) lines.push(`${before} jobs of tenant ${demand.tenant} have waited longer`);
  const share = shareLine(input, demand.tenant, view);
  return share === null ? lines : [...lines, share];
}

function priorityLine(demand: Demand, own: number, view: TenantView, nowMs: number): string {
  const seconds = Math.floor(Math.max(0, nowMs - demand.sinceMs) / 1_000);
  const declared = Math.min(demand.rank, view.ceiling);
  const risen = own > declared ? `, risen to ${PRIORITIES[own]}` : "";
  return `priority ${PRIORITIES[declared]}${risen}; it waits for ${seconds} s`;
}

/** Told where another tenant that waits has used less. */
function shareLine(input: PassInput, tenant: string, view: TenantView): string | null {
  const book = new Book(input.fleet, input.hosts, input.totalBytes);
  const own = book.use(tenant, view);
  for (const name of input.queue.tenants.keys()) {
    if (name === tenant || book.use(name, input.tenant(name)) >= own) continue;
    return `tenant ${tenant} has its share: ${view.leases} of ${input.fleet.slots} slots, ` +
      "others that have used less wait";
  }
  return null;
}
