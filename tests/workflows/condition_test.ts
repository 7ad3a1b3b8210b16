/** Conditions over earlier outcomes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { evaluateCondition, originalOffset } from "../../workflows/condition.ts";
import type { CompiledCondition, StepResults } from "../../workflows/plan.ts";
import { codes, failed, group, plan, succeeded, transfer } from "./fixtures.ts";

function text(condition: string, variables: Record<string, unknown> = {}): string {
  return group({
    variables,
    transfers: [
      transfer("user-data"),
      transfer("constructor"),
      transfer("last", { dependsOn: ["user-data", "constructor"], condition }),
    ],
  });
}

function compile(condition: string, variables: Record<string, unknown> = {}): CompiledCondition {
  return plan(text(condition, variables), { env: { REGION: "eu" } }).transfers[2]!.condition!;
}

const RESULTS: StepResults = {
  "user-data": succeeded({ bytes: 5_000_000_000 }),
  constructor: failed("no route"),
};

const decide = (condition: string) => evaluateCondition(compile(condition), RESULTS);

Deno.test("names with dashes are names, not subtractions", () => {
  assert.equal(decide("${user-data.success}"), true);
  assert.equal(decide("${user-data.success} && ${constructor.success}"), false);
  assert.deepEqual(compile("${user-data.success}").refersTo, ["user-data"]);
});

Deno.test("sizes compare as whole numbers, states and messages as text", () => {
  assert.equal(decide("${user-data.result.bytes} > 4999999999"), true);
  assert.equal(decide("${constructor.state} == 'failed'"), true);
  assert.equal(decide("${constructor.error.message}.contains('route')"), true);
});

Deno.test("facts that a failed transfer does not have are empty", () => {
  assert.equal(
    decide("${constructor.result.checksum} == '' && ${constructor.result.bytes} == 0"),
    true,
  );
});

Deno.test("variables and the environment are text of the plan", () => {
  const condition = compile("${MODE} == 'full' && ${env:REGION} == 'eu'", { MODE: "full" });
  assert.deepEqual(condition.values, { MODE: "full", "env:REGION": "eu" });
  assert.equal(evaluateCondition(condition, {}), true);
  assert.ok(codes(text("${env:REGION} == 'eu'")).includes("unbound"));
});

Deno.test("a value cannot become part of the expression", () => {
  const condition = compile("${MODE} == 'x'", { MODE: "x' || true || 'y" });
  assert.equal(evaluateCondition(condition, {}), false);
});

Deno.test("a condition is decided only when its transfers have ended", () => {
  const condition = compile("${user-data.success}");
  assert.throws(() => evaluateCondition(condition, {}), { code: "missingResult" });
});

Deno.test("an answer that is not true or false is a typed error", () => {
  const condition = { ...compile("${user-data.success}"), cel: 'steps["user-data"].state' };
  assert.throws(() => evaluateCondition(condition, RESULTS), { code: "conditionNotBoolean" });
  const broken = { ...condition, cel: 'int(steps["user-data"].state) > 1' };
  assert.throws(() => evaluateCondition(broken, RESULTS), { code: "conditionFailed" });
});

Deno.test("secrets, strangers' results and unbounded work are refused", () => {
  assert.deepEqual(codes(text("${secret:X} == 'a'")), ["secretInText"]);
  assert.deepEqual(codes(text("${last.success}")), ["notADependency"]);
  assert.deepEqual(codes(text("${V}", { V: "${user-data.success}" })), ["badCondition"]);
  assert.deepEqual(codes(text("'a'.matches('(a+)+')")), ["badCondition"]);
  assert.deepEqual(codes(text("(".repeat(100) + "true" + ")".repeat(100))), ["badCondition"]);
  assert.deepEqual(codes(text(`'${"x".repeat(5_000)}' == ''`)), ["badCondition"]);
  assert.deepEqual(codes(text("values['MODE'] == ''")), ["badCondition"]);
});

Deno.test("property: a place in the CEL text leads back to the same words of the declared text", () => {
  const word = fc.constantFrom("${user-data.success}", "${constructor.success}", "true", "false");
  const operator = fc.constantFrom(" && ", " || ", "  ==  ");
  fc.assert(
    fc.property(fc.array(fc.tuple(word, operator), { minLength: 1, maxLength: 6 }), (pieces) => {
      const declared = pieces.map(([name, sign], index) => index === 0 ? name : sign + name).join(
        "",
      );
      const condition = compile(declared);
      for (const match of condition.cel.matchAll(/true|false|&&|\|\||==/g)) {
        const at = originalOffset(condition, match.index);
        assert.equal(declared.slice(at, at + match[0].length), match[0]);
      }
      assert.equal(typeof evaluateCondition(condition, RESULTS), "boolean");
    }),
    { numRuns: 100 },
  );
});
