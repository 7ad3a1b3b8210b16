/** Conditions: CEL over the outcomes of earlier transfers, checked before anything runs. */

import { type ASTNode, Environment, ParseError, type ParseResult } from "@marcbachmann/cel-js";
import { messageOf } from "../runtime/base/errors.ts";
import { WorkflowError } from "./errors.ts";
import { LIMITS } from "./limits.ts";
import type { CompiledCondition, StepResult, StepResults } from "./plan.ts";
import { parseText, type Reference } from "./expression.ts";

class Result {
  constructor(
    readonly checksum: string,
    readonly bytes: bigint,
    readonly uri: string,
    readonly durationMs: bigint,
  ) {}
}
class Failure {
  constructor(readonly message: string) {}
}
class Step {
  constructor(
    readonly success: boolean,
    readonly state: string,
    readonly result: Result,
    readonly error: Failure,
  ) {}
}

/** Never changed after this: CEL expressions share it. */
const ENVIRONMENT = new Environment({
  limits: {
    maxAstNodes: LIMITS.conditionNodes,
    maxDepth: LIMITS.conditionNesting,
    maxListElements: LIMITS.conditionListElements,
    maxMapEntries: LIMITS.conditionListElements,
    maxCallArguments: 8,
  },
})
  .registerType("Result", {
    ctor: Result,
    fields: { checksum: "string", bytes: "int", uri: "string", durationMs: "int" },
  })
  .registerType("Failure", { ctor: Failure, fields: { message: "string" } })
  .registerType("Step", {
    ctor: Step,
    fields: { success: "bool", state: "string", result: "Result", error: "Failure" },
  })
  .registerVariable("steps", "map<string, Step>")
  .registerVariable("values", "map<string, string>");

/** A condition before its values are known. */
export interface ParsedCondition {
  readonly text: string;
  readonly cel: string;
  readonly offsets: readonly (readonly [number, number])[];
  readonly refersTo: readonly string[];
  /** The expressions that the plan must resolve, by the key under which the condition asks for them. */
  readonly wants: ReadonlyMap<string, string>;
}

/** Why a text is no condition; `start` and `end` are offsets in the declared text. */
export interface ConditionProblem {
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly suggestion?: string;
}

/** Tells a transfer's fact from any other name. */
export type StepLookup = (reference: Reference) => { step: string; field: string } | null;

/**
 * Lowers `${user-data.success} && ${REGION} == "eu"` to
 * `steps["user-data"].success && values["REGION"] == "eu"` and checks its syntax and types.
 */
export function parseCondition(
  text: string,
  lookup: StepLookup,
): ParsedCondition | ConditionProblem {
  if (text.length > LIMITS.conditionCharacters) {
    const message = `the condition is longer than ${LIMITS.conditionCharacters} characters`;
    return { message, start: 0, end: 1 };
  }
  const { parts, problems } = parseText(text);
  const problem = problems[0];
  if (problem !== undefined) return atNeedle(text, problem);
  const condition = lower(text, parts, lookup);
  return check(condition) ?? condition;
}

function atNeedle(
  text: string,
  problem: { message: string; needle: string; suggestion?: string | undefined },
): ConditionProblem {
  const start = Math.max(0, text.indexOf(problem.needle));
  const { message, suggestion } = problem;
  const range = { start, end: start + problem.needle.length };
  return suggestion === undefined ? { message, ...range } : { message, ...range, suggestion };
}

function lower(
  text: string,
  parts: ReturnType<typeof parseText>["parts"],
  lookup: StepLookup,
): ParsedCondition {
  const offsets: (readonly [number, number])[] = [];
  const refersTo = new Set<string>();
  const wants = new Map<string, string>();
  let cel = "";
  let textAt = 0;
  for (const part of parts) {
    if (typeof part === "string") {
      offsets.push([cel.length, textAt]);
      cel += part;
      textAt += part.length + part.split("${").length - 1;
      continue;
    }
    offsets.push([cel.length, part.offset]);
    const fact = lookup(part.reference);
    if (fact === null) {
      const key = part.written.slice(2, -1).trim();
      wants.set(key, part.written);
      cel += `values[${JSON.stringify(key)}]`;
    } else {
      refersTo.add(fact.step);
      cel += `steps[${JSON.stringify(fact.step)}].${fact.field}`;
    }
    textAt = part.offset + part.written.length;
  }
  return { text, cel, offsets, refersTo: [...refersTo], wants };
}

function check(condition: ParsedCondition): ConditionProblem | null {
  const parsed = parseCel(condition.cel);
  if (parsed instanceof ParseError) return celProblem(condition, parsed);
  const checked = parsed.check();
  if (!checked.valid) return celProblem(condition, checked.error!);
  const refused = refusedNode(condition, parsed.ast, 0);
  if (refused !== null) return refused;
  if (checked.type === "bool" || checked.type === "dyn") return null;
  const message = `a condition must be true or false, this one is ${checked.type}`;
  return { message, start: 0, end: condition.text.length };
}

