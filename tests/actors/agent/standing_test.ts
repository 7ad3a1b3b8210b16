import assert from "node:assert/strict";
import { type OwnEvent, type OwnStatus, Standing } from "../../../actors/agent/standing.ts";

const EVENTS: readonly OwnEvent[] = [
  "started",
  "registered",
  "unknown",
  "worked",
  "rested",
  "sickened",
  "recovered",
  "drained",
  "left",
  "broke",
];

/** How each state is reached, and where each event leads from it; what is not here changes nothing. */
const CASES: Readonly<
  Record<OwnStatus, { by: readonly OwnEvent[]; to: Partial<Record<OwnEvent, OwnStatus>> }>
> = {
  initializing: { by: [], to: { started: "registering", broke: "failed" } },
  registering: {
    by: ["started"],
    to: { registered: "active", drained: "draining", broke: "failed" },
  },
  active: { by: ["started", "registered"], to: serving({ worked: "working", rested: "idle" }) },
  working: {
    by: ["started", "registered", "worked"],
    to: serving({ registered: "active", rested: "idle" }),
  },
  idle: {
    by: ["started", "registered", "rested"],
    to: serving({ registered: "active", worked: "working" }),
  },
  unhealthy: {
    by: ["started", "registered", "sickened"],
    to: { unknown: "registering", recovered: "active", drained: "draining", broke: "failed" },
  },
  draining: {
    by: ["started", "registered", "drained"],
    to: { left: "deregistered", broke: "failed" },
  },
  failed: { by: ["broke"], to: { left: "deregistered" } },
  deregistered: { by: ["started", "drained", "left"], to: {} },
};

function serving(more: Partial<Record<OwnEvent, OwnStatus>>): Partial<Record<OwnEvent, OwnStatus>> {
  return {
    unknown: "registering",
    sickened: "unhealthy",
    drained: "draining",
    broke: "failed",
    ...more,
  };
}

Deno.test("every event leads from every state where the table says, or changes nothing", () => {
  for (const [status, { by, to }] of Object.entries(CASES)) {
    for (const event of EVENTS) {
      const standing = new Standing();
      for (const one of by) standing.happened(one, one);
      assert.equal(standing.status, status);
      assert.equal(standing.happened(event, "because"), to[event] !== undefined);
      assert.equal(standing.status, to[event] ?? status, `${event} in ${status}`);
      if (to[event] !== undefined) assert.equal(standing.why, "because");
    }
  }
});
