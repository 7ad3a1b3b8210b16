import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { gathered } from "../../../protocols/sftp/gathered.ts";

Deno.test("what is written in one turn leaves as one write, at the end of that turn", async () => {
  const { socket, wrote } = recording();
  for (const text of ["length", "content", "hash"]) socket.write(text);
  assert.deepEqual(wrote, []);
  await Promise.resolve();
  assert.deepEqual(wrote.map(String), ["lengthcontenthash"]);
  socket.write("next");
  await Promise.resolve();
  assert.deepEqual(wrote.map(String), ["lengthcontenthash", "next"]);
});

Deno.test("an end follows what was written before it in the same turn", async () => {
  const { socket, wrote, finished } = recording();
  socket.write("last");
  socket.end();
  await finished;
  assert.deepEqual(wrote.map(String), ["last"]);
});

Deno.test("any pieces in any turns arrive as they were written", async () => {
  const piece = fc.record({
    length: fc.oneof(fc.nat(100), fc.nat(600_000)),
    yields: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
      const { socket, wrote, finished } = recording();
      const expected: Uint8Array[] = [];
      for (const [index, { length, yields }] of pieces.entries()) {
        const bytes = new Uint8Array(length).map((_, at) => at * 31 + index);
        expected.push(bytes);
        socket.write(bytes);
        if (yields) await new Promise((resolve) => setImmediate(resolve));
      }
      socket.end();
      await finished;
      assert.ok(Buffer.concat(wrote).equals(Buffer.concat(expected)));
    }),
    { numRuns: 30 },
  );
});

function recording() {
  const wrote: Buffer[] = [];
  const { promise: finished, resolve } = Promise.withResolvers<void>();
  const socket = new Duplex({
    read: () => {},
    // Taken when it is asked for, as a socket does: the memory is used again afterwards.
    write: (chunk: Buffer, _encoding, done) => {
      wrote.push(Buffer.from(chunk));
      done();
    },
  });
  socket.on("finish", resolve);
  return { socket: gathered(socket), wrote, finished };
}
