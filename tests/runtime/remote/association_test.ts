/** The association as a machine: states, system messages over lost links, `ended` after messages. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Association, type AssociationEffect } from "../../../runtime/remote/association.ts";
import type { ControlRecord, LaneCounts, SystemBody } from "../../../runtime/remote/wire.ts";

const LIMITS = { systemMessages: 100, graceMs: 5_000, watches: 100 };
const ALL = ["consensus", "message", "bulk"] as const;
const NONE: LaneCounts = { consensus: 0, message: 0, bulk: 0 };

function ended(watch: number, after: Partial<LaneCounts> = {}): SystemBody {
  return { do: "ended", watch, reason: "stopped", after: { ...NONE, ...after } };
}

function told(effects: AssociationEffect[]): SystemBody[] {
  return effects.flatMap((effect) => (effect.do === "tell" ? [effect.body] : []));
}

function sent(effects: AssociationEffect[]): ControlRecord[] {
  return effects.flatMap((effect) => (effect.do === "send" ? [effect.record] : []));
}

Deno.test("a peer that is down beyond its grace is given up, once", () => {
  const association = new Association(LIMITS, 0);
  association.connected([]);
  association.disconnected(1_000);
  assert.equal(association.state, "down");
  assert.deepEqual(association.passed(5_999), []);
  assert.deepEqual(association.passed(6_000), [{ do: "end", cause: "graceOver" }]);
  assert.deepEqual(association.passed(7_000), []);
  assert.deepEqual(association.end("bye"), []);
});

Deno.test("a peer that never came is given up after the grace too; one that is up never", () => {
  assert.equal(new Association(LIMITS, 0).passed(5_000).length, 1);
  const up = new Association(LIMITS, 0);
  up.connected([]);
  assert.equal(up.dueMs, null);
  assert.deepEqual(up.passed(1e9), []);
});

Deno.test("resume comes first, then what was not acknowledged, in order", () => {
  const association = new Association(LIMITS, 0);
  association.say({ do: "watch", watch: 1, path: "a" });
  association.say({ do: "unwatch", watch: 1 });
  const records = sent(association.connected([]));
  assert.deepEqual(records.map((record) => record.c), ["resume", "system", "system"]);
  association.acknowledged(1);
  association.disconnected(0);
  const again = sent(association.connected([]));
  assert.deepEqual(again.slice(1), [
    { c: "system", seq: 2, body: { do: "unwatch", watch: 1 } },
  ]);
});

Deno.test("more unacknowledged system messages than the limit end the association", () => {
  const association = new Association({ ...LIMITS, systemMessages: 2 }, 0);
  association.connected([]);
  assert.equal(sent(association.say(ended(1))).length, 1);
  association.say(ended(2));
  assert.deepEqual(association.say(ended(3)), [{ do: "end", cause: "systemOverflow" }]);
  assert.deepEqual(association.say(ended(4)), []);
});

Deno.test("a missing system message, or one acknowledged that was never sent, ends it", () => {
  const gap = new Association(LIMITS, 0);
  gap.connected([]);
  assert.deepEqual(gap.took(2, ended(1)), [{ do: "end", cause: "systemLost" }]);
  const invented = new Association(LIMITS, 0);
  invented.connected([]);
  assert.deepEqual(invented.acknowledged(1), [{ do: "end", cause: "systemLost" }]);
});

Deno.test("an ended waits for the messages that were sent before it, of every lane", () => {
  const association = new Association(LIMITS, 0);
  association.connected([]);
  const waiting = association.took(1, ended(7, { message: 2, consensus: 1 }));
  assert.deepEqual([told(waiting), sent(waiting)], [[], [{ c: "acknowledge", seq: 1 }]]);
  assert.deepEqual(association.arrived("message", 2), []);
  assert.equal(told(association.arrived("consensus", 1)).length, 1);
  assert.deepEqual(association.arrived("message", 1), []);
});

Deno.test("what a resume says was sent before is lost: no ended waits for it", () => {
  const association = new Association(LIMITS, 0);
  association.connected([]);
  association.took(1, ended(7, { message: 5, bulk: 1 }));
  association.disconnected(0);
  association.connected([]);
  const resume = { c: "resume", sent: { ...NONE, message: 5, bulk: 1 }, pending: [] } as const;
  assert.deepEqual(
    association.resumed({ ...resume, systemReceived: 0 }, ["consensus", "message"]),
    [],
  );
  assert.equal(told(association.resumed({ ...resume, systemReceived: 0 }, ["bulk"])).length, 1);
});

/** A link that loses any suffix of what is under way when it breaks, and both ends of it. */
Deno.test("whatever links lose, system messages arrive once and in order", () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant("say" as const), by: fc.nat(1) }),
    fc.record({ do: fc.constant("deliver" as const), by: fc.nat(1) }),
    fc.record({ do: fc.constant("break" as const), by: fc.nat(1) }),
  );
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const ends = [new Association(LIMITS, 0), new Association(LIMITS, 0)];
      const wires: ControlRecord[][] = [[], []];
      const said: number[][] = [[], []];
      const heard: number[][] = [[], []];
      const carry = (by: number, effects: AssociationEffect[]): void => {
        for (const effect of effects) {
          if (effect.do === "send") wires[by]!.push(effect.record);
          if (effect.do === "tell") heard[by]!.push(effect.body.watch);
          assert.notEqual(effect.do, "end");
        }
      };
      const connect = (): void => ends.forEach((end, by) => carry(by, end.connected([])));
      const deliver = (by: number): void => {
        const record = wires[1 - by]!.shift();
        if (record?.c === "system") carry(by, ends[by]!.took(record.seq, record.body));
        if (record?.c === "acknowledge") carry(by, ends[by]!.acknowledged(record.seq));
        if (record?.c === "resume") carry(by, ends[by]!.resumed(record, ALL));
      };
      connect();
      let watch = 0;
      for (const { do: what, by } of actions) {
        if (what === "say") {
          watch += 1;
          said[by]!.push(watch);
          carry(by, ends[by]!.say({ do: "unwatch", watch }));
        } else if (what === "deliver") deliver(by);
        else {
          wires.forEach((wire) => wire.length = 0);
          ends.forEach((end) => end.disconnected(0));
          connect();
        }
      }
      while (wires[0]!.length + wires[1]!.length > 0) {
        deliver(0);
        deliver(1);
      }
      assert.deepEqual(heard, [said[1], said[0]]);
      assert.deepEqual(ends.map((end) => end.unacknowledged), [0, 0]);
    }),
    { numRuns: 500 },
  );
});
