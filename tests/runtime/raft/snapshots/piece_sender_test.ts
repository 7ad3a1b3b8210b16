import assert from "node:assert/strict";
import type { SnapshotChunk } from "../../../../runtime/raft/core/messages.ts";
import type { SendChunk } from "../../../../runtime/raft/core/outputs.ts";
import { NO_MEMBERS } from "../../../../runtime/raft/core/configuration.ts";
import { PieceSender } from "../../../../runtime/raft/snapshots/piece_sender.ts";

const CHUNK_BYTES = 10;
const FILE = { bytes: 75, crc: 7 };
const SNAPSHOT = {
  index: 9,
  term: 2,
  stampMs: 0,
  configuration: NO_MEMBERS,
  configurationIndex: 0,
};

/** A sender with three pieces under way, and what it has said. */
function sending({ isGone = (): boolean => false, isLinkUp = (): boolean => true } = {}) {
  const sent: number[] = [];
  const lost: string[] = [];
  const failed: unknown[] = [];
  const sender = new PieceSender({
    from: "a",
    chunkBytes: CHUNK_BYTES,
    chunkWindow: 3,
    snapshots: {
      read: (_stored, offset, length) =>
        Promise.resolve(
          isGone() ? null : new Uint8Array(Math.min(length, FILE.bytes - offset)).fill(offset),
        ),
    },
    send: ({ offset, bytes }: SnapshotChunk) => {
      if (!isLinkUp()) return false;
      sent.push(bytes.length === 0 ? -1 : offset);
      return true;
    },
    lost: (to, index) => lost.push(`${to}@${index}`),
    failed: (error) => failed.push(error),
  });
  const order = async (offset: number | null, other: Partial<SendChunk> = {}) => {
    sent.length = 0;
    sender.order({
      to: "n",
      term: 3,
      session: 1,
      snapshot: SNAPSHOT,
      file: FILE,
      offset,
      ...other,
    });
    await turns();
    return [...sent];
  };
  return { sender, order, lost, failed };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await null;
}

Deno.test("a question is sent alone; its answer sends a window of pieces", async () => {
  const { order } = sending();
  assert.deepEqual(await order(null), [-1]);
  assert.deepEqual(await order(0), [0, 10, 20]);
});

Deno.test("each confirmed piece lets one more go, each once, to the last one", async () => {
  const { order } = sending();
  await order(0);
  assert.deepEqual(await order(10), [30]);
  assert.deepEqual(await order(30), [40, 50]);
  assert.deepEqual(await order(40), [60]);
  assert.deepEqual(await order(50), [70]);
  assert.deepEqual(await order(60), []);
  assert.deepEqual(await order(70), []);
});

Deno.test("a receiver that has less than it had is sent everything from there on", async () => {
  const { order } = sending();
  await order(0);
  await order(30);
  assert.deepEqual(await order(10), [10, 20, 30]);
});

Deno.test("after a question the answer counts, whatever was under way", async () => {
  const { order } = sending();
  await order(0);
  assert.deepEqual(await order(null), [-1]);
  assert.deepEqual(await order(10), [10, 20, 30]);
});

Deno.test("another snapshot, term or membership begins anew; members have windows of their own", async () => {
  const { order } = sending();
  await order(0);
  assert.deepEqual(await order(10, { term: 4 }), [10, 20, 30]);
  assert.deepEqual(await order(20, { term: 4, session: 2 }), [20, 30, 40]);
  const newer = { ...SNAPSHOT, index: 12 };
  assert.deepEqual(await order(20, { term: 4, session: 2, snapshot: newer }), [20, 30, 40]);
  assert.deepEqual(await order(0, { to: "m" }), [0, 10, 20]);
});

Deno.test("a file that is gone is said once, and nothing goes on", async () => {
  let isGone = false;
  const { order, lost } = sending({ isGone: () => isGone });
  await order(0);
  isGone = true;
  assert.deepEqual(await order(10), []);
  assert.deepEqual(lost, ["n@9"]);
});

Deno.test("what a link refuses ends the stream: the next order begins it again", async () => {
  let isLinkUp = false;
  const { order } = sending({ isLinkUp: () => isLinkUp });
  assert.deepEqual(await order(0), []);
  isLinkUp = true;
  assert.deepEqual(await order(0), [0, 10, 20]);
});

Deno.test("a sender that stops sends no more", async () => {
  const { sender, order } = sending();
  const sent = order(0);
  sender.stop();
  assert.deepEqual(await sent, []);
});

Deno.test("a disk that cannot be read is told", async () => {
  const { order, failed } = sending({
    isGone: () => {
      throw new Error("the disk");
    },
  });
  await order(0);
  assert.equal(failed.length, 1);
});
