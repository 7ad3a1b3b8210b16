/** The handshake against strangers: random, mutated, cut and reordered frames. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { HandshakeStep } from "../../runtime/remote/handshake.ts";
import { ClientHandshake } from "../../runtime/remote/handshake_client.ts";
import { RemoteError } from "../../runtime/remote/handshake_refusals.ts";
import { parseHandshake } from "../../runtime/remote/handshake_messages.ts";
import { ServerHandshake } from "../../runtime/remote/handshake_server.ts";
import { identityOf, selfOf, shake, transportOf } from "../runtime/remote/handshake_sides.ts";

const TOKEN = "correct horse battery staple";
const MAX_BYTES = 16_384;
const RUNS = { numRuns: 2_000 };

/** The frames of a good handshake, in the order in which they travel. */
const GOOD = shake({ client: { token: TOKEN }, server: { token: TOKEN } }).said.map((line) =>
  new TextEncoder().encode(`\u0001${line.slice(line.indexOf(" ") + 1)}`)
);

const mutated = fc.tuple(
  fc.constantFrom(...GOOD),
  fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { minLength: 1, maxLength: 8 }),
  fc.option(fc.nat(4_000)),
).map(([frame, changes, cut]) => {
  const copy = frame.slice();
  for (const [at, value] of changes) copy[at % copy.length] = value;
  return cut === null ? copy : copy.slice(0, cut % copy.length);
});

/** JSON that looks like a message, with fields of any kind. */
const strangeJson = fc.record({
  h: fc.constantFrom("hello", "answer", "proof", "welcome", "refuse", "__proto__"),
  min: fc.anything(),
  max: fc.oneof(fc.integer(), fc.anything()),
  node: fc.oneof(fc.string(), fc.anything()),
  incarnation: fc.string(),
  renewal: fc.integer(),
  nonce: fc.string(),
  link: fc.constantFrom("main", "bulk", "x"),
  features: fc.array(fc.string()),
  windows: fc.anything(),
  proof: fc.oneof(fc.string(), fc.anything()),
}, { requiredKeys: ["h"] }).map((value) =>
  new TextEncoder().encode(
    `\u0001${JSON.stringify(value, (_, v) => typeof v === "bigint" ? String(v) : v)}`,
  )
);

const frame = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  mutated,
  strangeJson,
  fc.constantFrom(...GOOD),
);

Deno.test("a frame is a handshake message or Malformed with a reason, nothing else", () => {
  fc.assert(
    fc.property(frame, (bytes) => {
      try {
        parseHandshake(bytes, MAX_BYTES);
      } catch (error) {
        assert.ok(error instanceof RemoteError, String(error));
        assert.equal(error.code, "Malformed");
        assert.ok(error.message.length < 1_000);
      }
    }),
    RUNS,
  );
});

Deno.test("a message longer than the limit is not read", () => {
  const long = new TextEncoder().encode(`\u0001{"h":"proof","x":"${"y".repeat(MAX_BYTES)}"}`);
  assert.throws(() => parseHandshake(long, MAX_BYTES), { code: "Malformed" });
});

Deno.test("deep nesting is refused, not followed", () => {
  const deep = new TextEncoder().encode(`\u0001${"[".repeat(8_000)}${"]".repeat(8_000)}`);
  assert.throws(() => parseHandshake(deep, MAX_BYTES), { code: "Malformed" });
});

/** Feeds frames until there is an outcome; what it sends stays small. */
function feed(receive: (frame: Uint8Array) => HandshakeStep, frames: Uint8Array[]): string {
  for (const bytes of frames) {
    const { send, outcome, decide } = receive(bytes);
    assert.ok(send.length <= 2);
    for (const sent of send) assert.ok(sent.length < 4_096);
    if (decide !== null) return "decides";
    if (outcome !== null) return outcome.kind;
  }
  return "waits";
}

Deno.test("without the token no sequence of frames gets a server to decide", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), (frames) => {
      const self = selfOf("a", { token: TOKEN, nonce: "c".repeat(32) });
      const server = new ServerHandshake(self, transportOf("x:1"), () => identityOf("a"));
      const end = feed((bytes) => server.receive(bytes), frames);
      assert.ok(end === "waits" || end === "refused", end);
    }),
    RUNS,
  );
});

Deno.test("without the token no sequence of frames gets a client to decide", () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 6 }), (frames) => {
      const call = {
        identity: identityOf("b"),
        expected: "a",
        link: "main",
        association: null,
      } as const;
      const self = selfOf("b", { token: TOKEN, nonce: "d".repeat(32) });
      const client = new ClientHandshake(self, transportOf("x:1"), call);
      client.start();
      const end = feed((bytes) => client.receive(bytes), frames);
      assert.ok(end === "waits" || end === "refused", end);
    }),
    RUNS,
  );
});
