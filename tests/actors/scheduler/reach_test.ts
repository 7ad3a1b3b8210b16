/** What an agent's own rules say of a host, before anything is resolved. */

import assert from "node:assert/strict";
import { hostReachOf, mayReach } from "../../../actors/scheduler/reach.ts";

function may(allow: readonly string[], deny: readonly string[], place: string): boolean {
  return mayReach(hostReachOf({ reach: { allow: [...allow], deny: [...deny] } })!, place);
}

Deno.test("an agent without rules may reach everything", () => {
  assert.equal(hostReachOf({}), null);
  assert.equal(hostReachOf({ reach: { allow: [], deny: [] } }), null);
});

Deno.test("names are judged with their ports", () => {
  assert.equal(may(["*.dmz.example"], [], "files.dmz.example:22"), true);
  assert.equal(may(["*.dmz.example"], [], "files.lan.example"), false);
  assert.equal(may(["files.example:22"], [], "files.example:21"), false);
  assert.equal(may([], ["*.evil.example"], "a.evil.example"), false);
  assert.equal(may([], ["*.evil.example"], "good.example"), true);
  assert.equal(may(["*"], ["files.example"], "files.example"), false);
});

Deno.test("addresses are judged as what they are, however they are written", () => {
  assert.equal(may(["10.0.0.0/8"], [], "10.1.2.3:22"), true);
  assert.equal(may(["10.0.0.0/8"], [], "192.168.1.1"), false);
  assert.equal(may([], ["127.0.0.0/8"], "0x7f.1"), false);
  assert.equal(may(["[fd00::]/8"], [], "[fd00::1]:22"), true);
  assert.equal(may(["[fd00::]/8"], [], "[fe80::1]"), false);
});

Deno.test("what is not certain counts as reached: the agent itself judges what it resolves", () => {
  assert.equal(may(["10.0.0.0/8"], [], "files.example"), true);
  assert.equal(may(["files.example:22"], [], "files.example"), true);
  assert.equal(may([], ["files.example:22"], "files.example"), true);
  assert.equal(may([], ["10.0.0.0/8"], "files.example"), true);
});
