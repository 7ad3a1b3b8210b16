/** What the replicated state keeps of volumes: a job goes on where it has begun. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { localPath } from "../../../actors/scheduler/volumes.ts";
import type { SetSpec } from "../../../workflows/spec.ts";
import { Rig } from "../job/rig.ts";
import { Log } from "../tenant/log.ts";
import { registrationOf } from "./registrations.ts";

const { spec } = new Rig();

function logOf(volumes: Readonly<Record<string, readonly [string, string, boolean?][]>>): Log {
  const log = new Log();
  for (const [agent, held] of Object.entries(volumes)) {
    const given = held.map(([id, path, readOnly = false]) => ({ id, path, readOnly }));
    const event = { type: "register", registration: registrationOf(agent, 9, given) } as const;
    log.apply({ type: "agentEvent", agent, event });
  }
  return log;
}

function to(path: string) {
  return { destination: { ...spec.destination, uri: `file://${path}` } };
}

Deno.test("an attempt stays on the volume of earlier ones, at any agent that has it", () => {
  const log = logOf({ a1: [["v1", "/data"]], a2: [["v2", "/data"]], a3: [["v1", "/data"]] });
  log.submit("acme", ["x"], to("/data/x"));
  assert.deepEqual(log.assign("acme-x", "a1"), []);
  assert.deepEqual(log.state.jobs.get("acme-x")?.volumes, { source: null, destination: "v1" });
  log.release("acme-x");
  assert.match(log.assign("acme-x", "a2").join(), /agent a2 has not volume v1 with \/data\/x/);
  assert.deepEqual(log.assign("acme-x", "a3"), []);
});

Deno.test("a local file that no volume of the agent holds, or may be written to, is refused", () => {
  const log = logOf({ a1: [["v1", "/data/a"]], a2: [["v2", "/data/ab", true]] });
  log.submit("acme", ["x"], to("/data/ab/x"));
  assert.match(log.assign("acme-x", "a1").join(), /agent a1 has not a volume with \/data\/ab\/x/);
  assert.match(log.assign("acme-x", "a2").join(), /agent a2 has not a volume/);
});

Deno.test("agents of an embedded run hold every path, and nothing is kept", () => {
  const log = new Log();
  log.submit("acme", ["x"], to("/anywhere/x"));
  assert.deepEqual(log.assign("acme-x", "a1"), []);
  assert.equal(log.state.jobs.get("acme-x")?.volumes, undefined);
});

Deno.test("the path of a file URI has no dots left and no slash within a name", () => {
  assert.equal(localPath("file:///data/a/../b//x%20y"), "/data/b/x y");
  assert.equal(localPath("file:///data/%2e%2e/x"), "/x");
  assert.equal(localPath("FILE:///data/a%2Fb"), "/data/a%2Fb");
  assert.equal(localPath("https://h/x"), null);
});

Deno.test("a path that needs no reading is the one that its URL has", () => {
  const segment = fc.stringMatching(/^[\w.~-]{1,5}$/);
  fc.assert(fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
    const uri = `file:///${segments.join("/")}`;
    const read = new URL(uri).pathname.split("/").filter((one) => one !== "");
    assert.equal(localPath(uri), `/${read.join("/")}`);
  }));
});

const SET = {
  glob: null,
  include: [],
  exclude: [],
  depth: null,
  minAgeMs: null,
  maxAgeMs: null,
  minBytes: null,
  maxBytes: null,
  stable: null,
  onlyNew: null,
  order: "none",
  compare: "mtime",
  after: null,
  mirror: null,
  concurrentFiles: 16,
  maxFailures: 1_000,
} as const satisfies SetSpec;

/** A set from one local directory to another. */
function setOf(from: string, into: string, after: SetSpec["after"] = null) {
  return {
    source: { ...spec.source, uri: `file://${from}/` },
    destination: { ...spec.destination, uri: `file://${into}/` },
    set: { ...SET, after },
  };
}

Deno.test("the directory of a set may be that of its volume", () => {
  const log = logOf({ a1: [["in", "/in", true], ["out", "/out"]], a2: [["in", "/in", true]] });
  log.submit("acme", ["x"], setOf("/in", "/out"));
  assert.match(log.assign("acme-x", "a2").join(), /agent a2 has not a volume with \/out/);
  assert.deepEqual(log.assign("acme-x", "a1"), []);
  assert.deepEqual(log.state.jobs.get("acme-x")?.volumes, { source: "in", destination: "out" });
});

Deno.test("what changes its source needs a volume that may be written to, and so does its archive", () => {
  const log = logOf({
    a1: [["in", "/in", true], ["out", "/out"]],
    a2: [["in", "/in"], ["out", "/out"]],
  });
  log.submit("acme", ["x", "y"], setOf("/in", "/out", "delete"));
  assert.match(log.assign("acme-x", "a1").join(), /agent a1 has not a volume with \/in/);
  assert.deepEqual(log.assign("acme-x", "a2"), []);
  log.submit("beta", ["z"], setOf("/in", "/out", { move: "file:///etc/" }));
  assert.match(log.assign("beta-z", "a2").join(), /agent a2 has no volume with \/etc/);
  log.submit("gamma", ["z"], setOf("/in", "/out", { move: "file:///in/done/" }));
  assert.deepEqual(log.assign("gamma-z", "a2"), []);
});
