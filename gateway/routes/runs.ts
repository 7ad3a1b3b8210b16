/** `/v1/runs`: executions of workflows. */

import { json, one, read } from "../answers.ts";
import type { Api } from "../api.ts";
import type { Gateway } from "../gateway.ts";

import { Looker } from "../looker.ts";
import { page, pageQuery } from "../paging.ts";
import {
  archivePageOf,
  idParameter,
  labelsQuery,
  listQuery,
  none,
  readQuery,
  runAnswer,
  runSchema,
  startedRuns,
  statesQuery,
} from "../schemas.ts";
import { labelSelector } from "../selector.ts";
import { start } from "../starting.ts";
import { plansOf } from "../submission.ts";
import { submissionOf, WORKFLOW_BODY } from "../workflow_body.ts";
import { addAction } from "./actions.ts";
import { addRetry } from "./retry.ts";
import { planning, submissionQuery } from "./jobs.ts";

const TAG = "Runs";

/** Adds the routes. */
export function addRuns(api: Api, gateway: Gateway): void {
  addSubmission(api, gateway);
  addReading(api, gateway);
  const actions = [
    ["pause", "pause", "Pause all jobs of a run"],
    ["resume", "run", "Let a paused run go on"],
    ["cancel", "cancel", "End a run and all its jobs; what is published stays"],
  ] as const;
  for (const [action, intent, summary] of actions) {
    addAction(api, gateway, { noun: "run", tag: TAG, action, summary }, (runId, why) => ({
      type: "intendRun",
      runId,
      intent,
      why,
    }));
  }
  addRetry(api, gateway, { noun: "run", tag: TAG, summary: "Try again what has failed of a run" });
}

function addSubmission(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/runs",
    operationId: "submitRuns",
    tag: TAG,
    summary: "Start the workflows of a file",
    description:
      "Each document of the file becomes a run. All are checked before the first one is started.",
    scope: "operator",
    params: none,
    query: submissionQuery,
    body: WORKFLOW_BODY,
    bodyBytes: gateway.limits.workflowBytes,
    answers: [{
      status: 202,
      description: "They are in the cluster's state.",
      schema: startedRuns,
    }],
    problems: ["invalidWorkflow", "refusedWorkflow"],
    handle: async (call) => {
      const submission = submissionOf(call.request, call.text, call.query);
      const plans = plansOf(submission, planning(gateway, call));
      const runs = await start(gateway, call, plans);
      return json({ runs }, 202, runs.length === 1 ? { location: runs[0]!.href } : {});
    },
  });
}

function addReading(api: Api, gateway: Gateway): void {
  const looker = new Looker(gateway);
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/runs",
    operationId: "listRuns",
    tag: TAG,
    summary: "List runs, the newest first",
    description: "Those of the archive too. A page may be short, or empty, and have a next one.",
    scope: "viewer",
    params: none,
    query: listQuery(pageItems, defaultPageItems, { state: statesQuery, labels: labelsQuery }),
    answers: [{ status: 200, description: "A page.", schema: archivePageOf(runSchema, "RunPage") }],
    handle: async (call) => {
      const { state, labels, consistency } = call.query;
      const filters = {
        type: "runs",
        states: state?.split(",") ?? null,
        labels: labelSelector(labels, gateway.limits),
      } as const;
      const { found, ...fresh } = await read(gateway, call, consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { ...found, items: found.runs }, fresh);
    },
  });
  api.add({
    method: "get",
    path: "/v1/runs/{id}",
    operationId: "getRun",
    tag: TAG,
    summary: "Look at a run",
    scope: "viewer",
    params: idParameter,
    query: readQuery,
    answers: [
      { status: 200, description: "The run.", schema: runAnswer },
      { status: 304, description: "It has not changed." },
    ],
    problems: ["notFound"],
    handle: async (call) => {
      const { params: { id }, query: { consistency } } = call;
      const looked = await looker.look(call, consistency, { kind: "run", id });
      if (looked !== null) return looked;
      const found = await read(gateway, call, consistency, { type: "run", runId: id });
      const { run } = found.found;
      return one(call.request, found, run, `W/"${run.version}"`);
    },
  });
}
