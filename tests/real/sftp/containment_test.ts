/** Links on the server that lead out of the declared directory. */

import assert from "node:assert/strict";
import { NEVER, patterned, sinkOf } from "../../conformance/case.ts";
import { requirePrograms } from "../require.ts";
import { sftpHarness } from "./harness.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);

Deno.test({
  name: "below a root nothing is made or written through a link that leads out of it",
  ...needs,
  async fn() {
    const harness = await sftpHarness();
    const place = harness.sink!;
    try {
      await place.put("root/inside", patterned(1));
      await place.put("outside/kept", patterned(1));
      const root = decodeURIComponent(new URL(place.uri("root")).pathname);
      const outside = root.replace(/root$/, "outside");
      await Deno.symlink(outside, `${root}/link`);
      for (const name of ["root/link/x", "root/link/made/x"]) {
        const sink = sinkOf(harness, place, name, { root, createDirectories: true });
        await assert.rejects(sink.create("t.part", NEVER), { code: "escapes" });
        await sink.close();
      }
      const names = [...Deno.readDirSync(outside)].map((entry) => entry.name);
      assert.deepEqual(names, ["kept"]);
      const inside = sinkOf(harness, place, "root/new/x", { root, createDirectories: true });
      const file = await inside.create("t.part", NEVER);
      await file.close();
      assert.equal((await Deno.stat(`${root}/new/t.part`)).size, 0);
    } finally {
      await harness.close();
    }
  },
});
