/** `/v1/definitions`: workflows that are kept by name, as they were written. */

import { z } from "zod";
import { maySee, tenantOf } from "../access.ts";
import { json, one, read, write } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import { mediaType } from "../body.ts";
import type { Gateway } from "../gateway.ts";
import { checked, jsonBody, parsedJson, unsupportedMediaType } from "../json_body.ts";
import { page, pageQuery } from "../paging.ts";
import { Problem } from "../problem.ts";
import {
  consistency,
  definitionAnswer,
  definitionSchema,
  listQuery,
  nameParameter,
  none,
  pageOf,
  startedRuns,
  tenantName,
  tenantQuery,
} from "../schemas.ts";
import { start } from "../starting.ts";
import { plansOf, readDefinitions, type Submission } from "../submission.ts";
import { bindingsBody, bindingsOf, type SubmissionBindings } from "../workflow_body.ts";
import { planning } from "./jobs.ts";

const TAG = "Definitions";
const YAML = "application/yaml";
const CONDITIONS = z.object({
  "if-match": z.string().optional().describe("Only if this is its version."),
  "if-none-match": z.string().optional().describe("*: only if it is new."),
});
const keptSchema = z.object({
  tenant: z.string(),
  name: z.string(),
  version: z.number().int(),
  href: z.string(),
}).meta({ id: "KeptDefinition" });
const definitionBody = z.strictObject({ text: z.string() }).meta({ id: "DefinitionText" });
const BODY = {
  description: "The workflow file, as it is to be kept.",
  content: { [YAML]: z.string(), "application/json": definitionBody },
};

/** Adds the routes. */
export function addDefinitions(api: Api, gateway: Gateway): void {
  addReading(api, gateway);
  addCreating(api, gateway);
  addPutting(api, gateway);
  addDeleting(api, gateway);
  addRunning(api, gateway);
}

function addReading(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/definitions",
    operationId: "listDefinitions",
    tag: TAG,
    summary: "List definitions",
    scope: "viewer",
    params: none,
    query: listQuery(pageItems, defaultPageItems, {}),
    answers: [{
      status: 200,
      description: "A page.",
      schema: pageOf(definitionSchema, "DefinitionPage"),
    }],
    handle: async (call) => {
      const filters = { type: "definitions" } as const;
      const { found, ...fresh } = await read(gateway, call, call.query.consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { items: found.definitions, next: found.next }, fresh);
    },
  });
  api.add({
    method: "get",
    path: "/v1/definitions/{name}",
    operationId: "getDefinition",
    tag: TAG,
    summary: "Look at a definition; Accept: application/yaml gives its text alone",
    scope: "viewer",
    params: nameParameter,
    query: z.strictObject({ consistency, tenant: tenantName.optional() }),
    answers: [
      { status: 200, description: "The definition.", schema: definitionAnswer },
      { status: 304, description: "It has not changed." },
    ],
    problems: ["notFound"],
    handle: async (call) => {
      const query = { type: "definition", ...which(call) } as const;
      const found = await read(gateway, call, call.query.consistency, query);
      const { definition } = found.found;
      const etag = `"${definition.version}"`;
      const answer = one(call.request, found, definition, etag);
      if (answer.status === 304 || !/\byaml\b/.test(call.request.headers.get("accept") ?? "")) {
        return answer;
      }
      const headers = { ...found.headers, etag, "content-type": YAML };
      return new Response(definition.text, { headers });
    },
  });
}

function addCreating(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/definitions",
    operationId: "createDefinition",
    tag: TAG,
    summary: "Keep a workflow under the name in its metadata",
    scope: "operator",
    params: none,
    query: tenantQuery,
    body: BODY,
    bodyBytes: gateway.limits.workflowBytes,
    answers: [{ status: 201, description: "It is kept.", schema: keptSchema }],
    problems: ["conflict", "invalidWorkflow"],
    handle: async (call) => {
      const { text, pointer } = textOf(call);
      const { name, tenant } = declared(text, pointer, call);
      const index = await write(gateway, call, {
        type: "putDefinition",
        tenant,
        name,
        text,
        ifVersion: 0,
      });
      return kept(201, tenant, name, index);
    },
  });
}

function addPutting(api: Api, gateway: Gateway): void {
  api.add({
    method: "put",
    path: "/v1/definitions/{name}",
    operationId: "putDefinition",
    tag: TAG,
    summary: "Keep a workflow, or replace it",
    scope: "operator",
    params: nameParameter,
    query: tenantQuery,
    headers: CONDITIONS,
    body: BODY,
    bodyBytes: gateway.limits.workflowBytes,
    answers: [{ status: 200, description: "It is kept.", schema: keptSchema }],
    problems: ["preconditionFailed", "invalidWorkflow"],
    handle: async (call) => {
      const { text, pointer } = textOf(call);
      const { name, tenant } = declared(text, pointer, call);
      if (name !== call.params.name) {
        throw new Problem("invalidWorkflow", `its metadata calls it "${name}"`, {
          errors: [{
            pointer: pointer === "" ? "/metadata/name" : pointer,
            detail: `the path calls it "${call.params.name}", its metadata "${name}"`,
          }],
        });
      }
      const ifVersion = condition(call.request.headers);
      const index = await conditional(
        ifVersion,
        () => write(gateway, call, { type: "putDefinition", tenant, name, text, ifVersion }),
      );
      return kept(200, tenant, name, index);
    },
  });
}

