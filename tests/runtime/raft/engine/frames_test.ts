/** What crosses the port between a member and its Worker. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import {
  type Block,
  decodeFrame,
  encodeFrame,
  type Posted,
} from "../../../../runtime/raft/engine_frames.ts";
import { fromEngineError, toEngineError } from "../../../../runtime/raft/engine_errors.ts";
import { PieceQueue, PieceWindow } from "../../../../runtime/raft/engine_pieces.ts";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { SocketError } from "../../../../runtime/env/errors.ts";
import { decodeEntries, encodeEntries } from "../../../../runtime/raft/wal/entry_codec.ts";

const bytes = fc.uint8Array({ maxLength: 100 });
const entries = fc.array(bytes, { minLength: 1, maxLength: 5 }).map((all) =>
  all.map((data, at): Entry => ({ index: at + 1, term: 3, stampMs: 7, kind: "command", data }))
);
const posted: fc.Arbitrary<Posted<unknown>> = fc.tuple(
  fc.record({ say: fc.string(), number: fc.integer() }, { noNullPrototype: true }),
  fc.array(fc.oneof<fc.Arbitrary<Block>[]>(bytes, entries), { maxLength: 4 }),
);

Deno.test("messages and their blocks come out of a frame as they went in", () => {
  fc.assert(fc.property(fc.array(posted, { maxLength: 8 }), (all) => {
    const plain = (block: Block) => block instanceof Uint8Array ? block : encodeEntries(block);
    const expected = all.map(([message, blocks]) => [message, blocks.map(plain)]);
    const came = decodeFrame(encodeFrame(all));
    const copied = came.map(([message, blocks]) => [message, blocks.map((one) => one.slice())]);
    assert.deepEqual(copied, expected);
  }));
});

Deno.test("entries are copied once, and what comes out are views of the frame", () => {
  const data = new TextEncoder().encode("data");
  const entry: Entry = { index: 1, term: 1, stampMs: 0, kind: "command", data };
  const frame = encodeFrame([[{ say: "apply" }, [[entry]]]]);
  const [[, blocks]] = decodeFrame(frame) as [[unknown, Uint8Array[]]];
  const [decoded] = decodeEntries(blocks[0]!);
  assert.deepEqual(decoded?.data.buffer, frame.buffer);
  assert.deepEqual([...decoded!.data], [...data]);
});

Deno.test("errors keep their class, code and what they say about trying again", () => {
  const facts = { retryable: true, definite: false };
  for (
    const error of [
      new RaftError("UnknownOutcome", "nobody knows", facts),
      new SocketError("inUse", "listen: it is taken", facts),
    ]
  ) {
    const came = fromEngineError(JSON.parse(JSON.stringify(toEngineError(error))));
    assert.equal(came.constructor, error.constructor);
    const { code, message, retryable, definite } = came as RaftError;
    assert.deepEqual(
      { code, message, retryable, definite },
      { code: error.code, message: error.message, ...facts },
    );
  }
  const other = fromEngineError(toEngineError(new TypeError("a bug"))) as RaftError;
  assert.deepEqual([other.code, /a bug/.test(other.message)], ["WorkerLost", true]);
});

Deno.test("no more pieces go than were made room for, and none once nobody wants them", async () => {
  const window = new PieceWindow(2);
  let sent = 0;
  const sending = (async () => {
    while (await window.take()) sent += 1;
  })();
  await turns();
  assert.equal(sent, 2);
  window.give();
  await turns();
  assert.equal(sent, 3);
  window.close();
  await sending;
  assert.equal(sent, 3);
});

Deno.test("pieces are read in order, room is made for each, and the end or its error comes last", async () => {
  let taken = 0;
  const over: number[] = [];
  const queue = new PieceQueue(() => taken += 1, () => over.push(taken));
  queue.push(Uint8Array.of(1));
  const read: number[] = [];
  const reading = (async () => {
    for await (const piece of queue) read.push(piece[0]!);
  })();
  await turns();
  queue.push(Uint8Array.of(2));
  queue.end(new RaftError("SnapshotCorrupt", "it is damaged"));
  await assert.rejects(reading, (error) => (error as RaftError).code === "SnapshotCorrupt");
  assert.deepEqual([read, taken, over], [[1, 2], 2, [2]]);
});

async function turns(): Promise<void> {
  for (let n = 0; n < 10; n += 1) await null;
}
