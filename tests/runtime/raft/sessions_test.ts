import assert from "node:assert/strict";
import fc from "fast-check";
import { dueExpiry, type SessionCommand, withSessions } from "../../../runtime/raft/sessions.ts";
import { inOrder } from "../../../runtime/raft/idempotency_keys.ts";
import { type Count, diary, SessionModel } from "./sessions_model.ts";

const limits = { sessions: 2, sessionReplies: 4, idempotencyKeys: 3 };
const machine = withSessions(diary, limits);
type Result = ReturnType<typeof machine.apply>["result"];

const id = fc.constantFrom("a", "a", "b", "b", "c", "d");
const command: fc.Arbitrary<SessionCommand<string>> = fc.oneof(
  fc.record({ do: fc.constant("plain" as const), command: fc.string({ maxLength: 2 }) }),
  { weight: 8, arbitrary: fc.record({ do: fc.constant("open" as const), id }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant("run" as const),
      session: id,
      sequence: fc.integer({ min: 1, max: 9 }),
      acknowledged: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 6 })),
      command: fc.string({ maxLength: 2 }),
    }),
  },
  fc.record({
    do: fc.constant("once" as const),
    key: fc.constantFrom("k", "l", "m", "n", "o"),
    command: fc.string({ maxLength: 2 }),
  }),
  fc.record({ do: fc.constant("close" as const), session: id }),
  fc.record({ do: fc.constant("expire" as const), beforeMs: fc.nat({ max: 200 }) }),
);
const step = fc.record({
  command,
  /** Ask for an earlier command again instead. */
  again: fc.option(fc.nat(), { nil: null, freq: 2 }),
  stampMs: fc.nat({ max: 20 }),
  /** Go on from a snapshot, cut into pieces of this many bytes. */
  cutBytes: fc.option(fc.integer({ min: 1, max: 300 }), { nil: null, freq: 4 }),
  /** A run names its session by the index that opened it, or by one before. */
  names: fc.constantFrom(null, 0, -1),
});

function throughSnapshot<S>(
  of: { snapshot(state: S): Iterable<Uint8Array> },
  state: S,
  cut: number,
) {
  const pieces = [...of.snapshot(state)];
  const whole = Uint8Array.from(pieces.flatMap((piece) => [...piece]));
  const restoring = machine.restore();
  const buffer = new Uint8Array(cut);
  for (let start = 0; start < whole.length; start += cut) {
    const piece = whole.subarray(start, start + cut);
    // The reader may use its buffer again.
    buffer.set(piece);
    restoring.write(buffer.subarray(0, piece.length));
  }
  return restoring.end();
}

Deno.test("sessions answer as the simplest model does, through repeats, disorder and snapshots", () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
      const model = new SessionModel(limits);
      let state = machine.initial();
      const asked: SessionCommand<string>[] = [];
      for (const [at, { command: fresh, again, stampMs, cutBytes, names }] of steps.entries()) {
        let next = again === null || asked.length === 0 ? fresh : asked[again % asked.length]!;
        const opened = next.do === "run" ? model.sessions.get(next.session)?.opened : undefined;
        if (next.do === "run" && names !== null && opened !== undefined) {
          next = { ...next, opened: opened + names };
        }
        asked.push(next);
        const applying = { index: at + 1, term: 1, nowMs: at * 5 + stampMs };
        const { state: after, result } = machine.apply(state, next, applying);
        assert.deepStrictEqual(result, model.apply(next, applying));
        assert.deepStrictEqual(after.inner, model.told);
        assert.deepStrictEqual(
          [...after.sessions.keys()].sort(),
          [...model.sessions.keys()].sort(),
        );
        assert.deepStrictEqual([...inOrder(after.keys)].map(([key]) => key), [
          ...model.keys.keys(),
        ]);
        count(seen, result);
        state = cutBytes === null ? after : throughSnapshot(machine, after, cutBytes);
        assert.deepStrictEqual(state, after);
      }
    }),
    { numRuns: 1_500 },
  );
  const rare = [
    "AlreadyAcknowledged",
    "SessionWindow",
    "SessionExpired",
    "TooManySessions",
    "expired",
  ];
  for (const kind of rare) assert((seen.get(kind) ?? 0) > 100, `${kind} is met`);
});

function count(seen: Map<string, number>, result: Result): void {
  const kind = result.kind === "refused" ? result.code : result.kind;
  seen.set(kind, (seen.get(kind) ?? 0) + 1);
}

/** Applies commands one after the other, a second apart. */
function group(of = machine) {
  let state = of.initial();
  let index = 0;
  return {
    get state() {
      return state;
    },
    apply(next: SessionCommand<string>, nowMs = (index + 1) * 1_000): Result {
      index += 1;
      const applied = of.apply(state, next, { index, term: 1, nowMs });
      state = applied.state;
      return applied.result;
    },
  };
}

function run(sequence: number, acknowledged = 0, more: { opened?: number } = {}) {
  const command = `write ${sequence}`;
  return { do: "run" as const, session: "s", sequence, acknowledged, command, ...more };
}

const reply = (index: number, count: bigint): { kind: "result"; index: number; result: Count } => ({
  kind: "result",
  index,
  result: { count },
});