function addDeleting(api: Api, gateway: Gateway): void {
  api.add({
    method: "delete",
    path: "/v1/definitions/{name}",
    operationId: "deleteDefinition",
    tag: TAG,
    summary: "Forget a definition; its runs go on",
    scope: "operator",
    params: nameParameter,
    query: tenantQuery,
    headers: CONDITIONS,
    answers: [{ status: 204, description: "It is gone." }],
    problems: ["notFound", "preconditionFailed"],
    handle: async (call) => {
      const ifVersion = condition(call.request.headers);
      await conditional(
        ifVersion,
        () => write(gateway, call, { type: "deleteDefinition", ...which(call), ifVersion }),
      );
      return new Response(null, { status: 204 });
    },
  });
}

function addRunning(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/definitions/{name}/runs",
    operationId: "runDefinition",
    tag: TAG,
    summary: "Start the workflows of a definition",
    scope: "operator",
    params: nameParameter,
    query: tenantQuery,
    body: {
      description: "Values for its variables.",
      content: { "application/json": bindingsBody },
      isOptional: true,
    },
    answers: [{
      status: 202,
      description: "They are in the cluster's state.",
      schema: startedRuns,
    }],
    problems: ["notFound", "invalidWorkflow", "refusedWorkflow"],
    handle: async (call) => {
      const bindings = jsonBody(call.request, call.text, bindingsBody, { isOptional: true });
      const query = { type: "definition", ...which(call) } as const;
      const { found } = await read(gateway, call, "linearizable", query);
      const { text, tenant } = found.definition;
      const submission = submissionFor(text, "", tenant, bindingsOf(bindings));
      const runs = await start(gateway, call, plansOf(submission, planning(gateway, call)));
      return json({ runs }, 202, runs.length === 1 ? { location: runs[0]!.href } : {});
    },
  });
}

type DefinitionCall = Call<z.infer<typeof nameParameter>, { readonly tenant?: string | undefined }>;

/** Which definition is meant; another tenant's is not there. */
function which({ params, query, principal }: DefinitionCall): { tenant: string; name: string } {
  const tenant = tenantOf(principal, query.tenant);
  if (maySee(principal, tenant)) return { tenant, name: params.name };
  throw new Problem("notFound", `there is no definition ${params.name}`);
}

/** The workflow's text, and where it stands in the body. */
function textOf<P, Q>({ request, text }: Call<P, Q>): { text: string; pointer: string } {
  const type = mediaType(request.headers);
  if (type === "application/json") {
    return { text: checked(definitionBody, parsedJson(text)).text, pointer: "/text" };
  }
  if (/^(application|text)\/(x-)?yaml$/.test(type)) return { text, pointer: "" };
  throw unsupportedMediaType(request.headers, [YAML, "application/json"]);
}

/** Name and tenant that a sound text declares; a file of several documents is called like the first. */
function declared<P>(
  text: string,
  pointer: string,
  { principal, query }: Call<P, { readonly tenant?: string | undefined }>,
): { name: string; tenant: string } {
  const nothing = { values: {}, environment: {}, files: {}, base: null };
  const [first] = readDefinitions(submissionFor(text, pointer, query.tenant, nothing));
  const tenant = tenantOf(principal, query.tenant ?? first!.model.metadata.tenant);
  if (maySee(principal, tenant)) return { name: first!.name, tenant };
  throw new Problem("forbidden", `the API key is not for the tenant "${tenant}"`);
}

function submissionFor(
  text: string,
  pointer: string,
  tenant: string | undefined,
  bindings: SubmissionBindings,
): Submission {
  return { text, pointer, form: "text", tenant, ...bindings };
}

function kept(status: number, tenant: string, name: string, version: number): Response {
  const href = `/v1/definitions/${name}?tenant=${encodeURIComponent(tenant)}`;
  const headers = { etag: `"${version}"`, ...(status === 201 ? { location: href } : {}) };
  return json({ tenant, name, version, href }, status, headers);
}

/** The version that the client demands: 0 for none, `null` for any; -1 never holds. */
function condition(headers: Headers): number | null {
  if (headers.get("if-none-match")?.trim() === "*") return 0;
  const match = headers.get("if-match")?.trim();
  if (match === undefined || match === "*") return null;
  const version = /^"(\d{1,15})"$/.exec(match)?.[1];
  return version === undefined ? -1 : Number(version);
}

const REFUSED: ReadonlySet<string> = new Set(["conflict", "notFound"]);

/** A conflict under a condition is that the condition does not hold. */
async function conditional(
  ifVersion: number | null,
  work: () => Promise<number>,
): Promise<number> {
  try {
    return await work();
  } catch (thrown) {
    if (ifVersion === null || !(thrown instanceof Problem) || !REFUSED.has(thrown.code)) {
      throw thrown;
    }
    throw new Problem("preconditionFailed", `${thrown.message}; read it again and decide anew`);
  }
}
