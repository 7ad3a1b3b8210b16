/** From a definition and values to a plan. */

import { messageOf } from "../runtime/base/errors.ts";
import { parseDurationMs } from "../runtime/base/units.ts";
import { type Bindings, boundValue } from "./bindings.ts";
import { parseCondition } from "./condition.ts";
import { withDefaults } from "./defaults.ts";
import {
  actionsOf,
  defaultsOf,
  type Definition,
  type StepDeclaration,
  stepsOf,
} from "./definition.ts";
import { byPosition, type Diagnostic, hasErrors } from "./diagnostic.ts";
import { WorkflowError } from "./errors.ts";
import { levelsOf } from "./graph.ts";
import { LIMITS } from "./limits.ts";
import { resolveLocation } from "./location.ts";
import { planTransfer } from "./plan_transfer.ts";
import type { Action, CompiledCondition, LocationTemplate, Plan, PlannedTransfer } from "./plan.ts";
import { Resolver, sealedOf } from "./resolver.ts";
import { Scope } from "./scope.ts";
import { maskSealed } from "./sealed.ts";
import type { ValuePath } from "./source.ts";
import { keepingChecksums } from "./wanted_checksums.ts";

/** A plan, or `null` with the errors that prevent it. */
export interface PlanResult {
  readonly plan: Plan | null;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Resolves everything that is known before the first transfer starts. A single `Transfer` becomes a group
 * of one. Nothing is read or written: the values come with `bindings`.
 */
export function planGroup(definition: Definition, bindings: Bindings): PlanResult {
  const scope = new Scope(definition, Object.keys(bindings.values));
  const resolver = new Resolver(definition, scope, bindings);
  const steps = stepsOf(definition);
  const planned = steps.map((step) => planStep(resolver, scope, definition, step));
  const onSuccess = planActions(resolver, definition, "onSuccess");
  const onFailure = planActions(resolver, definition, "onFailure");
  const transfers = keepingChecksums(planned, [...onSuccess, ...onFailure]);
  const diagnostics = resolver.diagnostics.sort(byPosition).slice(0, LIMITS.diagnostics);
  if (hasErrors(diagnostics)) return { plan: null, diagnostics };
  const plan: Plan = {
    version: 1,
    kind: definition.kind,
    ...identity(definition),
    nowMs: bindings.nowMs,
    ...execution(definition),
    transfers,
    levels: levelsOf(transfers),
    onSuccess,
    onFailure,
    variables: shownVariables(definition, scope, bindings),
  };
  return { plan, diagnostics };
}

function identity(
  { model, name }: Definition,
): Pick<Plan, "name" | "description" | "tenant" | "namespace" | "labels"> {
  const { metadata } = model;
  return {
    name,
    description: metadata.description ?? null,
    tenant: metadata.tenant ?? "default",
    namespace: metadata.namespace ?? "default",
    labels: Object.fromEntries(
      Object.entries(metadata.labels ?? {}).map(([label, value]) => [label, String(value)]),
    ),
  };
}

function execution(
  { model }: Definition,
): Pick<Plan, "strategy" | "maxConcurrency" | "timeoutMs" | "continueOnError"> {
  const declared = model.kind === "Transfer" ? {} : model.spec.execution ?? {};
  const timeout = "timeout" in declared ? declared.timeout : undefined;
  return {
    strategy: ("strategy" in declared ? declared.strategy : undefined) ?? "sequential",
    maxConcurrency: ("maxConcurrency" in declared ? declared.maxConcurrency : undefined) ??
      LIMITS.defaultConcurrency,
    timeoutMs: timeout === undefined ? null : parseDurationMs(timeout),
    continueOnError: ("continueOnError" in declared ? declared.continueOnError : undefined) ??
      false,
  };
}

function planStep(
  resolver: Resolver,
  scope: Scope,
  definition: Definition,
  step: StepDeclaration,
): PlannedTransfer {
  const body = withDefaults(defaultsOf(definition), step.body);
  const template = planTransfer(resolver, body, step.path);
  checkPlace(resolver, template.source.location, [...step.path, "source"], "source");
  checkPlace(resolver, template.destination.location, [...step.path, "destination"], "destination");
  const { after = null } = template.set ?? {};
  if (after !== null && after !== "delete") {
    checkPlace(resolver, after.move, [...step.path, "source", "after"], "source.after.move");
  }
  const condition = body.condition === undefined
    ? null
    : planCondition(resolver, scope, body.condition, [...step.path, "condition"]);
  return { name: step.name, dependsOn: [...new Set(body.dependsOn ?? [])], condition, template };
}

/** A place without holes can be told to be wrong now instead of in the middle of the night. */
function checkPlace(
  resolver: Resolver,
  location: LocationTemplate,
  path: ValuePath,
  what: string,
): void {
  const { text } = location;
  if (resolver.isIncomplete || text.some((part) => typeof part !== "string")) return;
  try {
    // What `protocol:` says is answered by `unsupported`, so that a plan can still be shown.
    resolveLocation({ ...location, protocol: null }, text.join(""), what);
  } catch (thrown) {
    const escapes = thrown instanceof WorkflowError && thrown.code === "pathEscapes";
    const code = escapes ? "pathEscapes" : "pathInvalid";
    const key = path.at(-1) === "after" ? "move" : location.form;
    resolver.report(code, messageOf(thrown), [...path, key]);
  }
}

function planCondition(
  resolver: Resolver,
  scope: Scope,
  text: string,
  path: ValuePath,
): CompiledCondition | null {
  const parsed = parseCondition(text, scope.stepLookup);
  if ("message" in parsed) {
    resolver.report("badCondition", parsed.message, path);
    return null;
  }
  const values: Record<string, string> = {};
  for (const [key, written] of parsed.wants) {
    values[key] = maskSealed(sealedOf(resolver.pieces(written, path, "text")));
  }
  const { cel, offsets, refersTo } = parsed;
  return { text, cel, offsets, refersTo, values };
}

function planActions(
  resolver: Resolver,
  definition: Definition,
  outcome: "onSuccess" | "onFailure",
): Action[] {
  return actionsOf(definition, outcome).map(({ path, action }) => {
    switch (action.action) {
      case "notify":
        return {
          type: "notify",
          target: resolver.template(action.target, [...path, "target"]),
          message: resolver.template(action.message, [...path, "message"]),
        };
      case "cleanup":
        return {
          type: "cleanup",
          target: resolver.template(action.target, [...path, "target"]),
          retentionDays: action.retentionDays,
        };
      case "rollback":
        return { type: "rollback", strategy: action.strategy };
    }
  });
}

/** Environment and files are shown as references: a variable is often where a token is kept. */
function shownVariables(
  definition: Definition,
  scope: Scope,
  bindings: Bindings,
): Record<string, string> {
  // Variables that nothing uses may lack a value: a resolver of its own keeps their problems apart.
  const resolver = new Resolver(definition, scope, bindings);
  const shown: Record<string, string> = {};
  for (const [name, text] of scope.variables) {
    const given = boundValue(bindings, name);
    const path = ["spec", "variables", name];
    shown[name] = given ?? maskSealed(resolver.sealed(text ?? "", path));
  }
  return shown;
}