Deno.test("a command that is asked for again is answered as at first, and applied once", () => {
  const { apply, state } = group();
  assert.deepEqual(apply({ do: "open", id: "s" }), { kind: "opened", index: 1 });
  assert.deepEqual(apply({ do: "open", id: "s" }), { kind: "opened", index: 1 });
  assert.deepEqual(apply(run(2)), reply(3, 1n));
  assert.deepEqual(apply(run(1)), reply(4, 2n));
  assert.deepEqual(apply(run(2)), reply(3, 1n));
  assert.deepEqual(apply(run(3, 2)), reply(6, 3n));
  assert.deepEqual(apply(run(2)), { kind: "refused", code: "AlreadyAcknowledged" });
  assert.equal(state.inner.length, 0, "an old state stays as it was");
});

Deno.test("a command of an expired session is refused, also where its id was opened again", () => {
  const { apply } = group();
  apply({ do: "open", id: "s" });
  apply(run(1, 0, { opened: 1 }));
  assert.deepEqual(apply({ do: "expire", beforeMs: 2_000 }), { kind: "expired", sessions: 0 });
  assert.deepEqual(apply({ do: "expire", beforeMs: 2_001 }), { kind: "expired", sessions: 1 });
  assert.deepEqual(apply(run(1)), { kind: "refused", code: "SessionExpired" });
  assert.deepEqual(apply({ do: "open", id: "s" }), { kind: "opened", index: 6 });
  const again = apply(run(1, 0, { opened: 1 }));
  assert.deepEqual(again, { kind: "refused", code: "SessionExpired" });
  assert.deepEqual(apply(run(1, 0, { opened: 6 })), reply(8, 2n));
});

Deno.test("a command with a key is applied once while the key is remembered, the oldest goes first", () => {
  const { apply } = group();
  const once = (key: string) => apply({ do: "once", key, command: key });
  assert.deepEqual(once("k"), reply(1, 1n));
  assert.deepEqual(once("k"), reply(1, 1n));
  for (const key of ["l", "m", "n"]) once(key);
  assert.deepEqual(once("l"), reply(3, 2n));
  assert.deepEqual(
    once("k"),
    reply(7, 5n),
    "three keys are remembered, and it was the first of four",
  );
  apply({ do: "expire", beforeMs: 10_000 });
  assert.deepEqual(once("k"), reply(9, 6n));
});

Deno.test("a stamp that is behind does not turn the sessions' time back", () => {
  const told = group();
  told.apply({ do: "plain", command: "x" }, 9_000);
  told.apply({ do: "open", id: "s" }, 4_000);
  told.apply(run(1), 5_000);
  assert.deepEqual(told.state.inner, [["x", 9_000], ["write 1", 9_000]]);
  assert.equal(told.state.sessions.get("s")?.usedMs, 9_000);
});

Deno.test("a leader learns what to expire only when there is something", () => {
  const told = group();
  told.apply({ do: "open", id: "s" }, 1_000);
  assert.equal(dueExpiry(told.state, 500, 1_500), null);
  assert.deepEqual(dueExpiry(told.state, 500, 1_501), { do: "expire", beforeMs: 1_001 });
});

Deno.test("a snapshot holds the replies, and the machine's own pieces come one by one", () => {
  const told = group();
  told.apply({ do: "open", id: "s" });
  for (let sequence = 1; sequence <= 3; sequence += 1) told.apply(run(sequence));
  assert.equal([...machine.snapshot(told.state)].length, 1 + 3);
  let made = 0;
  const counted = withSessions({
    ...diary,
    *snapshot(state: typeof told.state.inner, version: number) {
      for (const piece of diary.snapshot(state, version)) {
        made += 1;
        yield piece;
      }
    },
  }, limits);
  const pieces = counted.snapshot(told.state)[Symbol.iterator]();
  pieces.next();
  assert.equal(made, 0);
  pieces.next();
  assert.equal(made, 1);
});

Deno.test("a snapshot that ends within its sessions, or is of another version, is refused", () => {
  const told = group();
  told.apply({ do: "open", id: "s" });
  const [sessions] = [...machine.snapshot(told.state)] as [Uint8Array];
  for (let length = 0; length < sessions.length; length += 1) {
    const restoring = machine.restore();
    restoring.write(sessions.subarray(0, length));
    assert.throws(() => restoring.end(), { code: "SnapshotCorrupt" });
  }
  const newer = Uint8Array.of(3, ...sessions.subarray(1));
  assert.throws(() => machine.restore().write(newer), { code: "LogVersion" });
});

Deno.test("a snapshot of sessions is written and read in bytes that are frozen", () => {
  const told = group();
  told.apply({ do: "open", id: "s" });
  told.apply(run(1));
  told.apply({ do: "once", key: "k", command: "keyed" });
  const hex = [...machine.snapshot(told.state)].map((piece) => piece.toHex()).join("");
  const frozen = new URL("../../compat/raft/sessions_1.hex", import.meta.url);
  const bytes = Deno.readTextFileSync(frozen).trim();
  assert.equal(hex, bytes);
  const restoring = machine.restore();
  restoring.write(Uint8Array.fromHex(bytes));
  assert.deepStrictEqual(restoring.end(), told.state);
});
