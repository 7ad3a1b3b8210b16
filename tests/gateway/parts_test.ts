/** The small parts of the door by themselves. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Controllers } from "../../gateway/controllers.ts";
import { cursorAfter, cursorText } from "../../gateway/cursor.ts";
import { isApiKey, newApiKey } from "../../gateway/keys.ts";
import { gatewayLimits } from "../../gateway/limits.ts";
import { pointerOf, Problem } from "../../gateway/problem.ts";
import { RateLimits } from "../../gateway/rate.ts";
import { labelSelector } from "../../gateway/selector.ts";
import { realEnv } from "../../runtime/env/real.ts";

const LIMITS = gatewayLimits();

/** A clock that is moved by hand. */
function handClock() {
  const clock = { atMs: 0, monotonic: () => clock.atMs };
  return clock;
}

Deno.test("a selector is read term by term", () => {
  const cases: [string, unknown][] = [
    ["", []],
    ["tier=gold", [{ name: "tier", values: ["gold"] }]],
    ["tier==gold", [{ name: "tier", values: ["gold"] }]],
    [" tier = gold , site ", [
      { name: "tier", values: ["gold"] },
      { name: "site", values: null },
    ]],
    ["tier in (gold, silver),a=", [
      { name: "tier", values: ["gold", "silver"] },
      { name: "a", values: [""] },
    ]],
  ];
  for (const [text, terms] of cases) assert.deepEqual(labelSelector(text, LIMITS), terms, text);
});

Deno.test("a selector that cannot be read is refused by the term", () => {
  const odd = ["a!=b", "!a", "a notin (b)", "a in b", "a in (b", "a in ((b))", "=b", "a=b=c", ","];
  for (const text of [...odd, "a=b c", `${"a,".repeat(40)}a`, "a".repeat(3_000)]) {
    assert.throws(
      () => labelSelector(text, LIMITS),
      (error) => error instanceof Problem && error.errors[0]?.parameter === "labels",
      text,
    );
  }
});

Deno.test("property: a cursor gives back what it was made of, for its own list only", () => {
  const { hash, close } = realEnv();
  const value = fc.record({ list: fc.string(), state: fc.option(fc.string()) });
  fc.assert(fc.property(value, fc.string({ unit: "binary" }), (filters, after) => {
    const cursor = cursorText(hash, filters, after);
    assert.match(cursor, /^[A-Za-z0-9_-]*$/);
    // What is no Unicode text does not survive JSON in UTF-8; no controller makes such a cursor.
    if (after.isWellFormed()) assert.equal(cursorAfter(hash, filters, cursor), after);
    assert.throws(() => cursorAfter(hash, { ...filters, more: 1 }, cursor), Problem);
  }));
  close();
});

Deno.test("property: what is no cursor of ours is a problem, never an exception of another kind", () => {
  const { hash, close } = realEnv();
  fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String(), fc.json()), (text) => {
    assert.throws(() => cursorAfter(hash, {}, text), Problem);
    assert.throws(() => cursorAfter(hash, {}, btoa(unescape(encodeURIComponent(text)))), Problem);
  }));
  close();
});

Deno.test("keys are what they look like, and differ", () => {
  const { random, close } = realEnv();
  const made = Array.from({ length: 100 }, () => newApiKey(random));
  assert.ok(made.every(isApiKey));
  assert.equal(new Set(made).size, made.length);
  for (
    const odd of ["", "qk_", "qk_short", `sk_${"a".repeat(43)}`, `${made[0]}a`, `${made[0]}\n`]
  ) {
    assert.ok(!isApiKey(odd), odd);
  }
  close();
});

Deno.test("a rate lets a burst through, then so many per second; others have their own", () => {
  const clock = handClock();
  const rates = new RateLimits(clock, 10, 100);
  const taken = (name: string, times: number) =>
    Array.from({ length: times }, () => rates.take(name)).filter((waitMs) => waitMs === 0).length;
  assert.equal(taken("a", 100), 20);
  assert.equal(taken("b", 5), 5);
  assert.equal(rates.take("a"), 100);
  clock.atMs += 1_000;
  assert.equal(taken("a", 100), 10);
  clock.atMs += 60_000;
  assert.equal(taken("a", 100), 20);
});

Deno.test("rates are remembered for so many only: the one seen longest ago is forgotten", () => {
  const clock = handClock();
  const rates = new RateLimits(clock, 1, 2);
  for (const name of ["a", "b"]) {
    while (rates.take(name) === 0);
    clock.atMs += 1;
  }
  rates.take("c");
  assert.equal(rates.take("a"), 0);
});

Deno.test("reads go round, writes stay, and who did not answer comes last for a while", () => {
  const clock = handClock();
  const ids = ["c1", "c2", "c3"];
  const controllers = new Controllers(() => ids, clock, 1_000);
  const round = (times: number) => Array.from({ length: times }, () => controllers.choose(false)!);
  assert.deepEqual(new Set(round(3)), new Set(ids));
  controllers.worked("c2");
  assert.deepEqual([controllers.choose(true), controllers.choose(true)], ["c2", "c2"]);
  controllers.failed("c2");
  assert.ok(!round(6).includes("c2"));
  clock.atMs += 1_000;
  assert.ok(round(3).includes("c2"));
  controllers.failed("c3");
  clock.atMs += 1;
  controllers.failed("c1");
  clock.atMs += 1;
  controllers.failed("c2");
  assert.equal(controllers.choose(false), "c3", "the one that failed longest ago");
  assert.equal(new Controllers(() => [], clock, 1).choose(true), null);
});

Deno.test("a pointer escapes what has a meaning in it", () => {
  assert.equal(pointerOf(["a/b", "m~n", 3, ""]), "/a~1b/m~0n/3/");
  assert.equal(pointerOf([]), "");
});

Deno.test("limits that contradict each other are refused at the start", () => {
  assert.throws(() => gatewayLimits({ tryMs: 60_000 }));
  assert.throws(() => gatewayLimits({ readTryMs: 60_000 }));
  assert.throws(() => gatewayLimits({ shutdownMs: 1 }));
});
