/** Servers that speak SFTP and mean no good: names, sizes, listings without end. In memory. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { TYPE } from "../../../protocols/sftp/packets.ts";
import { assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { AUTH, paperHarness, paperSource } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_server.ts";

const WHOLE = patterned(50_000);

async function withServer(
  quirks: PaperQuirks,
  body: (harness: ReturnType<typeof paperHarness>) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  harness.server.put("/data/f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

/** Names that a server may send and no file may have here; those that are only odd pass as they are. */
const NAMES: readonly [string, "kept" | "refused"][] = [
  ["..", "refused"],
  [".", "refused"],
  ["", "refused"],
  ["../../etc/passwd", "refused"],
  ["/etc/passwd", "refused"],
  ["a/b", "refused"],
  ["nul\0", "refused"],
  ["line\r\nX-Evil: 1", "refused"],
  ["bell\u0007", "refused"],
  ["c1\u009b31m", "refused"],
  ["line\u2028separator", "refused"],
  ["x".repeat(10_000), "refused"],
  ["x".repeat(256), "refused"],
  ["back\\slash", "kept"],
  ["..\\..\\windows", "kept"],
  ["%2e%2e%2f", "kept"],
  ["%00", "kept"],
  ["-rf", "kept"],
  ["--help", "kept"],
  ["\u2025", "kept"],
  ["\uff0e\uff0e", "kept"],
  ["e\u0301", "kept"],
  ["\u00e9", "kept"],
  ["CON", "kept"],
  ["nul.txt", "kept"],
  ["aux", "kept"],
  ["trailing.", "kept"],
  ["a:b", "kept"],
  ["\u202egpj.exe", "kept"],
];

Deno.test("sftp: hostile names of a listing are kept to the letter or refused, and shown harmlessly", () =>
  withServer({}, async (harness) => {
    const expected = new Set(["f"]);
    for (const [name, fate] of NAMES) {
      harness.server.forgedNames.push(name);
      if (fate === "kept") expected.add(name);
    }
    const endpoint = { ...plainEndpoint("sftp://paper/data/"), auth: AUTH };
    const directory = harness.protocol.directory!(endpoint, harness.context);
    const kept: string[] = [];
    const refused: string[] = [];
    for await (const page of directory.list(NEVER)) {
      kept.push(...page.entries.map(({ name }) => name));
      refused.push(...page.refused);
    }
    assert.deepEqual(new Set(kept), expected);
    assert.ok(refused.length >= NAMES.filter(([, fate]) => fate === "refused").length - 2);
    for (const shown of refused) {
      // deno-lint-ignore no-control-regex -- control characters are what must not be there
      assert.doesNotMatch(shown, /[\x00-\x1f\x7f-\x9f\u2028\u2029]/);
      assert.ok(shown.length < 1_300, "long names are cut");
    }
    await directory.close();
  }));

Deno.test("sftp: hostile names in a URI are refused, or mean the file of that very name", () =>
  withServer({}, async (harness) => {
    for (const path of ["/data/..", "/data/", "/data/new%0Aline", `/data/${"x".repeat(10_000)}`]) {
      const open = () => {
        const endpoint = { ...plainEndpoint(`sftp://paper${path}`), auth: AUTH };
        return harness.protocol.source!(endpoint, harness.context);
      };
      await assertFails(open, ["nameRefused", "badEndpoint", "escapes"], path.slice(0, 30));
    }
    for (const path of ["/data/a%2Fb", "/data/a%00", "/data/%zz"]) {
      const open = () => {
        const endpoint = { ...plainEndpoint(`sftp://paper${path}`), auth: AUTH };
        return harness.protocol.source!(endpoint, harness.context);
      };
      await assertFails(open, "badEndpoint", path);
    }
    for (const name of ["-rf", "%2e", "back\\slash", "\uff0e\uff0e"]) {
      harness.server.put(`/data/${name}`, patterned(9));
      const source = paperSource(harness, encodeURIComponent(name));
      assert.equal((await fetched(source)).length, 9, name);
      await source.close();
    }
  }));

Deno.test("sftp: a listing without end is taken page by page, and left when nobody asks any more", () =>
  withServer({ endlessListing: true }, async (harness) => {
    const endpoint = { ...plainEndpoint("sftp://paper/data/"), auth: AUTH };
    const directory = harness.protocol.directory!(endpoint, harness.context);
    let pages = 0;
    for await (const { entries } of directory.list(NEVER)) {
      assert.ok(entries.length <= 2_000);
      if (++pages === 25) break;
    }
    const asked = harness.server.listed;
    assert.ok(asked <= 60, `${asked} answers for 25 pages: nothing is read far ahead`);
    await directory.close();
    assert.equal(harness.server.listed, asked, "nothing is asked afterwards");
  }));

Deno.test("sftp: a signal ends a listing without end", () =>
  withServer({ endlessListing: true }, async (harness) => {
    const endpoint = { ...plainEndpoint("sftp://paper/data/"), auth: AUTH };
    const directory = harness.protocol.directory!(endpoint, harness.context);
    const abort = new AbortController();
    let pages = 0;
    const listing = async () => {
      for await (const page of directory.list(abort.signal)) {
        pages += page.entries.length > 0 ? 1 : 0;
        if (pages === 3) abort.abort(new Error("enough"));
      }
    };
    await assertFails(listing, "aborted", "a listing that was stopped");
    await directory.close();
  }));

const SIZE_AT = 9;

function withSize(answer: Uint8Array, size: number): Uint8Array {
  const forged = answer.slice();
  new DataView(forged.buffer).setBigUint64(SIZE_AT, BigInt(size));
  return forged;
}

for (
  const [what, size, code] of [
    ["smaller", 10_000, ["tooLong", "changed"]],
    ["larger", 60_000, ["truncated", "changed"]],
    ["beyond any disk", 2 ** 52, ["truncated", "changed"]],
  ] as const
) {
  Deno.test(`sftp: a size that lies (${what}) is found, and never makes a complete file`, () =>
    withServer({
      forge: (type, answer) => type === TYPE.attrs ? withSize(answer, size) : answer,
    }, async (harness) => {
      const source = paperSource(harness, "f");
      if (what === "smaller") {
        // What was announced is what is read; that there is more is told by the next look.
        const reader = await source.open({ start: 0, end: null }, null, NEVER);
        let count = 0;
        for (let read = 1; read > 0; count += read) read = await reader.read(new Uint8Array(4_096));
        assert.ok(count <= 10_000, `${count} bytes`);
        await reader.close();
      } else {
        await assertFails(() => fetched(source), code, what);
      }
      await source.close();
    }));
}
