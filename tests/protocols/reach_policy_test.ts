/** The judgement: what is allowed, what is denied, and which of them wins. */

import assert from "node:assert/strict";
import { type Address, addressOf, hostOf } from "../../protocols/addresses.ts";
import {
  DEFAULT_REACH,
  judgeHost,
  judgeRedirect,
  judgeScheme,
  type ReachPolicy,
  rulesOf,
} from "../../protocols/reach_policy.ts";
import type { ReachRule } from "../../protocols/reach_rules.ts";

type Given = Partial<Omit<ReachPolicy, "allow" | "deny">> & { allow?: string[]; deny?: string[] };

function policy({ allow = [], deny = [], ...rest }: Given): ReachPolicy {
  return {
    ...DEFAULT_REACH,
    ...rest,
    allow: rulesOf(allow) as ReachRule[],
    deny: rulesOf(deny) as ReachRule[],
  };
}

function addresses(...texts: string[]): Address[] {
  return texts.map((text) => addressOf(text)!);
}

/** The setting that refuses, `null` where it may be reached. */
function judged(given: Given, host: string, found: string[] | null = null, port = 443) {
  const target = { host: hostOf(host)!, port };
  const own = target.host.address;
  const known = found === null ? own === null ? null : [own] : addresses(...found);
  return judgeHost(policy(given), target, known)?.setting ?? null;
}

Deno.test("by default every place may be declared but link-local and metadata ones", () => {
  assert.equal(judged({}, "example.org", ["93.184.215.14"]), null);
  assert.equal(judged({}, "10.0.0.1"), null);
  assert.equal(judged({}, "127.0.0.1"), null);
  assert.equal(judged({}, "169.254.169.254"), "reach.metadata");
  assert.equal(judged({}, "metadata.google.internal", ["93.184.215.14"]), "reach.metadata");
  assert.equal(judged({}, "169.254.1.1"), "reach.linkLocal");
  assert.equal(judged({}, "rebound.test", ["169.254.169.254"]), "reach.metadata");
  assert.equal(judged({}, "224.0.0.1"), "", "no setting allows a multicast address");
});

Deno.test("one bad address among many is enough to refuse a name", () => {
  assert.equal(judged({}, "a.test", ["93.184.215.14", "fd00:ec2::254"]), "reach.metadata");
  assert.equal(
    judged({ privateNetworks: false }, "a.test", ["93.184.215.14", "10.0.0.1"]),
    "reach.privateNetworks",
  );
  assert.equal(judged({ loopback: false }, "a.test", ["::1"]), "reach.loopback");
  assert.equal(judged({ loopback: false }, "localhost"), "reach.loopback");
});

Deno.test("a denial beats what is allowed, by name, address, range and port", () => {
  const given = { allow: ["*.corp.test", "10.0.0.0/8"], deny: ["secret.corp.test", "10.9.0.0/16"] };
  assert.equal(judged(given, "a.corp.test", ["10.1.1.1"]), null);
  assert.equal(judged(given, "secret.corp.test", ["10.1.1.1"]), "reach.deny");
  assert.equal(judged(given, "a.corp.test", ["10.9.1.1"]), "reach.deny");
  assert.equal(judged(given, "a.corp.test", ["::ffff:10.9.1.1"]), "reach.deny");
  assert.equal(judged({ deny: ["*:25"] }, "a.test", ["93.184.215.14"], 25), "reach.deny");
  assert.equal(judged({ deny: ["*:25"] }, "a.test", ["93.184.215.14"], 26), null);
});

Deno.test("where something is allowed, nothing else is", () => {
  const given = { allow: ["files.test:443", "10.0.0.0/8"] };
  assert.equal(judged(given, "files.test", ["93.184.215.14"]), null);
  assert.equal(judged(given, "files.test", ["93.184.215.14"], 80), "reach.allow");
  assert.equal(judged(given, "other.test", ["93.184.215.14"]), "reach.allow");
  assert.equal(judged(given, "other.test", ["10.1.1.1"]), null, "by all its addresses");
  assert.equal(judged(given, "other.test", ["10.1.1.1", "93.184.215.14"]), "reach.allow");
  assert.equal(judged(given, "other.test", []), "reach.allow");
  assert.equal(judged(given, "other.test"), "reach.allow", "a range allows no unresolved name");
});

Deno.test("an allowed name that has become a metadata address is refused", () => {
  assert.equal(judged({ allow: ["a.test"] }, "a.test", ["169.254.169.254"]), "reach.metadata");
  assert.equal(judged({ allow: ["169.254.169.254"] }, "169.254.169.254"), "reach.metadata");
  assert.equal(judged({ metadata: true }, "169.254.169.254"), null);
});

Deno.test("schemes that are not listed are refused", () => {
  assert.equal(judgeScheme(policy({}), "sftp"), null);
  assert.equal(judgeScheme(policy({ schemes: ["https"] }), "https"), null);
  assert.equal(judgeScheme(policy({ schemes: ["https"] }), "http")?.setting, "reach.schemes");
});

function redirected(from: [string, ...string[]], to: [string, ...string[]], given: Given = {}) {
  const [fromName, ...fromFound] = from;
  const [toName, ...toFound] = to;
  const end = (name: string, found: string[]) => {
    const host = hostOf(name)!;
    return { host, addresses: host.address === null ? addresses(...found) : [host.address] };
  };
  return judgeRedirect(policy(given), end(fromName, fromFound), end(toName, toFound)) !== null;
}

Deno.test("a redirect leads outwards or stays, never inwards, unless that is allowed", () => {
  const outside: [string, string] = ["out.test", "93.184.215.14"];
  assert.ok(redirected(outside, ["127.0.0.1"]));
  assert.ok(redirected(outside, ["10.0.0.1"]));
  assert.ok(redirected(outside, ["looks-fine.test", "10.0.0.1"]), "by what the name resolves to");
  assert.ok(redirected(outside, ["mixed.test", "93.184.215.14", "127.0.0.1"]));
  assert.ok(redirected(["10.0.0.1"], ["127.0.0.1"]));
  assert.ok(redirected(["two-faced.test", "93.184.215.14", "127.0.0.1"], ["127.0.0.1"]));
  assert.ok(!redirected(outside, ["other.test", "93.184.215.15"]));
  assert.ok(!redirected(["10.0.0.1"], ["192.168.0.1"]));
  assert.ok(!redirected(["127.0.0.1"], ["127.0.0.2"]));
  assert.ok(!redirected(["127.0.0.1"], outside));
  assert.ok(!redirected(outside, ["10.0.0.1"], { inwardRedirects: true }));
});
