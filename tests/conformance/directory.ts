/** What every directory does with names. */

import assert from "node:assert/strict";
import type { Directory, Entry } from "../../protocols/directory.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { fingerprintChange } from "../../protocols/fingerprint.ts";
import { assertBytes, assertFails, fetched, NEVER, patterned } from "./case.ts";
import type { DirectoryHarness, Harness } from "./harness.ts";

/** A case about directories. */
export interface DirectoryCase {
  readonly title: string;
  run(place: DirectoryHarness, harness: Harness): Promise<void>;
}

const MOVE = { replace: false, createDirectories: true, expected: null } as const;

function directoryOf(harness: Harness, place: DirectoryHarness, path = ""): Directory {
  assert.ok(harness.protocol.directory, "the protocol has directories");
  const endpoint = { ...plainEndpoint(place.uri(path)), ...place.endpoint };
  return harness.protocol.directory(endpoint, harness.context);
}

async function entriesOf(directory: Directory): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>();
  for await (const { entries } of directory.list(NEVER)) {
    for (const entry of entries) {
      assert.ok(!found.has(entry.name), `${entry.name} is listed twice`);
      found.set(entry.name, entry);
    }
  }
  return found;
}

/** The suite. */
export const directoryCases: readonly DirectoryCase[] = [
  {
    title: "lists files with size and version, and directories as such",
    async run(place, harness) {
      await place.put("a.csv", patterned(10));
      await place.put("b.csv", patterned(20_000));
      await place.put("deeper/c.csv", patterned(3));
      const directory = directoryOf(harness, place);
      const found = await entriesOf(directory);
      assert.deepEqual([...found.keys()].sort(), ["a.csv", "b.csv", "deeper"]);
      assert.equal(found.get("a.csv")!.kind, "file");
      assert.equal(found.get("b.csv")!.fingerprint.size, 20_000);
      assert.equal(found.get("deeper")!.kind, "directory");
      const deeper = directoryOf(harness, place, "deeper/");
      assert.deepEqual([...(await entriesOf(deeper)).keys()], ["c.csv"]);
      await deeper.close();
      await directory.close();
    },
  },
  {
    title: "gives the URI of a name, which opens as a source",
    async run(place, harness) {
      const name = "two words % and ünï.csv";
      await place.put(name, patterned(100));
      const directory = directoryOf(harness, place);
      const uri = directory.uriOf(name);
      if (harness.protocol.source !== undefined) {
        const endpoint = { ...plainEndpoint(uri), ...place.endpoint };
        const source = harness.protocol.source(endpoint, harness.context);
        assertBytes(await fetched(source), patterned(100), "the source of a listed name");
        const { fingerprint } = await source.stat(NEVER);
        const listed = (await entriesOf(directory)).get(name)!.fingerprint;
        assert.equal(fingerprintChange(listed, fingerprint), null);
        await source.close();
      }
      await directory.close();
    },
  },
  {
    title: "lists more names than one page holds, each once",
    async run(place, harness) {
      const count = place.manyEntries ?? 1_100;
      await Promise.all(
        Array.from({ length: count }, (_, index) => place.put(`many/${index}`, patterned(1))),
      );
      const directory = directoryOf(harness, place, "many/");
      const found = await entriesOf(directory);
      assert.equal(found.size, count);
      await directory.close();
    },
  },
  {
    title: "looks at one name: a file, nothing",
    async run(place, harness) {
      await place.put("there", patterned(5));
      const directory = directoryOf(harness, place);
      assert.equal((await directory.stat("there", NEVER))?.fingerprint.size, 5);
      assert.equal(await directory.stat("missing", NEVER), null);
      await assertFails(() => directory.stat("../there", NEVER), "nameRefused", "a path as a name");
      await directory.close();
    },
  },
  {
    title: "a directory that is missing cannot be listed",
    async run(place, harness) {
      const directory = directoryOf(harness, place, "missing/");
      await assertFails(() => entriesOf(directory), "notFound", "listing what is not there");
      await directory.close();
    },
  },
  {
    title: "removes what is that version, and says when it is gone",
    async run(place, harness) {
      await place.put("old", patterned(5));
      const directory = directoryOf(harness, place);
      if (!directory.capabilities.remove) {
        await assertFails(() => directory.remove("old", null, NEVER), "unsupported", "removing");
        assert.equal((await directory.stat("old", NEVER))?.fingerprint.size, 5);
        return await directory.close();
      }
      const seen = (await directory.stat("old", NEVER))!.fingerprint;
      await place.put("old", patterned(6));
      await assertFails(() => directory.remove("old", seen, NEVER), "changed", "another version");
      assert.equal((await directory.stat("old", NEVER))?.fingerprint.size, 6);
      assert.equal(await directory.remove("old", null, NEVER), true);
      assert.equal(await directory.remove("old", null, NEVER), false);
      assert.equal(await directory.stat("old", NEVER), null);
      await directory.close();
    },
  },
  {
    title: "moves a file to another directory, never over another one",
    async run(place, harness) {
      const directory = directoryOf(harness, place);
      if (!directory.capabilities.rename) return;
      await place.put("in/x", patterned(50));
      await place.put("done/taken", patterned(1));
      const from = directoryOf(harness, place, "in/");
      const done = directoryOf(harness, place, "done/");
      await assertFails(
        () => from.rename("x", done.uriOf("taken"), MOVE, NEVER),
        "exists",
        "a name that is taken",
      );
      const archive = directoryOf(harness, place, "done/2026/");
      assert.equal(await from.rename("x", archive.uriOf("x"), MOVE, NEVER), true);
      assert.equal((await archive.stat("x", NEVER))?.fingerprint.size, 50);
      assert.equal(await from.rename("x", archive.uriOf("x"), MOVE, NEVER), false);
      await place.put("in/y", patterned(2));
      const replacing = { ...MOVE, replace: true };
      assert.equal(await from.rename("y", done.uriOf("taken"), replacing, NEVER), true);
      assert.equal((await done.stat("taken", NEVER))?.fingerprint.size, 2);
      for (const opened of [from, done, archive, directory]) await opened.close();
    },
  },
  {
    title: "makes a directory, also one that is there",
    async run(place, harness) {
      const directory = directoryOf(harness, place);
      const { remove, makeDirectory } = directory.capabilities;
      if (!remove && !makeDirectory) {
        // Nothing is changed there at all; where directories are but names, making one is nothing to do.
        await assertFails(() => directory.makeDirectory("new", NEVER), "unsupported", "making");
        return await directory.close();
      }
      await directory.makeDirectory("new", NEVER);
      await directory.makeDirectory("new", NEVER);
      if (makeDirectory) {
        assert.equal((await directory.stat("new", NEVER))?.kind, "directory");
      }
      await directory.close();
    },
  },
];
