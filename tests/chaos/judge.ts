/** What was promised, compared with what can be seen: each difference is one sentence. */

import type { Job, Run } from "../../client.ts";
import type { Feed, JobEvent } from "./feed.ts";
import { hashOf, type WantedFile } from "./files.ts";
import { fileIdOf, type Landing } from "./landing.ts";
import type { Submitted } from "./workload.ts";

/** Everything that the judgement looks at. */
export interface Evidence {
  readonly volume: string;
  readonly submitted: readonly Submitted[];
  readonly runs: readonly Run[];
  readonly jobs: readonly Job[];
  readonly feed: Pick<Feed, "events" | "missed" | "failures">;
  readonly landing: Pick<Landing, "landed" | "names">;
}

/** A promise that was not kept. */
export interface Violation {
  readonly promise:
    | "accepted runs end well"
    | "a job ends once"
    | "bytes are right"
    | "published once"
    | "nothing is left behind"
    | "retries cure requests"
    | "processes end only when told"
    | "faults are survived";
  readonly what: string;
}

const FINAL = new Set(["succeeded", "failed", "cancelled"]);
const MARKER = ".quorus-volume";

/** Looks at everything; empty where all promises were kept. */
export async function judge(evidence: Evidence): Promise<Violation[]> {
  const bytes = await Promise.all(files(evidence).map((file) => judgeBytes(evidence, file)));
  return [
    ...judgeRuns(evidence),
    ...judgeJobs(evidence),
    ...judgeEvents(evidence),
    ...bytes.flat(),
    ...judgeLanding(evidence),
    ...judgeRest(evidence),
  ];
}

const files = ({ submitted }: Evidence): WantedFile[] => submitted.flatMap(({ files }) => files);

function judgeRuns({ submitted, runs }: Evidence): Violation[] {
  const promise = "accepted runs end well" as const;
  const found: Violation[] = [];
  const known = new Map(runs.map((run) => [run.id, run]));
  for (const { id, files } of submitted) {
    if (id === null) continue; // told by the workload
    const run = known.get(id);
    known.delete(id);
    if (run === undefined) found.push({ promise, what: `run ${id} was accepted and is not known` });
    else if (run.state !== "succeeded") {
      found.push({ promise, what: `run ${id} is ${run.state}: ${run.why}` });
    } else if (run.transfers["succeeded"] !== files.length) {
      const told = JSON.stringify(run.transfers);
      found.push({ promise, what: `run ${id} has succeeded with ${told} of ${files.length}` });
    }
  }
  for (const id of known.keys()) found.push({ promise, what: `run ${id} was submitted by nobody` });
  return found;
}

/** Each transfer is one job, with a receipt that tells what was asked for. */
function judgeJobs(evidence: Evidence): Violation[] {
  const promise = "a job ends once" as const;
  const found: Violation[] = [];
  for (const { id, files } of evidence.submitted) {
    for (const { name, bytes, sha256 } of files) {
      const jobs = evidence.jobs.filter((job) => job.runId === id && `${job.name}.bin` === name);
      if (id !== null && jobs.length !== 1) {
        found.push({ promise, what: `run ${id} has ${jobs.length} jobs for ${name}` });
      }
      for (const job of jobs) {
        const { state, why, receipt } = job;
        if (state !== "succeeded") {
          found.push({ promise, what: `job ${job.id} (${name}) is ${state}: ${why}` });
        } else if (receipt?.["sha256"] !== sha256 || receipt["bytes"] !== bytes) {
          const told = JSON.stringify(receipt);
          found.push({ promise: "bytes are right", what: `the receipt of ${name} says ${told}` });
        }
      }
    }
  }
  return found;
}

/** One end of each job, and nothing after it. */
function judgeEvents({ feed, jobs }: Evidence): Violation[] {
  const promise = "a job ends once" as const;
  const found: Violation[] = [];
  const byJob = Map.groupBy(feed.events, ({ jobId }) => jobId);
  for (const { id, name } of jobs) {
    const events = byJob.get(id) ?? [];
    const ends = distinct(events.filter(({ state }) => FINAL.has(state)));
    if (ends.length > 1) {
      const told = ends.map(({ state, version }) => `${state} at ${version}`).join(", ");
      found.push({ promise, what: `events tell several ends of job ${id} (${name}): ${told}` });
    }
    if (ends.length === 0 && feed.missed === 0) {
      found.push({ promise, what: `no event tells the end of job ${id} (${name})` });
    }
    const after = events.filter((event) =>
      !FINAL.has(event.state) && event.version > (ends[0]?.version ?? Infinity)
    );
    if (after.length > 0) {
      found.push({ promise, what: `job ${id} (${name}) was ${after[0]!.state} after its end` });
    }
  }
  for (const failure of feed.failures) {
    found.push({ promise: "retries cure requests", what: `the feed: ${failure}` });
  }
  return found;
}

function distinct(events: readonly JobEvent[]): JobEvent[] {
  return [...new Map(events.map((event) => [event.version, event])).values()];
}

async function judgeBytes(
  { volume }: Evidence,
  { name, sha256 }: WantedFile,
): Promise<Violation[]> {
  const promise = "bytes are right" as const;
  const path = `${volume}/${name}`;
  if (fileIdOf(path) === null) return [{ promise, what: `${name} is not there` }];
  const found = await hashOf(path);
  return found === sha256 ? [] : [{ promise, what: `${name} has SHA-256 ${found}, not ${sha256}` }];
}

/** Each file got its final name once, and is still that very file. */
function judgeLanding(evidence: Evidence): Violation[] {
  const promise = "published once" as const;
  const found: Violation[] = [];
  const jobs = new Map(evidence.jobs.map((job) => [`${job.name}.bin`, job]));
  for (const { name } of files(evidence)) {
    const landed = evidence.landing.landed.get(name) ?? [];
    const now = fileIdOf(`${evidence.volume}/${name}`);
    if (now === null) continue; // told with the bytes
    if (landed.length > 1) {
      const told = landed.map(({ atMs, fileId }) => `${new Date(atMs).toISOString()} ${fileId}`);
      found.push({ promise, what: `${name} was published ${landed.length} times: ${told}` });
    }
    const told = jobs.get(name)?.receipt?.["fileId"];
    if (typeof told === "string" && told !== now) {
      found.push({ promise, what: `${name} is file ${now}, but its receipt names ${told}` });
    }
  }
  return found;
}

/** Nothing but what was asked for, and what a job still names. */
function judgeRest(evidence: Evidence): Violation[] {
  const promise = "nothing is left behind" as const;
  const wanted = new Set([MARKER, ...files(evidence).map(({ name }) => name)]);
  const named = JSON.stringify(
    evidence.jobs.map(({ why, error, receipt }) => [why, error, receipt]),
  );
  return evidence.landing.names()
    .filter((name) => !wanted.has(name))
    .filter((name) => !(name.endsWith(".seized") && named.includes(name)))
    .map((name) => {
      const job = evidence.jobs.find(({ id }) => name.includes(id));
      const whose = job === undefined ? "of no job" : `of ${job.name}, which is ${job.state}`;
      return { promise, what: `${name} (${whose}) is still there` };
    });
}
