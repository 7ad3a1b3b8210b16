/** Cases: names with every odd character are kept to the letter or refused, never altered. */

import assert from "node:assert/strict";
import { ProtocolError } from "../../protocols/errors.ts";
import {
  assertBytes,
  assertFails,
  fetched,
  NEVER,
  ODD_NAMES,
  patterned,
  type SinkCase,
  sinkOf,
  type SourceCase,
  sourceOf,
} from "./case.ts";

/** The outcome of `call`, `null` if the protocol refuses the name. */
async function unlessRefused<T>(call: () => T | Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (thrown) {
    if (thrown instanceof ProtocolError && thrown.code === "nameRefused") return null;
    throw thrown;
  }
}

const source: readonly SourceCase[] = [{
  title: "finds files by names with every odd character",
  async run(place, harness) {
    const names = ODD_NAMES.filter((name) => place.refusesName?.(name) !== true);
    for (const [seed, name] of names.entries()) await place.put(name, patterned(100, seed));
    let kept = 0;
    for (const [seed, name] of names.entries()) {
      const found = await unlessRefused(async () => {
        const opened = sourceOf(harness, place, name);
        const bytes = await fetched(opened);
        await opened.close();
        return bytes;
      });
      if (found === null) continue;
      assertBytes(found, patterned(100, seed), JSON.stringify(name));
      kept += 1;
    }
    assert.ok(kept >= names.length - 1, `only ${kept} of ${names.length} names were kept`);
  },
}];

const sink: readonly SinkCase[] = [
  {
    title: "publishes under names with every odd character",
    async run(place, harness) {
      let kept = 0;
      for (const [seed, name] of ODD_NAMES.entries()) {
        const opened = await unlessRefused(() => sinkOf(harness, place, name));
        if (opened === null) continue;
        assert.equal(opened.name, name);
        const file = await opened.create(`.${name}.part`, NEVER);
        await file.write(patterned(50, seed), 0);
        await opened.publish(file, { name, replace: true, mtimeMs: null, mode: null });
        await opened.close();
        kept += 1;
      }
      const possible = ODD_NAMES.filter((name) => place.refusesName?.(name) !== true).length;
      assert.ok(kept >= possible - 1, `only ${kept} of ${possible} names were kept`);
      for (const [seed, name] of ODD_NAMES.entries()) {
        const bytes = await place.published(name);
        if (bytes !== null) assertBytes(bytes, patterned(50, seed), JSON.stringify(name));
      }
    },
  },
  {
    title: "refuses temporary and final names that lead out of its directory",
    async run(place, harness) {
      const opened = sinkOf(harness, place, "final.bin");
      for (
        const name of ["..", ".", "", "../up", "down/below", "/etc/x", "nul\0", "x".repeat(256)]
      ) {
        const what = JSON.stringify(name.slice(0, 20));
        const refused = ["nameRefused", "escapes"] as const;
        await assertFails(() => opened.create(name, NEVER), refused, `create ${what}`);
        await assertFails(() => opened.reopen(name, NEVER), refused, `reopen ${what}`);
        await assertFails(() => opened.stat(name, NEVER), refused, `stat ${what}`);
        await assertFails(() => opened.abort(name), refused, `abort ${what}`);
        const file = await opened.create("t.part", NEVER);
        const options = { name, replace: true, mtimeMs: null, mode: null };
        await assertFails(() => opened.publish(file, options), refused, `publish ${what}`);
        await opened.abort("t.part");
        if (opened.capabilities.fence !== "seize") continue;
        await assertFails(() => opened.seize(name, "s"), refused, `seize ${what}`);
        await assertFails(() => opened.seize("s", name), refused, `seize to ${what}`);
      }
      await opened.close();
    },
  },
];

export const nameCases = { source, sink };
