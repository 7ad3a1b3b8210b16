/**
 * Events as CloudEvents 1.0 in JSON (https://github.com/cloudevents/spec, `spec.md` 3.1 and
 * `json-format.md`). `tenant`, `run`, `job` and `change` are extension attributes, so that a receiver can route
 * an event without reading its data.
 */

import type { LiveEvent } from "../../actors/desk/messages.ts";

/** Types of events, by what the desk calls them. */
export const EVENT_TYPES = {
  job: "dev.quorus.job.changed",
  run: "dev.quorus.run.changed",
  agent: "dev.quorus.agent.changed",
  cluster: "dev.quorus.cluster.changed",
  progress: "dev.quorus.job.progress",
  missed: "dev.quorus.missed",
} as const;

/** One of {@link EVENT_TYPES}. */
export type EventType = (typeof EVENT_TYPES)[keyof typeof EVENT_TYPES];

/** With `id` it names an event: ids are those of the cluster, whichever gateway passes them on. */
const SOURCE = "urn:quorus:cluster";

/** What filters look at. */
export interface EventFacts {
  readonly type: EventType;
  /** null: of the cluster, not of a tenant. */
  readonly tenant: string | null;
  readonly runId: string | null;
  readonly jobId: string | null;
  readonly agentId: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

const NO_LABELS: Readonly<Record<string, string>> = {};

/** The facts of an event. */
export function factsOf(event: LiveEvent): EventFacts {
  const none = { tenant: null, runId: null, jobId: null, agentId: null, labels: NO_LABELS };
  switch (event.type) {
    case "job": {
      const { id, runId, tenant, labels, agent } = event.job;
      return { type: EVENT_TYPES.job, tenant, runId, jobId: id, agentId: agent, labels };
    }
    case "progress": {
      const { jobId, runId, tenant, labels } = event;
      return { ...none, type: EVENT_TYPES.progress, tenant, runId, jobId, labels };
    }
    case "run": {
      const { id, tenant, labels } = event.run;
      return { ...none, type: EVENT_TYPES.run, tenant, runId: id, labels };
    }
    case "agent":
      return { ...none, type: EVENT_TYPES.agent, agentId: event.agent.id };
    case "cluster":
      return { ...none, type: EVENT_TYPES.cluster };
  }
}

/** What a client did not get: `count` null where nobody knows how many. */
export interface Missed {
  /** `slow`: it did not take them in time. `gone`: they are older than what is kept. */
  readonly why: "slow" | "gone";
  readonly count: number | null;
  readonly byType: Readonly<Record<string, number>>;
  /** Ids of the first and the last of them that has one; null where unknown. */
  readonly first: string | null;
  readonly last: string | null;
}

/** An event as JSON text. */
export function cloudEventText(event: LiveEvent, facts: EventFacts): string {
  return JSON.stringify({
    specversion: "1.0",
    id: idOf(event),
    source: SOURCE,
    type: facts.type,
    subject: subjectOf(event, facts),
    time: new Date(event.atMs).toISOString(),
    ...extensionsOf(facts),
    ...changeOf(event),
    datacontenttype: "application/json",
    data: dataOf(event),
  });
}

/** The event that tells a client what it missed; `number` makes its id unique within the stream. */
export function missedText(missed: Missed, atMs: number, number: number): string {
  return JSON.stringify({
    specversion: "1.0",
    id: `missed-${atMs}-${number}`,
    source: SOURCE,
    type: EVENT_TYPES.missed,
    time: new Date(atMs).toISOString(),
    datacontenttype: "application/json",
    data: missed,
  });
}

/** Progress is not kept and has no place in the order: its id only tells it from others. */
function idOf(event: LiveEvent): string {
  if (event.type !== "progress") return event.id;
  return `progress-${event.jobId}-${event.atMs}-${event.progress.doneBytes}`;
}

function subjectOf(event: LiveEvent, { runId, jobId, agentId }: EventFacts): string {
  if (event.type === "agent") return `agents/${agentId}`;
  if (event.type === "cluster") {
    return event.change.node === null ? "cluster" : `controllers/${event.change.node}`;
  }
  return jobId === null ? `runs/${runId}` : `jobs/${jobId}`;
}

function extensionsOf({ tenant, runId, jobId }: EventFacts): Record<string, string> {
  return {
    ...(tenant === null ? {} : { tenant }),
    ...(runId === null ? {} : { run: runId }),
    ...(jobId === null ? {} : { job: jobId }),
  };
}

/** What has happened to a node, as one word: a receiver need not compare what it was with what it is. */
function changeOf(event: LiveEvent): Record<string, string> {
  if (event.type === "agent") return { change: event.change };
  return event.type === "cluster" ? { change: event.change.what } : {};
}

function dataOf(event: LiveEvent): unknown {
  switch (event.type) {
    case "job":
      return event.job;
    case "run":
      return event.run;
    case "agent":
      return event.agent;
    case "cluster":
      return event.change;
    case "progress":
      return { jobId: event.jobId, runId: event.runId, progress: event.progress };
  }
}
