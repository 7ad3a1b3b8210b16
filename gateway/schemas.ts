/** The shapes of this API: those of the message protocol, with what a gateway adds. */

import { z } from "zod";
import { clusterView } from "../actors/desk/cluster/messages.ts";
import { agentView, definitionView, jobView, runView } from "../actors/desk/messages.ts";

/** How fresh an answer is. */
export const freshness = z.object({
  consistency: z.enum(["linearizable", "stale"]),
  node: z.string().describe("The controller that has answered."),
  appliedIndex: z.number().int().describe("The last command that it had applied."),
  appliedAt: z.iso.datetime().describe("The leader's clock at that command."),
  ageMs: z.number().int().describe(
    "How old a stale answer may be: the time since that command. 0 where the answer is linearizable.",
  ),
}).meta({ id: "Freshness" });

const withFreshness = { freshness };
const next = z.string().nullable().describe("The cursor of the next page; null on the last one.");

export const jobSchema = jobView.meta({ id: "JobView" });
export const runSchema = runView.meta({ id: "RunView" });
export const agentSchema = agentView.meta({ id: "AgentView" });
export const definitionSchema = definitionView.meta({ id: "DefinitionView" });

export const jobAnswer = jobView.extend(withFreshness).meta({ id: "Job" });
export const runAnswer = runView.extend(withFreshness).meta({ id: "Run" });
export const agentAnswer = agentView.extend(withFreshness).meta({ id: "Agent" });
export const definitionAnswer = definitionView.extend(withFreshness).meta({ id: "Definition" });
export const clusterAnswer = clusterView.extend(withFreshness).meta({ id: "Cluster" });

/** A page of a list. */
export function pageOf(item: z.ZodType, id: string) {
  return z.object({ items: z.array(item), next, ...withFreshness }).meta({ id });
}

/** A page of a list that goes on into the archive. */
export function archivePageOf(item: z.ZodType, id: string) {
  const incomplete = z.boolean().optional().describe(
    "The controller that answers has not got all of the archive: some of it may be missing.",
  );
  return z.object({ items: z.array(item), next, incomplete, ...withFreshness }).meta({ id });
}

/** What was asked for is decided; what follows can be watched at `href`. */
export const acceptedSchema = z.object({
  index: z.number().int().describe("Of the command that did it."),
  href: z.string().nullable(),
}).meta({ id: "Accepted" });

/** A run that was started. */
export const startedRun = z.object({
  id: z.string(),
  name: z.string(),
  tenant: z.string(),
  transfers: z.number().int(),
  href: z.string(),
}).meta({ id: "StartedRun" });

export const startedRuns = z.object({ runs: z.array(startedRun) }).meta({ id: "StartedRuns" });

export const startedJob = z.object({
  id: z.string(),
  runId: z.string(),
  name: z.string(),
  tenant: z.string(),
  href: z.string(),
}).meta({ id: "StartedJob" });

export const operationSchema = z.object({
  id: z.string(),
  what: z.string(),
  status: z.enum(["running", "succeeded", "failed"]),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  startedMs: z.number(),
  endedMs: z.number().nullable(),
}).meta({ id: "Operation" });

export const problemSchema = z.object({
  type: z.url(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  instance: z.string(),
  retryable: z.boolean().describe("The same request may succeed later."),
  definite: z.boolean().describe("It is certain that nothing was done."),
  retryAfterMs: z.number().optional(),
  errors: z.array(z.object({
    detail: z.string(),
    code: z.string().optional(),
    pointer: z.string().optional().describe("Into the body (RFC 6901)."),
    documentPointer: z.string().optional().describe(
      "Within the workflow where that is a text inside of JSON.",
    ),
    parameter: z.string().optional(),
    header: z.string().optional(),
    line: z.number().int().optional(),
    column: z.number().int().optional(),
    suggestion: z.string().optional(),
  })).optional(),
}).meta({ id: "Problem" });

/** Path and query parameters that come again and again. */
export const none = z.strictObject({});
export const idParameter = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/, "is no id"),
});
export const nameParameter = z.strictObject({
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "is no name of a definition"),
});
export const tenantName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "is no tenant");
export const consistency = z.enum(["linearizable", "stale"], "is linearizable or stale")
  .default("linearizable")
  .describe("stale: whatever the controller knows that is asked, also without a quorum.");
export const readQuery = z.strictObject({ consistency });
export const tenantQuery = z.strictObject({ tenant: tenantName.optional() });

/** The query of a list. */
export function listQuery<Shape extends z.ZodRawShape>(most: number, size: number, more: Shape) {
  return z.strictObject({
    consistency,
    cursor: z.string().max(2_048, "is too long").optional(),
    limit: z.coerce.number("is a number").int("is a whole number").min(1).max(most).default(size),
    ...more,
  });
}

/** States of a list, with commas between them. */
export const statesQuery = z.string().regex(/^[a-z]+(,[a-z]+)*$/, "is a list of states").optional();
export const labelsQuery = z.string().optional().describe(
  "name=value, name in (a, b) or name; terms with commas between them must all hold.",
);

/** A reason for people, kept with what was done. */
export const reasonBody = z.strictObject({
  why: z.string().min(1).max(1_024).optional(),
}).meta({ id: "Reason" });
