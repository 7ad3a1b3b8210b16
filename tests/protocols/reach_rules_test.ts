/** What one line of configuration means, and what fits it. */

import assert from "node:assert/strict";
import { hostOf } from "../../protocols/addresses.ts";
import { fitsAddress, fitsName, type ReachRule, ruleOf } from "../../protocols/reach_rules.ts";

function rule(text: string): ReachRule {
  const found = ruleOf(text);
  assert.ok(found !== null, `${text} is a rule`);
  return found;
}

function fits(text: string, host: string, port: number | null = 443): boolean {
  const target = { host: hostOf(host)!, port };
  const { address } = target.host;
  return fitsName(rule(text), target) ||
    (address !== null && fitsAddress(rule(text), port, address));
}

Deno.test("a name fits itself, in any spelling, and nothing below or beside it", () => {
  assert.ok(fits("files.example.org", "FILES.example.org."));
  assert.ok(fits("Files.Example.org.", "files.example.org"));
  assert.ok(!fits("example.org", "files.example.org"));
  assert.ok(!fits("example.org", "example.org.evil.test"));
});

Deno.test("a suffix fits every name below it and not itself", () => {
  assert.ok(fits("*.example.org", "a.example.org"));
  assert.ok(fits("*.example.org", "a.b.example.org"));
  assert.ok(!fits("*.example.org", "example.org"));
  assert.ok(!fits("*.example.org", "badexample.org"));
});

Deno.test("an address fits in any spelling, a range what is in it", () => {
  assert.ok(fits("127.0.0.1", "0x7f.1"));
  assert.ok(fits("2130706433", "127.0.0.1"));
  assert.ok(fits("10.0.0.0/8", "10.200.1.1"));
  assert.ok(fits("10.0.0.0/8", "::ffff:10.0.0.1"));
  assert.ok(fits("fd00::/8", "fd12::1"));
  assert.ok(fits("::1", "[::1]"));
  assert.ok(!fits("10.0.0.0/8", "11.0.0.1"));
});

Deno.test("ports narrow a rule, and a port that is not known fits none of them", () => {
  assert.ok(fits("example.org:443", "example.org", 443));
  assert.ok(!fits("example.org:443", "example.org", 80));
  assert.ok(fits("*:8000-8999", "anything.test", 8_443));
  assert.ok(!fits("*:8000-8999", "anything.test", 9_000));
  assert.ok(fits("10.0.0.0/8:22", "10.1.1.1", 22));
  assert.ok(fits("[fd00::/8]:22", "fd00::1", 22));
  assert.ok(fits("[fd00::1]:22", "fd00::1", 22));
  assert.ok(!fits("example.org:443", "example.org", null));
});

Deno.test("what is no rule is none", () => {
  const texts = [
    "",
    "a b",
    "*.",
    "*.*.org",
    "a.*.org",
    "*.10.0.0.1",
    "10.0.0.0/40",
    "example.org/8",
    "example.org:0",
    "example.org:70000",
    "example.org:9-8",
    "https://example.org",
    "user@example.org",
    "[::1",
    "fe80::1%eth0",
  ];
  for (const text of texts) assert.equal(ruleOf(text), null, text);
});
