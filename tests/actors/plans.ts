/** Plans for tests, made by the planner itself from groups written as JSON, which is YAML. */

import assert from "node:assert/strict";
import { hasErrors } from "../../workflows/diagnostic.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import type { Plan } from "../../workflows/plan.ts";
import { planGroup } from "../../workflows/planner.ts";

/** A transfer of a group, with what the tests say of it. */
export interface DeclaredTransfer {
  readonly name: string;
  readonly source: Readonly<Record<string, unknown>>;
  readonly destination: Readonly<Record<string, unknown>>;
  readonly [more: string]: unknown;
}

/** The plan of a group. */
export function groupPlan(
  transfers: readonly DeclaredTransfer[],
  more: Readonly<Record<string, unknown>> = {},
): Plan {
  const text = JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "TransferGroup",
    metadata: { name: "test", tenant: "acme", namespace: "test" },
    spec: { ...more, transfers },
  });
  const { definitions, diagnostics } = parseDocuments(text, { file: "test.yaml", given: [] });
  assert.ok(!hasErrors(diagnostics), diagnostics.map((one) => one.message).join("\n"));
  const bindings = { nowMs: 0, env: {}, files: {}, values: {}, pathBase: "/base" };
  const result = planGroup(definitions[0]!, bindings);
  assert.ok(result.plan !== null, result.diagnostics.map((one) => one.message).join("\n"));
  return result.plan;
}

/** A plan whose one transfer is never looked at. */
export function emptyPlan(): Plan {
  return groupPlan([{
    name: "one",
    source: { uri: "memory:///one" },
    destination: { path: "/out/one" },
  }]);
}
