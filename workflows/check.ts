/** Everything about a definition that can be told before anybody gives it values. */

import { checkSteps } from "./check_steps.ts";
import { parseCondition } from "./condition.ts";
import { type Definition, type StepDeclaration, stepsOf } from "./definition.ts";
import type { Diagnostic } from "./diagnostic.ts";
import { type Expression, parseText } from "./expression.ts";
import { Ancestry, cyclesOf } from "./graph.ts";
import { LIMITS } from "./limits.ts";
import { type Leaf, Scope } from "./scope.ts";
import { type DeclaredText, declaredTexts } from "./walk.ts";

/** What the checks of one definition share. */
interface Checker {
  readonly definition: Definition;
  readonly scope: Scope;
  readonly steps: readonly StepDeclaration[];
  readonly ancestry: Ancestry;
  readonly given: ReadonlySet<string>;
  /** Names that were already reported as bound later: once per file is enough. */
  readonly late: Set<string>;
  readonly found: Diagnostic[];
}

/** The findings of a definition; `given` are the names that will be bound with `--var`. */
export function checkDefinition(definition: Definition, given: Iterable<string>): Diagnostic[] {
  const structural = checkSteps(definition);
  const steps = stepsOf(definition);
  const nodes = steps.map(({ name, body }) => ({ name, dependsOn: body.dependsOn ?? [] }));
  const checker: Checker = {
    definition,
    scope: new Scope(definition, given),
    steps,
    ancestry: new Ancestry(nodes),
    given: new Set(given),
    late: new Set(),
    found: structural,
  };
  checkVariables(checker);
  for (const declared of declaredTexts(definition)) {
    if (checker.found.length > LIMITS.diagnostics) break;
    if (declared.role === "condition") checkCondition(checker, declared);
    else checkText(checker, declared);
  }
  return checker.found;
}

function checkVariables({ definition, scope, found }: Checker): void {
  const { document } = definition;
  if (scope.variables.size > LIMITS.variables) {
    const message = `there are ${scope.variables.size} variables, more than ${LIMITS.variables}`;
    found.push(document.finding("tooMany", message, ["spec", "variables"], { atKey: true }));
    return;
  }
  const nodes = [...scope.variables].map(([name, text]) => ({
    name,
    dependsOn: text === null ? [] : scope.variablesIn(text),
  }));
  for (const cycle of cyclesOf(nodes)) {
    const message = `the variables go round in a circle: ${cycle.join(" -> ")}`;
    found.push(document.finding("cycle", message, ["spec", "variables", cycle.at(-2)!]));
  }
}

function checkText(checker: Checker, declared: DeclaredText): void {
  const { parts, problems } = parseText(declared.text);
  for (const { message, needle, suggestion } of problems) {
    const options = { needle, suggestion };
    checker.found.push(
      checker.definition.document.finding("badExpression", message, declared.path, options),
    );
  }
  for (const part of parts) if (typeof part !== "string") checkExpression(checker, declared, part);
}

function checkExpression(checker: Checker, declared: DeclaredText, expression: Expression): void {
  const { document } = checker.definition;
  const meaning = checker.scope.meaning(expression.reference);
  const needle = expression.written;
  if (meaning.kind === "unknown") {
    const { message, suggestion } = meaning;
    const options = { needle, suggestion };
    checker.found.push(document.finding("unknownVariable", message, declared.path, options));
    return;
  }
  if (declared.role === "unused") return;
  if (declared.role === "variable") {
    // Told where the name is written, not where the variable is used.
    if (meaning.kind === "late") checkLeaf(checker, declared, needle, meaning);
    return;
  }
  for (const leaf of checker.scope.leavesOf(expression.reference)) {
    checkLeaf(checker, declared, needle, leaf);
  }
}

function checkLeaf(checker: Checker, declared: DeclaredText, needle: string, leaf: Leaf): void {
  const { document } = checker.definition;
  const add = (
    code: Diagnostic["code"],
    message: string,
    suggestion?: string,
    severity: Diagnostic["severity"] = "error",
  ) => {
    const options = { needle, suggestion, severity };
    checker.found.push(document.finding(code, message, declared.path, options));
  };
  if (leaf.kind === "secret" && declared.role !== "sealed") {
    const message = `\${secret:${leaf.name}} would become visible here`;
    add(
      "secretInText",
      message,
      "secrets can stand in headers, authentication and tls of an end",
    );
  }
  if (leaf.kind === "error" && declared.role !== "failure") {
    add("unknownVariable", `\${error.${leaf.field}} has a meaning in onFailure only`);
  }
  if (leaf.kind === "step") checkStepLeaf(checker, declared, leaf.step, add);
  if (leaf.kind === "late" && !checker.late.has(leaf.name) && !isBound(checker, leaf.name)) {
    checker.late.add(leaf.name);
    const message = `"${leaf.name}" is bound later`;
    add("boundLater", message, `run it with --var ${leaf.name}=...`, "warning");
  }
}

function isBound(checker: Checker, name: string): boolean {
  const { tenant, namespace } = checker.definition.model.metadata;
  if (name === "tenant.id" || name === "tenant.name") return tenant !== undefined;
  if (name === "namespace.name") return namespace !== undefined;
  return checker.given.has(name);
}

function checkStepLeaf(
  checker: Checker,
  declared: DeclaredText,
  earlier: string,
  add: (code: Diagnostic["code"], message: string, suggestion?: string) => void,
): void {
  if (declared.step === null) {
    if (declared.path[1] === "onSuccess" || declared.path[1] === "onFailure") return;
    if (checker.definition.kind === "TransferGroup") {
      add(
        "notADependency",
        `the result of "${earlier}" cannot stand here: no transfer has run yet`,
      );
      return;
    }
  }
  const name = checker.steps[declared.step ?? 0]!.name;
  const precedes = name === earlier ? false : checker.ancestry.precedes(earlier, name);
  if (precedes) return;
  if (precedes === null) {
    add("tooMany", "the group refers to earlier results too often to be checked");
    return;
  }
  const message = name === earlier
    ? `"${name}" asks for its own result`
    : `"${name}" asks for the result of "${earlier}" but does not wait for it`;
  add(
    "notADependency",
    message,
    name === earlier ? undefined : `add "${earlier}" to its dependsOn`,
  );
}

function checkCondition(checker: Checker, declared: DeclaredText): void {
  const { document } = checker.definition;
  const before = checker.found.length;
  checkText(checker, declared);
  for (const part of parseText(declared.text).parts) {
    if (typeof part === "string") continue;
    const meaning = checker.scope.meaning(part.reference);
    if (meaning.kind !== "variable") continue;
    if (!checker.scope.leavesOf(part.reference).some((leaf) => leaf.kind === "step")) continue;
    const message =
      `the variable ${part.written} holds a transfer's result; name the transfer itself`;
    const options = { needle: part.written };
    checker.found.push(document.finding("badCondition", message, declared.path, options));
  }
  if (checker.found.length > before) return;
  const parsed = parseCondition(declared.text, checker.scope.stepLookup);
  if (!("message" in parsed)) return;
  const { message, start, end, suggestion } = parsed;
  const needle = declared.text.slice(start, end).trim();
  const options = needle === ""
    ? { suggestion, needle: declared.text, shift: Math.max(1, declared.text.length - 1) }
    : { suggestion, needle: declared.text.slice(start, end) };
  checker.found.push(document.finding("badCondition", message, declared.path, options));
}
