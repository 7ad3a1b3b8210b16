/** What the tests of this room share: fixtures, bindings, and short ways to parse and plan. */

import assert from "node:assert/strict";
import type { Bindings } from "../../workflows/bindings.ts";
import type { Definition } from "../../workflows/definition.ts";
import { formatDiagnostic, hasErrors } from "../../workflows/diagnostic.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import type { Plan, StepResult } from "../../workflows/plan.ts";
import { planGroup } from "../../workflows/planner.ts";

/** 2026-11-21T09:05:06.007Z */
export const NOW_MS = Date.UTC(2026, 10, 21, 9, 5, 6, 7);

export const BINDINGS: Bindings = {
  nowMs: NOW_MS,
  env: {},
  files: {},
  values: {},
  pathBase: "/base",
};

export const PROTOCOLS = ["file", "http", "https", "memory"];

export function fixture(name: string): string {
  return Deno.readTextFileSync(new URL(`./fixtures/${name}`, import.meta.url));
}

/** The only definition of a text that must be sound. */
export function define(text: string, given: readonly string[] = []): Definition {
  const { definitions, diagnostics } = parseDocuments(text, { file: "test.yaml", given });
  assert.ok(!hasErrors(diagnostics), diagnostics.map(formatDiagnostic).join("\n"));
  return definitions[0]!;
}

/** A group of the given `spec`, as JSON, which is YAML. */
export function group(spec: Record<string, unknown>): string {
  const metadata = { name: "test", tenant: "acme", namespace: "finance", labels: { zone: "dmz" } };
  return JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "TransferGroup",
    metadata,
    spec,
  });
}

/** A transfer of a group with plain places unless `more` says otherwise. */
export function transfer(
  name: string,
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    name,
    source: { uri: `https://api.example.com/${name}` },
    destination: { path: `/data/${name}` },
    ...more,
  };
}

/** The plan of a text that must be plannable. */
export function plan(text: string, bindings: Partial<Bindings> = {}): Plan {
  const all = { ...BINDINGS, ...bindings };
  const result = planGroup(define(text, Object.keys(all.values)), all);
  assert.ok(result.plan, result.diagnostics.map(formatDiagnostic).join("\n"));
  return result.plan;
}

/** The codes of a text's findings, from parsing or, where that went well, from planning. */
export function codes(text: string, bindings: Partial<Bindings> = {}): string[] {
  const all = { ...BINDINGS, ...bindings };
  const given = Object.keys(all.values);
  const { definitions, diagnostics } = parseDocuments(text, { file: "test.yaml", given });
  if (hasErrors(diagnostics)) return diagnostics.map((diagnostic) => diagnostic.code);
  return planGroup(definitions[0]!, all).diagnostics.map((diagnostic) => diagnostic.code);
}

export function succeeded(more: Partial<StepResult> = {}): StepResult {
  return {
    state: "succeeded",
    checksum: "a".repeat(64),
    bytes: 1_000,
    uri: "file:///data/users",
    durationMs: 12,
    error: null,
    ...more,
  };
}

export function failed(message: string): StepResult {
  const error = { code: "io", message };
  return { state: "failed", checksum: null, bytes: null, uri: null, durationMs: 3, error };
}
