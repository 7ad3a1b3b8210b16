import assert from "node:assert/strict";
import { encodePack, packRecord } from "../../../runtime/remote/frames.ts";
import type { Lane, WireRecord } from "../../../runtime/remote/wire.ts";
import { diagram } from "../../../runtime/sim/diagram.ts";
import type { Recorded } from "../../../runtime/sim/simulation_recorder.ts";

const pack = (lane: Lane, ...records: WireRecord[]) => encodePack(lane, records.map(packRecord));

function frame(
  from: string,
  to: string,
  sentMs: number,
  arrivedMs: number | null,
  bytes: Uint8Array,
) {
  return { kind: "frame", sentMs, arrivedMs, from, to, bytes } as const;
}

const SAY: WireRecord = { v: 1, type: "chat/say", to: "room", body: { text: "hi" } };
const RECORDED: readonly Recorded[] = [
  frame("a", "b", 1, 2, pack("message", SAY, SAY)),
  frame("b", "a", 2, 3, pack("control", { c: "pong", n: 1 })),
  frame("b", "a", 2.5, 3.5, pack("control", { c: "pong", n: 1 }, { c: "cancel", id: 7 })),
  { kind: "mark", atMs: 4, node: "b", text: "crash power" },
  frame("a", "b", 5, null, new TextEncoder().encode("plain text")),
  frame("c", "a", 5.5, 6, Uint8Array.of(0, 1)),
  { kind: "mark", atMs: 7, node: null, text: "network heal all" },
];

Deno.test("a diagram shows who sent what when, what was lost, and what went wrong", () => {
  assert.equal(
    diagram(["a", "b", "c"], RECORDED),
    [
      "          ms       a           b           c",
      '       2.000        o---------->|           |      message chat/say -> room {"text":"hi"}, +1 (sent 1.000)',
      '       3.500        |<----------o           |      control cancel {"id":7} (sent 2.500)',
      "       4.000        |           X           |      crash power",
      "       5.000        o----------x|           |      plain text (never arrived)",
      "       6.000        |<----------------------o      2 bytes (sent 5.500)",
      "       7.000  ==================================== network heal all",
      "(frames with nothing but pings, left out: 1)",
    ].join("\n"),
  );
});

Deno.test("a diagram keeps the last rows, and cuts what is long", () => {
  const long = frame("a", "b", 8, 9, new TextEncoder().encode("x".repeat(500)));
  const rows = diagram(["a", "b"], [...RECORDED, long], { rows: 2 }).split("\n");
  assert.equal(rows.length, 3);
  assert.match(rows[1]!, /network heal all/);
  assert.match(rows[2]!, /x{97}\.\.\. \(sent 8\.000\)$/);
});
