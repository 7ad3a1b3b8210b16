/** The controllers' machine: a snapshot and the log after it give what the whole log gives. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { archivable, versionOf } from "../../../actors/controller/archive.ts";
import { type Command, ENTRY_VERSION } from "../../../actors/controller/commands.ts";
import type { Applying } from "../../../runtime/raft/machine.ts";
import { FIRST_VERSION, versionFor } from "../../../actors/controller/entry_version.ts";
import { controllerMachine, type GroupEntry } from "../../../actors/controller/machine.ts";
import type { State } from "../../../actors/controller/state.ts";
import { withSessions } from "../../../runtime/raft/sessions.ts";
import { emptyPlan } from "../plans.ts";
import { textOf } from "./controllers.ts";
import { anyCommand } from "./random_commands.ts";

const machine = controllerMachine({ committed: () => {}, restored: () => {} });

function entryOf(command: Command): GroupEntry {
  return { version: ENTRY_VERSION, atMs: 0, command };
}

/** A command, or one that depends on the state: what can be archived is, or the last segment is sealed. */
type Step = Command | "archive" | "seal";

function commandOf(state: State, step: Step): Command {
  if (typeof step !== "string") return step;
  const { count, root, segments } = state.archive;
  if (step === "seal") {
    const hash = segments.get(String(count))?.hash ?? root;
    return { type: "sealSegment", number: count, hash };
  }
  const runs = [...state.runs.keys()].flatMap((runId) => {
    const row = archivable(state, runId);
    return typeof row === "string" ? [] : [{ runId, version: versionOf(row) }];
  });
  return { type: "archiveRuns", previous: root, hash: `${count % 10}`.repeat(64), runs };
}

function applyAll(state: State, steps: readonly Step[], from: number): State {
  return steps.reduce((at, step, n) => {
    const command = commandOf(at, step);
    if (command.type === "archiveRuns" && command.runs.length === 0) return at;
    const index = from + n;
    return machine.apply(at, entryOf(command), placeOf(index, 1_000 + index)).state;
  }, state);
}

/** Through the bytes of a snapshot, cut anywhere. */
function restored(state: State, pieceBytes: number): State {
  const restoring = machine.restore(ENTRY_VERSION);
  for (const piece of machine.snapshot(state, ENTRY_VERSION)) {
    for (let at = 0; at < piece.length; at += pieceBytes) {
      restoring.write(piece.subarray(at, at + pieceBytes));
    }
  }
  return restoring.end();
}

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: anyCommand, weight: 12 },
  fc.constantFrom("archive" as const, "seal" as const),
);

Deno.test("a state restored from a snapshot is equal, and goes on as the other one does", () => {
  const steps = fc.array(anyStep, { minLength: 30, maxLength: 60 });
  const begun: Command[] = ["r1", "r2"].map((runId) => (
    { type: "createRun", runId, tenant: "acme", plan: emptyPlan() }
  ));
  let archived = 0;
  fc.assert(
    fc.property(steps, steps, fc.integer({ min: 1, max: 4_096 }), (first, then, bytes) => {
      const before = applyAll(machine.initial(), [...begun, ...first], 1);
      archived += before.archive.open.size;
      const back = restored(before, bytes);
      assert.equal(textOf(back), textOf(before));
      const from = 1 + begun.length + first.length;
      assert.equal(textOf(applyAll(back, then, from)), textOf(applyAll(before, then, from)));
    }),
    { numRuns: 60 },
  );
  assert.ok(archived > 0, "rows of open segments were among them");
});

Deno.test("the state's time is the leader's stamp, whatever the proposer says", () => {
  const entry = { version: ENTRY_VERSION, atMs: 9_999_999, command: revoke() } as const;
  const { state } = machine.apply(machine.initial(), entry, placeOf(1, 77));
  assert.equal(state.nowMs, 77);
  assert.equal(state.index, 1);
});

Deno.test("an assignment of a scheduler that does not lead any more is refused", () => {
  const command: Command = { type: "assignJobs", assignments: [], term: 3 };
  const applied = (term: number) =>
    machine.apply(machine.initial(), entryOf(command), placeOf(1, 1, term)).result.refused;
  assert.deepEqual(applied(3), []);
  assert.match(applied(4)[0]!, /term 3/);
});

Deno.test("a snapshot of a later version, or with a noun that is not known, is refused", () => {
  const write = (text: string) => {
    const restoring = machine.restore(ENTRY_VERSION);
    restoring.write(new TextEncoder().encode(text));
    restoring.end();
  };
  const head = JSON.stringify(["state", { version: 1, epoch: 1, index: 1, nowMs: 1 }]);
  write(`${head}\n`);
  assert.throws(() => write(`${head.replace("1", "2")}\n`), { code: "unknownVersion" });
  assert.throws(() => write(`${head}\n["planets","x",1]\n`), { code: "malformed" });
  assert.throws(() => write(""), { code: "malformed" });
});

Deno.test("a command that this version does not know stops the machine instead of passing by", () => {
  const entry = { version: ENTRY_VERSION, atMs: 0, command: { type: "sing" } } as never;
  assert.throws(() => machine.apply(machine.initial(), entry, placeOf(1, 1)));
});

function placeOf(index: number, nowMs: number, term = 1): Applying {
  return { index, term, nowMs, version: ENTRY_VERSION };
}

function revoke(): Command {
  return { type: "revokeKey", id: "none" };
}

Deno.test("controllers of an earlier version stop in front of what a later one has brought", () => {
  const group = withSessions(machine, { sessions: 1, sessionReplies: 1, idempotencyKeys: 1 });
  const begun = group.initial();
  assert.equal(begun.version, FIRST_VERSION);
  const raise = (version: number) =>
    group.apply(begun, { do: "raise", version }, { index: 1, term: 1, nowMs: 1 });
  assert.equal(raise(ENTRY_VERSION).state.version, ENTRY_VERSION);
  assert.throws(() => raise(ENTRY_VERSION + 1), { code: "MachineVersion" });
});

Deno.test("a command is written as the lowest version that can read it", () => {
  fc.assert(fc.property(anyStep, (step) => {
    if (typeof step === "string") return;
    const version = versionFor(step);
    assert.ok(version >= FIRST_VERSION && version <= ENTRY_VERSION);
    assert.equal(machine.versions!.of!(entryOf(step)), version);
  }));
});
