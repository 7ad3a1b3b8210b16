/** What a waiting job asks of the fleet, in the scheduler's words. */

import type { PlaceSpec, Priority, SchedulingSpec, TransferSpec } from "../../workflows/spec.ts";
import type { Job } from "../job/record.ts";
import { directoriesAbove, type LocalFile, localFiles, type UsedVolumes } from "./volumes.ts";

/** Classes of urgency, the most urgent one last. */
export const PRIORITIES: readonly Priority[] = ["low", "medium", "high", "critical"];
const MEDIUM = 1;

/** Which agents could take a job: jobs with equal keys could all be taken by the same ones. */
export interface Shape {
  readonly key: string;
  /** URI schemes of its two ends. */
  readonly schemes: readonly string[];
  readonly files: readonly LocalFile[];
  readonly agents: readonly string[];
  readonly tags: readonly string[];
  readonly avoid: SchedulingSpec["avoid"];
  readonly near: readonly PlaceSpec[];
  /** Rather with, or rather without other jobs of this run. */
  readonly run: { readonly id: string; readonly isTogether: boolean } | null;
  /** One agent may read for another: a set is walked by the one that writes it. */
  readonly mayRelay: boolean;
}

/** What a job asks of the agents: their kind, and the hosts that they must reach. */
export interface Wanted {
  readonly shape: Shape;
  readonly sourceHost: string | null;
  readonly destinationHost: string | null;
  /** It is what one of two agents does of a job. */
  readonly isHalf?: true;
}

/** A job that waits for an agent. */
export interface Demand extends Wanted {
  readonly jobId: string;
  readonly tenant: string;
  readonly runId: string;
  /** Its declared class: an index of {@link PRIORITIES}. */
  readonly rank: number;
  /** Since when it could have begun. */
  readonly sinceMs: number;
  /** Not before this time (retries); null: at once. */
  readonly notBeforeMs: number | null;
}

/**
 * What `job` asks for. Without `isPlaced`, in an embedded run, anybody may take it: there is one agent,
 * and the wishes are those for a fleet.
 */
export function demandOf(job: Job, isPlaced: boolean): Demand {
  const { spec } = job;
  const source = endOf(spec.source.uri);
  const destination = endOf(spec.destination.uri);
  return {
    jobId: job.id,
    tenant: job.tenant,
    runId: job.runId,
    rank: rankOf(spec),
    sinceMs: Math.max(job.submittedMs, job.retryAtMs ?? 0),
    notBeforeMs: job.retryAtMs,
    sourceHost: source.host,
    destinationHost: destination.host,
    shape: isPlaced ? shapeOf(job, [source.scheme, destination.scheme]) : ANYWHERE,
  };
}

/** The hosts that a job works with: what caps of hosts count. */
export function hostsOf({ source, destination }: TransferSpec): {
  readonly sourceHost: string | null;
  readonly destinationHost: string | null;
} {
  return { sourceHost: endOf(source.uri).host, destinationHost: endOf(destination.uri).host };
}

/** The declared class of a transfer. */
export function rankOf({ scheduling }: Pick<TransferSpec, "scheduling">): number {
  return scheduling === undefined ? MEDIUM : PRIORITIES.indexOf(scheduling.priority);
}

const NOBODY = { agents: [], tags: [] };
const ANYWHERE: Shape = {
  key: "",
  schemes: [],
  files: [],
  agents: [],
  tags: [],
  avoid: NOBODY,
  near: [],
  run: null,
  mayRelay: false,
};

function shapeOf(job: Job, schemes: readonly string[]): Shape {
  const { spec, runId, volumes } = job;
  const { agents = [], tags = [], avoid = NOBODY, near = [], run = null } = spec.scheduling ?? {};
  const files = filesOf(spec, volumes);
  const shape = {
    schemes,
    files,
    agents,
    tags,
    avoid,
    near,
    run: run === null ? null : { id: runId, isTogether: run === "together" },
    mayRelay: spec.set === undefined,
  };
  return { ...shape, key: JSON.stringify(shape) };
}

/** Volumes are directories, so that files of one directory ask for the same: their names do not matter. */
function filesOf(spec: TransferSpec, used: UsedVolumes | undefined): LocalFile[] {
  const { source, destination, archive } = localFiles(spec, used);
  return [source, destination, archive].filter((file) => file !== null).map((file) => {
    const [directory = "/"] = directoriesAbove(file.path);
    return { ...file, path: directory === "/" ? "/*" : `${directory}/*` };
  });
}

/** Scheme and host of a URI; a place without a host has none. */
function endOf(uri: string): { readonly scheme: string; readonly host: string | null } {
  const [, scheme = "", host = ""] =
    /^([A-Za-z][A-Za-z0-9+.-]*):(?:\/\/(?:[^/?#]*@)?([^/?#]*))?/.exec(uri) ?? [];
  const isFile = scheme.toLowerCase() === "file";
  return {
    scheme: scheme.toLowerCase(),
    host: isFile || host === "" ? null : host.toLowerCase(),
  };
}

/** The order of those that wait alike: who has waited longer, then the order of their plan. */
export function isBefore(a: Demand, b: Demand): boolean {
  if (a.sinceMs !== b.sinceMs) return a.sinceMs < b.sinceMs;
  if (a.jobId.length !== b.jobId.length) return a.jobId.length < b.jobId.length;
  return a.jobId < b.jobId;
}
