/** A server that goes away and comes back costs time and no bytes. */

import assert from "node:assert/strict";
import { PATH, withOneFile } from "./one_file.ts";
import { endOf } from "./quorus.ts";

const MIB = 2 ** 20;

Deno.test("run: a server that dies and comes back is waited for, and what was kept stays kept", () =>
  withOneFile(40 * MIB, { stallAfterBytes: 28 * MIB }, async (scene) => {
    const retrying = Promise.withResolvers<void>();
    const sent = scene.watched.reaches(28 * MIB);
    const run = scene.start({
      onLine: (line) => {
        if (line.includes('"state":"retrying"')) retrying.resolve();
      },
    });
    await sent;
    await scene.server.close();
    await retrying.promise;
    await scene.restart();
    const { code, out, err } = await run.ended;
    assert.equal(code, 0, out + err);
    const end = endOf(out, "large-file");
    assert.ok((end?.attempts ?? 0) >= 2);
    const kept = end?.receipt?.keptBytes ?? 0;
    assert.ok(kept >= 8 * MIB, JSON.stringify(end));
    assert.equal(scene.server.bytesServed(PATH), 40 * MIB - kept);
    assert.ok(scene.isRight());
    assert.deepEqual(scene.names(), ["large.bin"]);
  }));

Deno.test("run: a server that never comes back is exit 1 with its address, and the next run resumes", () =>
  withOneFile(40 * MIB, { stallAfterBytes: 28 * MIB }, async (scene) => {
    const sent = scene.watched.reaches(28 * MIB);
    const run = scene.start();
    await sent;
    await scene.server.close();
    const { code, out, err } = await run.ended;
    assert.equal(code, 1, out + err);
    const error = endOf(out, "large-file")?.error;
    assert.match(error?.message ?? "", /127\.0\.0\.1.*refused/s);
    assert.ok(!scene.names().includes("large.bin"));
    await scene.restart();
    const again = await scene.start().ended;
    assert.equal(again.code, 0, again.err);
    const { receipt } = endOf(again.out, "large-file") ?? {};
    assert.ok((receipt?.keptBytes ?? 0) >= 8 * MIB, JSON.stringify(receipt));
    assert.ok(scene.isRight());
    assert.deepEqual(scene.names(), ["large.bin"]);
  }));
