/** Who may be given a job: what `apply` checks of an assignment, whoever proposed it. */

import { lifecycle, type Refusal } from "../job/lifecycle.ts";
import type { Job } from "../job/record.ts";
import { localFiles, type UsedVolumes, volumeOf } from "../scheduler/volumes.ts";
import type { State } from "./state.ts";
import { mayRunMore } from "./tenants.ts";

/** The group number of the one local group; sharding brings others. */
const GROUP = 0;

/** Slots by agent, as the proposer of an embedded run knows them; none in a cluster, absent in old logs. */
export type Slots = Readonly<Record<string, number>> | undefined;

/** Who gets a job: the agent that writes, and the one that reads for it where that is another one. */
export interface Assignment {
  readonly jobId: string;
  readonly agent: string;
  readonly reader?: string | undefined;
}

/** The job under a lease of its agent, whose token is the index of the command; or why not. */
export function assigned(
  state: State,
  job: Job,
  { agent, reader }: Assignment,
  slots: Slots,
): Job | Refusal {
  const { epoch, index, nowMs } = state;
  for (const one of reader === undefined ? [agent] : [agent, reader]) {
    if (hasFreeSlot(state, one, slots)) continue;
    return { refused: `assign: agent ${one} has no free slot for job ${job.id}` };
  }
  if (!mayRunMore(state, job.tenant)) {
    return { refused: `assign: tenant ${job.tenant} has as many transfers as it may have` };
  }
  const used = volumesAt(state, job, agent, reader ?? agent);
  if (used !== null && "refused" in used) return used;
  const incarnation = state.agents.get(agent)?.registration.incarnation;
  const lease = {
    ...{ epoch, group: GROUP, index, agent },
    ...(incarnation === undefined ? {} : { incarnation }),
    ...(reader === undefined ? {} : { reader }),
  };
  const leased = lifecycle(job, { type: "assign", lease }, nowMs);
  return used === null || "refused" in leased ? leased : { ...leased, volumes: used };
}

/**
 * The volumes on which the agents have the local files of a job: those of earlier attempts, if there were
 * any. Null: it has no local files, or the agent is that of an embedded run.
 */
function volumesAt(
  state: State,
  job: Job,
  agent: string,
  reader: string,
): UsedVolumes | Refusal | null {
  const volumesOf = (id: string) => state.agents.get(id)?.registration.volumes;
  const volumes = { source: volumesOf(reader), destination: volumesOf(agent) };
  if (volumes.source === undefined || volumes.destination === undefined) return null;
  const holder = { source: reader, destination: agent };
  const files = localFiles(job.spec, job.volumes);
  if (files.archive !== null && volumeOf(volumes.source, files.archive) === null) {
    return { refused: `assign: agent ${reader} has no volume with ${files.archive.path}` };
  }
  if (files.source === null && files.destination === null) return null;
  const used = { source: null as string | null, destination: null as string | null };
  for (const end of ["source", "destination"] as const) {
    const file = files[end];
    if (file === null) continue;
    const held = volumeOf(volumes[end]!, file);
    if (held === null) {
      const where = file.volume === null ? "a volume" : `volume ${file.volume}`;
      return { refused: `assign: agent ${holder[end]} has not ${where} with ${file.path}` };
    }
    used[end] = held.id;
  }
  return used;
}

/** Whether a job that has just been submitted may go to `agent` at once: not past others that wait. */
export function mayStart(state: State, job: Job, agent: string, slots: Slots): boolean {
  return job.state === "queued" && state.load.waiting === 0 && hasFreeSlot(state, agent, slots);
}

function hasFreeSlot(state: State, agent: string, slots: Slots): boolean {
  return (state.load.leases.get(agent) ?? 0) < slotsOf(state, agent, slots);
}

/** An agent of a cluster has the slots that it has declared, while it takes jobs at all. */
function slotsOf(state: State, agent: string, slots: Slots): number {
  const known = state.agents.get(agent);
  if (known === undefined) return slots === undefined ? Infinity : slots[agent] ?? 0;
  if (known.status !== "active") return 0;
  return known.registration.capabilities.maxConcurrentTransfers;
}
