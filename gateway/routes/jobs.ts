/** `/v1/jobs`: single transfers and what becomes of them. */

import { z } from "zod";
import { json, one, read, write } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { Looker } from "../looker.ts";
import { page, pageQuery } from "../paging.ts";
import { Problem } from "../problem.ts";
import {
  acceptedSchema,
  archivePageOf,
  freshness,
  idParameter,
  jobAnswer,
  jobSchema,
  labelsQuery,
  listQuery,
  none,
  readQuery,
  startedJob,
  statesQuery,
  tenantName,
} from "../schemas.ts";
import { labelSelector } from "../selector.ts";
import { start } from "../starting.ts";
import { plansOf } from "../submission.ts";
import { baseFolder, submissionOf, WORKFLOW_BODY } from "../workflow_body.ts";
import { accepted, addAction, reasonOf } from "./actions.ts";
import { addRetry } from "./retry.ts";

const TAG = "Jobs";

/** Adds the routes. */
export function addJobs(api: Api, gateway: Gateway): void {
  addSubmission(api, gateway);
  addList(api, gateway);
  addLooking(api, gateway);
  const actions = [
    ["pause", "pause", "Stop a job at the next chunk and keep its checkpoint"],
    ["resume", "run", "Let a paused job go on"],
    ["cancel", "cancel", "End a job; what is published stays"],
  ] as const;
  for (const [action, intent, summary] of actions) {
    addAction(api, gateway, { noun: "job", tag: TAG, action, summary }, (jobId, why) => ({
      type: "intendJob",
      jobId,
      intent,
      why,
    }));
  }
  addRetry(api, gateway, {
    noun: "job",
    tag: TAG,
    summary: "Let a job go on that waits, or try one again that has failed",
  });
  addDecision(api, gateway);
}

/** What a workflow that is the whole body is given: values, a tenant if it names none, a folder. */
export const submissionQuery = z.strictObject({
  var: z.union([z.string(), z.array(z.string())]).optional().describe("NAME=VALUE; repeatable."),
  tenant: tenantName.optional(),
  base: baseFolder.optional(),
});

function addSubmission(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/jobs",
    operationId: "submitJob",
    tag: TAG,
    summary: "Submit one transfer (kind Transfer)",
    scope: "operator",
    params: none,
    query: submissionQuery,
    body: WORKFLOW_BODY,
    bodyBytes: gateway.limits.workflowBytes,
    answers: [{ status: 202, description: "It is in the cluster's state.", schema: startedJob }],
    problems: ["invalidWorkflow", "refusedWorkflow"],
    handle: async (call) => {
      const submission = submissionOf(call.request, call.text, call.query);
      const plans = plansOf(submission, planning(gateway, call));
      const [plan] = plans;
      if (plans.length !== 1 || plan?.kind !== "Transfer") {
        throw new Problem("invalidWorkflow", "a job is one document of kind Transfer", {
          errors: [{
            pointer: `${submission.pointer}/kind`,
            detail: "submit groups and several documents to /v1/runs",
          }],
        });
      }
      const [run] = await start(gateway, call, plans);
      // The one transfer of a run is its job 1.
      const id = `${run!.id}-1`;
      const href = `/v1/jobs/${id}`;
      const { name, tenant } = run!;
      return json({ id, runId: run!.id, name, tenant, href }, 202, { location: href });
    },
  });
}

/** What planning needs to know of a request. */
export function planning<P, Q>(gateway: Gateway, call: Call<P, Q>) {
  return {
    principal: call.principal,
    places: gateway.places,
    nowMs: gateway.env.clock.now(),
  };
}

function addList(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/jobs",
    operationId: "listJobs",
    tag: TAG,
    summary: "List jobs, the newest first",
    description: "Those of the archive too. A page may be short, or empty, and have a next one.",
    scope: "viewer",
    params: none,
    query: listQuery(pageItems, defaultPageItems, {
      run: idParameter.shape.id.optional(),
      state: statesQuery,
      labels: labelsQuery,
    }),
    answers: [{ status: 200, description: "A page.", schema: archivePageOf(jobSchema, "JobPage") }],
    handle: async (call) => {
      const { run = null, state, labels, consistency } = call.query;
      const filters = {
        type: "jobs",
        runId: run,
        states: state?.split(",") ?? null,
        labels: labelSelector(labels, gateway.limits),
      } as const;
      const { found, ...fresh } = await read(gateway, call, consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { ...found, items: found.jobs }, fresh);
    },
  });
}

function addLooking(api: Api, gateway: Gateway): void {
  const looker = new Looker(gateway);
  api.add({
    method: "get",
    path: "/v1/jobs/{id}",
    operationId: "getJob",
    tag: TAG,
    summary: "Look at a job",
    scope: "viewer",
    params: idParameter,
    query: readQuery,
    answers: [
      { status: 200, description: "The job.", schema: jobAnswer },
      { status: 304, description: "It has not changed." },
    ],
    problems: ["notFound"],
    handle: async (call) => {
      const { params: { id }, query: { consistency } } = call;
      const looked = await looker.look(call, consistency, { kind: "job", id });
      if (looked !== null) return looked;
      const found = await read(gateway, call, consistency, { type: "job", jobId: id });
      const { job } = found.found;
      return one(call.request, found, job, `W/"${job.version}"`);
    },
  });
  api.add({
    method: "get",
    path: "/v1/jobs/{id}/explain",
    operationId: "explainJob",
    tag: TAG,
    summary: "Why a job waits, runs where it runs, or has failed",
    scope: "viewer",
    params: idParameter,
    query: readQuery,
    answers: [{
      status: 200,
      description: "Sentences for people.",
      schema: z.object({ lines: z.array(z.string()), freshness }),
    }],
    problems: ["notFound"],
    handle: async (call) => {
      const query = { type: "explain", jobId: call.params.id } as const;
      const found = await read(gateway, call, call.query.consistency, query);
      return one(call.request, found, { lines: found.found.lines });
    },
  });
}

const decision = z.strictObject({
  published: z.boolean().describe("Whether the file was published: the job succeeds or goes on."),
  why: z.string().min(1).max(1_024).optional(),
}).meta({ id: "Decision" });

function addDecision(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/jobs/{id}/decide",
    operationId: "decideJob",
    tag: TAG,
    summary: "Settle a job of which nobody can tell whether it was published",
    scope: "operator",
    params: idParameter,
    query: none,
    body: { description: "What was found.", content: { "application/json": decision } },
    answers: [{ status: 202, description: "It is settled.", schema: acceptedSchema }],
    problems: ["notFound", "conflict"],
    handle: async (call) => {
      const { published, why } = jsonBody(call.request, call.text, decision);
      const { id } = call.params;
      const index = await write(gateway, call, {
        type: "decide",
        jobId: id,
        published,
        why: why ?? reasonOf("decided", call),
      });
      return accepted(index, `/v1/jobs/${id}`);
    },
  });
}
