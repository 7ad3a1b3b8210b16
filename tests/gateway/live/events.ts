/** Events as a controller tells them, and clients that remember what they got. */

import type { LiveEvent } from "../../../actors/desk/messages.ts";
import type { LiveFilter } from "../../../gateway/live/filter.ts";
import type { LiveRecord } from "../../../gateway/live/record.ts";
import type { Sink } from "../../../gateway/live/subscriber.ts";

type JobEvent = Extract<LiveEvent, { type: "job" }>;
type Progress = Extract<LiveEvent, { type: "progress" }>;

/** A job has changed. */
export function jobEvent(id: string, job: Partial<JobEvent["job"]> = {}): JobEvent {
  return {
    type: "job",
    id,
    atMs: 1_000,
    job: {
      id: "job-1",
      runId: "run-1",
      tenant: "default",
      name: "copy",
      state: "running",
      why: "an agent works on it",
      intent: "run",
      source: "https://files.example/a",
      destination: "file:///data/a",
      attempts: 1,
      failures: 0,
      agent: "a1",
      error: null,
      receipt: null,
      progress: null,
      labels: {},
      submittedMs: 900,
      startedMs: 950,
      endedMs: null,
      version: 1,
      ...job,
    },
  };
}

/** A run has changed. */
export function runEvent(id: string, runId: string, state = "running"): LiveEvent {
  return {
    type: "run",
    id,
    atMs: 1_000,
    run: {
      id: runId,
      tenant: "default",
      name: "nightly",
      kind: "TransferGroup",
      state,
      why: "",
      intent: "run",
      labels: {},
      transfers: { running: 1 },
      skipped: [],
      retryOf: null,
      createdMs: 900,
      endedMs: null,
      version: 1,
    },
  };
}

/** Something of the cluster itself has changed. */
export function clusterEvent(id: string): LiveEvent {
  const change = { what: "memberDown", node: "c2", why: "controller c2 is not heard of" } as const;
  return { type: "cluster", id, atMs: 1_000, change };
}

/** A job has moved on. */
export function progressEvent(doneBytes: number, about: Partial<Progress> = {}): Progress {
  return {
    type: "progress",
    atMs: 1_000,
    jobId: "job-1",
    runId: "run-1",
    tenant: "default",
    labels: {},
    progress: {
      phase: "running",
      doneBytes,
      totalBytes: 100,
      fetchedBytes: doneBytes,
      keptBytes: 0,
      bytesPerSecond: 10,
      etaMs: 1_000,
    },
    ...about,
  };
}

/** Wants everything. */
export const EVERYTHING: LiveFilter = {
  allowed: null,
  tenants: null,
  runs: null,
  jobs: null,
  types: null,
  labels: [],
};

/** A CloudEvent as it arrives. */
export interface Received {
  readonly id: string;
  readonly type: string;
  // deno-lint-ignore no-explicit-any -- tests look into the data of events of all types
  readonly data: any;
  readonly [extension: string]: unknown;
}

/** A client with room for so many events until it {@link read}s them. */
export class RememberingSink implements Sink {
  readonly got: Received[] = [];
  ended: string | null = null;
  heartbeats: (string | null)[] = [];
  #waiting = 0;

  constructor(readonly room = Infinity) {}

  get isCongested(): boolean {
    return this.#waiting >= this.room;
  }

  get ids(): string[] {
    return this.got.map(({ id }) => id);
  }

  send(record: LiveRecord): void {
    this.#waiting += 1;
    this.got.push(JSON.parse(record.text));
  }

  heartbeat(lastId: string | null): void {
    this.heartbeats.push(lastId);
  }

  end(why: string): void {
    this.ended = why;
  }

  /** Takes what waits. */
  read(): void {
    this.#waiting = 0;
  }
}
