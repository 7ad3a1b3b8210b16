/** Bodies that hold a workflow: as YAML, as JSON, or as JSON with what it needs beside it. */

import { z } from "zod";
import { mediaType } from "./body.ts";
import type { DescribedBody } from "./describe.ts";
import { gatewayLimits } from "./limits.ts";
import { checked, parsedJson, unsupportedMediaType } from "./json_body.ts";
import { Problem } from "./problem.ts";
import { tenantName } from "./schemas.ts";
import type { Submission } from "./submission.ts";

const YAML = ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"];

const LIMITS = gatewayLimits();
const isFew = (values: object) => Object.keys(values).length <= LIMITS.variables;
const TOO_MANY = `has more than ${LIMITS.variables} names`;
const name = z.string().max(256);
const value = z.string().max(LIMITS.variableCharacters);

const texts = z.record(name, value).refine(isFew, TOO_MANY);
const scalars = z.record(name, z.union([value, z.number(), z.boolean()])).refine(isFew, TOO_MANY);

/** The folder that relative paths start in. */
export const baseFolder = z.string().max(4_096)
  // deno-lint-ignore no-control-regex -- finding them is the point
  .regex(/^\/[^\x00-\x1f\x7f]*$/, "is no absolute path")
  .describe("Where relative paths start, on the agents' machines; without it they are refused.");

/** What a workflow may be given beside its text. */
export const bindingsShape = {
  variables: scalars.optional().describe("By full name, as --var gives them."),
  environment: texts.optional().describe("Values for ${env:NAME}: the submitter's own."),
  files: texts.optional().describe("Texts for ${file:NAME}: the submitter's own."),
  base: baseFolder.optional(),
  tenant: tenantName.optional().describe("For workflows that name none."),
};

/** A workflow with what it needs. */
export const workflowEnvelope = z.strictObject({
  workflow: z.union([z.string(), z.record(z.string(), z.unknown())]).describe(
    "The workflow file as a text, or its document as JSON.",
  ),
  ...bindingsShape,
}).meta({ id: "WorkflowSubmission" });

/** Bindings alone, for a workflow that is kept here. */
export const bindingsBody = z.strictObject({
  variables: bindingsShape.variables,
  environment: bindingsShape.environment,
  files: bindingsShape.files,
  base: bindingsShape.base,
}).meta({ id: "Bindings" });

/** How a body with a workflow is documented. */
export const WORKFLOW_BODY: DescribedBody = {
  description:
    "A workflow file, or JSON with `workflow` and its values. `${env:}` and `${file:}` are never read " +
    "on our machines: their values come with the submission. `${secret:}` stays a reference.",
  content: {
    "application/yaml": z.string(),
    "application/json": workflowEnvelope,
  },
};

/** The submission in a body. */
export function submissionOf(
  request: Request,
  text: string,
  query: {
    readonly var?: string | readonly string[] | undefined;
    readonly tenant?: string | undefined;
    readonly base?: string | undefined;
  },
): Submission {
  const type = mediaType(request.headers);
  const given = variablesOf(query.var);
  const bare: Submission = {
    text,
    pointer: "",
    form: "text",
    values: given,
    environment: {},
    files: {},
    tenant: query.tenant,
    base: query.base ?? null,
  };
  if (YAML.includes(type)) return bare;
  if (type !== "application/json") {
    throw unsupportedMediaType(request.headers, [YAML[0]!, "application/json"]);
  }
  const value = parsedJson(text);
  // A document says what it is; an envelope says where the document is.
  if (typeof value === "object" && value !== null && "kind" in value) return bare;
  const { workflow, ...bindings } = checked(workflowEnvelope, value);
  const isText = typeof workflow === "string";
  return {
    ...bindingsOf(bindings),
    values: { ...given, ...bindingsOf(bindings).values },
    text: isText ? workflow : JSON.stringify(workflow),
    pointer: "/workflow",
    form: isText ? "text" : "json",
    tenant: bindings.tenant ?? query.tenant,
    base: bindings.base ?? query.base ?? null,
  };
}

/** What a submission brings beside its text. */
export type SubmissionBindings = Pick<Submission, "values" | "environment" | "files" | "base">;

/** Bindings as planning takes them. */
export function bindingsOf(
  { variables = {}, environment = {}, files = {}, base }: z.infer<typeof bindingsBody>,
): SubmissionBindings {
  const values = Object.fromEntries(
    Object.entries(variables).map(([name, value]) => [name, String(value)]),
  );
  return { values, environment, files, base: base ?? null };
}

/** `var=NAME=VALUE`, as often as wanted. */
function variablesOf(given: string | readonly string[] | undefined): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of given === undefined ? [] : typeof given === "string" ? [given] : given) {
    const at = text.indexOf("=");
    if (at < 1) {
      throw new Problem("malformedRequest", `var: "${text}" is not NAME=VALUE`, {
        errors: [{ parameter: "var", detail: "write var=NAME=VALUE" }],
      });
    }
    values[text.slice(0, at)] = text.slice(at + 1);
  }
  return values;
}
