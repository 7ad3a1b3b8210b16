import assert from "node:assert/strict";
import { z } from "zod";
import * as schemas from "../../client/schemas.ts";
import { GatewayRig } from "../gateway/rig.ts";

// deno-lint-ignore no-explicit-any -- JSON Schemas of any shape
type Schema = any;

/** What the client calls each answer of the document. */
const ANSWERS = {
  JobView: schemas.job,
  RunView: schemas.run,
  AgentView: schemas.agent,
  DefinitionView: schemas.definition,
  Cluster: schemas.cluster,
  Accepted: schemas.accepted,
  StartedRuns: schemas.startedRuns,
  StartedJob: schemas.startedJob,
  Operation: schemas.operation,
  Key: schemas.apiKey,
  MadeKey: schemas.madeKey,
  KeptDefinition: schemas.keptDefinition,
  Readiness: schemas.readiness,
  TenantUsage: schemas.tenant,
  Rate: schemas.rate,
} as const;

/** Every path that the client's schema demands is promised by the document, with the same null. */
function missing(wanted: Schema, given: Schema, components: Schema, path: string): string[] {
  const resolved = resolve(given, components);
  const options: Schema[] = resolved.anyOf ?? [resolved];
  const nullable = (one: Schema) =>
    (one.anyOf ?? [one]).some((each: Schema) => [each.type].flat().includes("null"));
  const problems = nullable({ anyOf: options }) && !nullable(wanted)
    ? [`${path}: may be null`]
    : [];
  const wantedObject = (wanted.anyOf ?? [wanted]).find((one: Schema) => one.properties);
  if (wantedObject === undefined) {
    const items = (wanted.anyOf ?? [wanted]).find((one: Schema) => one.items)?.items;
    const givenItems = options.find((one) => one.items)?.items;
    if (items === undefined || givenItems === undefined) return problems;
    return [...problems, ...missing(items, givenItems, components, `${path}[]`)];
  }
  const object = options.map((one) => resolve(one, components)).find((one) => one.properties);
  for (const [name, schema] of Object.entries(wantedObject.properties)) {
    const property = object?.properties[name];
    if (property === undefined) problems.push(`${path}.${name}: not in the document`);
    else problems.push(...missing(schema, property, components, `${path}.${name}`));
  }
  return problems;
}

function resolve(schema: Schema, components: Schema): Schema {
  const name = schema?.$ref?.split("/").at(-1);
  return name === undefined ? schema : components[name];
}

Deno.test("the client knows all operations of the API, and demands of answers what it promises", async () => {
  const rig = await GatewayRig.start();
  const document = (await rig.ask("/openapi.json")).json;
  await rig.stop();
  const components = document.components.schemas;
  const problems = Object.entries(ANSWERS).flatMap(([name, schema]) => {
    if (components[name] === undefined) return [`${name}: not in the document`];
    return missing(z.toJSONSchema(schema), components[name], components, name);
  });
  assert.deepEqual(problems, []);
  const operations = Object.values(document.paths as Record<string, Record<string, Schema>>)
    .flatMap((methods) => Object.values(methods).map(({ operationId }) => operationId)).sort();
  assert.deepEqual(operations, OPERATIONS);
});

/** Each has a method of the client; `followEvents` and `openLive` are `watch`. */
const OPERATIONS = [
  "addController",
  "cancelJob",
  "cancelRun",
  "configureTenant",
  "createDefinition",
  "createKey",
  "decideJob",
  "deleteDefinition",
  "deleteRate",
  "deregisterAgent",
  "drainAgent",
  "explainJob",
  "followEvents",
  "getAgent",
  "getCluster",
  "getDefinition",
  "getJob",
  "getMetrics",
  "getOperation",
  "getReadiness",
  "getRun",
  "getTenantUsage",
  "inspectController",
  "listAgents",
  "listDefinitions",
  "listJobs",
  "listKeys",
  "listRates",
  "listRuns",
  "listTenants",
  "openLive",
  "pauseJob",
  "pauseRun",
  "promoteController",
  "putDefinition",
  "putRate",
  "removeController",
  "replaceController",
  "resetTenant",
  "resumeAgent",
  "resumeJob",
  "resumeRun",
  "retryJob",
  "retryRun",
  "revokeKey",
  "runDefinition",
  "setControllerMaintenance",
  "submitJob",
  "submitRuns",
  "transferLeadership",
];
