/** What a file may say about who carries a transfer out, and when. */

import assert from "node:assert/strict";
import { resolveTransfer } from "../../workflows/resolve.ts";
import { group, plan, transfer } from "./fixtures.ts";

const PLACE = { datacenter: null, zone: null, region: null, tags: [] };

function schedulingOf(more: Record<string, unknown>, defaults: Record<string, unknown> = {}) {
  const made = plan(group({ defaults, transfers: [transfer("a", more)] }));
  return resolveTransfer(made.transfers[0]!, {}).scheduling;
}

Deno.test("a transfer that says nothing of its scheduling has none in its spec", () => {
  const made = plan(group({ transfers: [transfer("a")] }));
  assert.equal("scheduling" in made.transfers[0]!.template, false);
  assert.equal("scheduling" in resolveTransfer(made.transfers[0]!, {}), false);
});

Deno.test("priority, affinity, places and volumes reach the spec as declared", () => {
  const scheduling = schedulingOf({
    priority: "high",
    affinity: {
      agents: ["a1", "a2"],
      tags: ["ssd"],
      antiAffinity: { agents: ["a9"], tags: ["metered"] },
      run: "apart",
    },
    source: {
      uri: "https://a.example/x",
      location: { datacenter: "fra1", region: "eu", tags: ["rack-7"] },
    },
    destination: { path: "/data/a", location: { zone: "z2" }, volume: "vol-b" },
  });
  assert.deepEqual(scheduling, {
    priority: "high",
    agents: ["a1", "a2"],
    tags: ["ssd"],
    avoid: { agents: ["a9"], tags: ["metered"] },
    run: "apart",
    near: [
      { ...PLACE, datacenter: "fra1", region: "eu", tags: ["rack-7"] },
      { ...PLACE, zone: "z2" },
    ],
    sourceVolume: null,
    destinationVolume: "vol-b",
  });
});

Deno.test("defaults of a group are under a transfer's own scheduling, map by map", () => {
  const defaults = {
    priority: "low",
    affinity: { tags: ["ssd"], run: "together" },
    destination: { volume: "vol-a" },
  };
  const scheduling = schedulingOf({ affinity: { run: "apart" } }, defaults);
  assert.deepEqual(
    [scheduling?.priority, scheduling?.tags, scheduling?.run, scheduling?.destinationVolume],
    ["low", ["ssd"], "apart", "vol-a"],
  );
});

Deno.test("`near` says which of the declared places counts", () => {
  const places = {
    source: { uri: "https://a.example/x", location: { datacenter: "from" } },
    destination: { path: "/data/a", location: { datacenter: "to" } },
  };
  const nearOf = (near?: string) =>
    schedulingOf({ ...places, ...(near === undefined ? {} : { affinity: { near } }) })?.near
      .map(({ datacenter }) => datacenter);
  assert.deepEqual(nearOf(), ["from", "to"]);
  assert.deepEqual(nearOf("both"), ["from", "to"]);
  assert.deepEqual(nearOf("source"), ["from"]);
  assert.deepEqual(nearOf("destination"), ["to"]);
});

Deno.test("the paper's preferred data centre is the place of a source without a location", () => {
  const networkOptimization = { preferredDataCenter: "dc-east-1" };
  const source = { uri: "https://a.example/x", networkOptimization };
  assert.deepEqual(schedulingOf({ source })?.near, [{ ...PLACE, datacenter: "dc-east-1" }]);
  const declared = { ...source, location: { zone: "z1" } };
  assert.deepEqual(schedulingOf({ source: declared })?.near, [{ ...PLACE, zone: "z1" }]);
});
