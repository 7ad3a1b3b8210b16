import assert from "node:assert/strict";
import type { Machine } from "../../../runtime/raft/machine.ts";
import { type SessionCommand, withSessions } from "../../../runtime/raft/sessions.ts";

const limits = { sessions: 8, sessionReplies: 4, idempotencyKeys: 8 };

/** Version 1 adds, and its commands are numbers; 2 can multiply, and names what it does; 3 doubles sums. */
type Command = number | { readonly add: number } | { readonly times: number };

/** The machine as the program of that version has it. */
function counter(current: number): Machine<number, Command, string> {
  return {
    versions: {
      current,
      of: (command) => typeof command === "object" && "times" in command ? 2 : 1,
      decoders: { 1: (older) => typeof older === "number" ? { add: older } : older },
    },
    initial: () => 0,
    apply: (total, command, { version }) => {
      if (current === 1) assert.equal(typeof command, "number", "1 knows numbers only");
      else assert.equal(typeof command, "object", "later ones get no numbers");
      const state = next(total, command, version);
      return { state, result: `${version}: ${state}` };
    },
    *snapshot(total, version) {
      yield new TextEncoder().encode(version === 1 ? `${total}` : `total ${total}`);
    },
    restore(version) {
      let text = "";
      const decoder = new TextDecoder();
      return {
        write: (piece) => void (text += decoder.decode(piece, { stream: true })),
        end: () => Number(version === 1 ? text : text.split(" ")[1]),
      };
    },
  };
}

function next(total: number, command: Command, version: number): number {
  if (typeof command === "number") return total + command;
  if ("times" in command) return total * command.times;
  return total + command.add * (version >= 3 ? 2 : 1);
}

const log: readonly SessionCommand<Command>[] = [
  { do: "plain", command: 5 },
  { do: "open", id: "s" },
  { do: "run", session: "s", sequence: 1, acknowledged: 0, command: 2 },
  { do: "raise", version: 2 },
  { do: "plain", command: 3 },
  { do: "plain", command: { times: 4 }, version: 2 },
  { do: "once", key: "k", command: { times: 2 }, version: 2 },
  { do: "raise", version: 3 },
  { do: "plain", command: { add: 1 }, version: 2 },
];

/** The state after the log, as a program of this version has it; the results on the way. */
function after(current: number, commands: readonly SessionCommand<Command>[]) {
  const machine = withSessions(counter(current), limits);
  let state = machine.initial();
  const results: unknown[] = [];
  for (const [at, command] of commands.entries()) {
    const applied = machine.apply(state, command, { index: at + 1, term: 1, nowMs: at });
    state = applied.state;
    results.push(applied.result);
  }
  return { machine, state, results };
}

Deno.test("programs of two versions apply the same as long as the earlier one is in force", () => {
  const begun = log.slice(0, 3);
  const [old, young] = [after(1, begun), after(3, begun)];
  assert.deepEqual(young.results, old.results);
  assert.deepEqual(young.state, old.state);
  assert.equal(old.state.inner, 7);
});

Deno.test("a raised version is in force from its entry on, and older commands are still read", () => {
  const { state, results } = after(3, log);
  assert.equal(state.version, 3);
  assert.equal(state.inner, ((5 + 2 + 3) * 4 * 2) + 2);
  assert.deepEqual(results[3], { kind: "raised", version: 2 });
  assert.deepEqual(results[4], { kind: "result", index: 5, result: "2: 10" });
  assert.deepEqual(results[8], { kind: "result", index: 9, result: "3: 82" });
});

Deno.test("a program stops in front of a version that it does not know, with its state as it was", () => {
  const { machine, state } = after(1, log.slice(0, 3));
  const before = structuredClone(state.inner);
  assert.throws(() => machine.apply(state, log[3]!, { index: 4, term: 1, nowMs: 4 }), {
    name: "RaftError",
    code: "MachineVersion",
    definite: true,
  });
  assert.equal(state.inner, before);
});

Deno.test("a command of a version that is not in force is refused, alike by those who can read it", () => {
  const early: SessionCommand<Command> = { do: "plain", command: { times: 4 }, version: 2 };
  for (const current of [1, 2, 3]) {
    const { state, results } = after(current, [log[0]!, early]);
    assert.deepEqual(results[1], { kind: "refused", code: "VersionHeld" });
    assert.equal(state.inner, 5);
  }
});

Deno.test("a version never falls", () => {
  const { state, results } = after(3, [
    { do: "raise", version: 3 },
    { do: "raise", version: 2 },
  ]);
  assert.equal(state.version, 3);
  assert.deepEqual(results[1], { kind: "raised", version: 3 });
});

Deno.test("a snapshot is written for the version in force, and read by it or a later program", () => {
  const bytesOf = (current: number, count: number) => {
    const { machine, state } = after(current, log.slice(0, count));
    return { state, bytes: [...machine.snapshot(state)] };
  };
  assert.deepEqual(bytesOf(3, 3).bytes, bytesOf(1, 3).bytes, "the earlier program can read it");
  for (const [count, current] of [[3, 1], [3, 3], [5, 2], [5, 3], [9, 3]] as const) {
    const { state, bytes } = bytesOf(3, count);
    const restoring = withSessions(counter(current), limits).restore();
    for (const piece of bytes) restoring.write(piece);
    const back = restoring.end();
    assert.deepEqual(back, state);
  }
});

Deno.test("a snapshot of a version that the program does not know is not taken in", () => {
  const { machine, state } = after(3, log.slice(0, 5));
  const restoring = withSessions(counter(1), limits).restore();
  assert.throws(() => {
    for (const piece of machine.snapshot(state)) restoring.write(piece);
  }, { code: "MachineVersion" });
});

Deno.test("sessions of a raised machine are written in bytes that are frozen", () => {
  const { machine, state } = after(3, log.slice(0, 7));
  const hex = [...machine.snapshot(state)].map((piece) => piece.toHex()).join("");
  const frozen = new URL("../../compat/raft/sessions_2.hex", import.meta.url);
  assert.equal(hex, Deno.readTextFileSync(frozen).trim());
});

Deno.test("a machine that contradicts itself about versions is refused at once", () => {
  const machine = (current: number, first: number) => ({
    ...counter(1),
    versions: { current, first },
  });
  assert.throws(() => withSessions(machine(1, 2), limits));
  assert.throws(() => withSessions(machine(1.5, 1), limits));
  assert.throws(() => withSessions(machine(1, 0), limits));
});

Deno.test("what groups write of versions and sessions is frozen", () => {
  const frozen = new URL("../../compat/raft/session_commands.json", import.meta.url);
  const commands: SessionCommand<Command>[] = JSON.parse(Deno.readTextFileSync(frozen));
  const { state, results } = after(3, commands);
  assert.deepEqual(results.map((result) => (result as { kind: string }).kind), [
    ...["result", "opened", "result", "raised", "result", "result", "result", "expired", "closed"],
  ]);
  assert.equal(state.inner, (5 + 2) * 4 * 2 + 1);
  assert.equal(state.version, 2);
});