function parseCel(cel: string): ParseResult | ParseError {
  try {
    return ENVIRONMENT.parse(cel);
  } catch (thrown) {
    if (thrown instanceof ParseError) return thrown;
    throw thrown;
  }
}

function celProblem(
  condition: ParsedCondition,
  { summary, range }: Pick<ParseError, "summary" | "range">,
): ConditionProblem {
  return problemAt(condition, sentence(summary), range ?? { start: 0, end: 1 });
}

function sentence(summary: string): string {
  const unknown = /^Unknown variable: (.+)$/.exec(summary);
  if (unknown !== null) return `"${unknown[1]}" is not known; names are written \${${unknown[1]}}`;
  return `the condition is wrong: ${summary.replaceAll("EOF", "end of text")}`;
}

function problemAt(
  condition: ParsedCondition,
  message: string,
  range: { start: number; end: number },
): ConditionProblem {
  const start = originalOffset(condition, range.start);
  return { message, start, end: Math.max(start + 1, originalOffset(condition, range.end)) };
}

/** The place in the declared text of a place in the CEL text. */
export function originalOffset(
  condition: Pick<CompiledCondition, "text" | "cel" | "offsets">,
  celOffset: number,
): number {
  let found: readonly [number, number] = [0, 0];
  for (const entry of condition.offsets) if (entry[0] <= celOffset) found = entry;
  const [celStart, textStart] = found;
  // Inside of an expression every place is its start: the two texts differ there.
  if (condition.text.startsWith("${", textStart)) return textStart;
  return Math.min(textStart + celOffset - celStart, condition.text.length);
}

const MACROS: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** What CEL allows and this room does not: unbounded work, and names that would escape the checks. */
function refusedNode(
  condition: ParsedCondition,
  node: ASTNode,
  macros: number,
): ConditionProblem | null {
  let inside = macros;
  if (node.op === "id" && (node.args === "steps" || node.args === "values")) {
    const generated = condition.offsets.some(([celStart, textStart]) =>
      celStart === node.start && condition.text.startsWith("${", textStart)
    );
    if (!generated) {
      const message = `"${node.args}" cannot be used directly; write \${name.success}`;
      return problemAt(condition, message, node.range);
    }
  }
  if (node.op === "rcall" || node.op === "call") {
    const name = node.args[0];
    if (name === "matches") {
      const message =
        "`matches` is not offered, its time has no bound; use startsWith, endsWith or contains";
      return problemAt(condition, message, node.range);
    }
    if (MACROS.has(name)) inside += 1;
    if (inside > LIMITS.conditionMacros) {
      const message = `more than ${LIMITS.conditionMacros} loops within each other`;
      return problemAt(condition, message, node.range);
    }
  }
  for (const child of childNodes(node.args)) {
    const refused = refusedNode(condition, child, inside);
    if (refused !== null) return refused;
  }
  return null;
}

function childNodes(value: unknown): ASTNode[] {
  if (Array.isArray(value)) return value.flatMap(childNodes);
  return typeof value === "object" && value !== null && "op" in value ? [value as ASTNode] : [];
}

/**
 * The answer of a condition. Facts that an unfinished or failed transfer does not have are empty (`""`, `0`).
 * Throws {@link WorkflowError} `missingResult`, `conditionFailed` or `conditionNotBoolean`.
 */
export function evaluateCondition(condition: CompiledCondition, results: StepResults): boolean {
  // A Map, because the evaluator looks at `constructor` of plain objects, which may be a transfer's name.
  const steps = new Map<string, Step>();
  for (const name of condition.refersTo) {
    const result = Object.hasOwn(results, name) ? results[name] : undefined;
    if (result === undefined) {
      const message = `cannot decide the condition ${quoted(condition)}: ` +
        `transfer "${name}" has not ended; evaluate it after its dependencies`;
      throw new WorkflowError("missingResult", message);
    }
    steps.set(name, stepOf(result));
  }
  const answer = run(condition, steps);
  if (typeof answer === "boolean") return answer;
  const message = `the condition ${quoted(condition)} gave ${typeof answer}, not true or false`;
  throw new WorkflowError("conditionNotBoolean", message);
}

function run(condition: CompiledCondition, steps: ReadonlyMap<string, Step>): unknown {
  try {
    const values = new Map(Object.entries(condition.values));
    return ENVIRONMENT.evaluate(condition.cel, { steps, values });
  } catch (cause) {
    const summary = (cause as { summary?: string }).summary ?? messageOf(cause);
    const message = `cannot decide the condition ${quoted(condition)}: ${summary}`;
    throw new WorkflowError("conditionFailed", message, { cause });
  }
}

function quoted(condition: CompiledCondition): string {
  return JSON.stringify(condition.text);
}

function stepOf(result: StepResult): Step {
  const facts = new Result(
    result.checksum ?? "",
    BigInt(result.bytes ?? 0),
    result.uri ?? "",
    BigInt(Math.round(result.durationMs ?? 0)),
  );
  const failure = new Failure(result.error?.message ?? "");
  return new Step(result.state === "succeeded", result.state, facts, failure);
}
