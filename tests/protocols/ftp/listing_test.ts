import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../protocols/errors.ts";
import { seenOfFacts } from "../../../protocols/ftp/facts.ts";
import { loadParseList } from "../../../protocols/ftp/library.ts";
import { Lines, pageOf, readFactsLine, readListLine } from "../../../protocols/ftp/listing.ts";

const readList = readListLine(await loadParseList());

function listed(...lines: string[]): string[] {
  return pageOf(lines, readList).entries.map(({ name, kind, fingerprint, mode }) =>
    `${name}|${kind}|${fingerprint.size}|${mode?.toString(8)}`
  );
}

Deno.test("facts are read in any case and order, and the name is what stands behind them", () => {
  const line =
    "Size=12;TYPE=file;modify=20190203040506;UNIX.mode=0640;unique=7g1;  two words; a=b ";
  assert.deepEqual(seenOfFacts(line), {
    name: " two words; a=b ",
    seen: {
      kind: "file",
      size: 12,
      mtimeMs: Date.UTC(2019, 1, 3, 4, 5, 6),
      unique: "7g1",
      mode: 0o640,
    },
  });
  assert.equal(seenOfFacts("type=cdir; /x"), null);
  assert.equal(seenOfFacts("type=OS.unix=slink:/etc; x")!.seen.kind, "link");
  assert.equal(seenOfFacts("type=OS.unix=chr-3/7; x")!.seen.kind, "other");
  assert.equal(seenOfFacts("size=99999999999999999999;type=file; x")!.seen.size, null);
  assert.equal(seenOfFacts("type=file;unix.mode=0o644; x")!.seen.mode, 0o644);
  assert.equal(seenOfFacts("type=file;unix.mode=rwx; x")!.seen.mode, null);
  assert.equal(seenOfFacts("size=-1;type=file;modify=never; x")!.seen.size, null);
});

Deno.test("listings of Unix and of DOS are read, times left out", () => {
  assert.deepEqual(
    listed(
      "total 12",
      "drwxr-xr-x    2 0  0   4096 Nov 14 17:03 in",
      "-rw-r-----    1 me us   42 Nov 14  2020 two  words.csv",
      "lrwxrwxrwx    1 0  0      7 Nov 14 17:03 link -> /etc/passwd",
      "crw-rw-rw-    1 0  0   1, 3 Nov 14 17:03 null",
      "prw-rw-rw-    1 0  0      0 Nov 14 17:03 fifo",
    ),
    [
      "in|directory|null|755",
      "two  words.csv|file|42|640",
      "link|link|null|777",
      "null|other|null|666",
      "fifo|other|null|666",
    ],
  );
  assert.deepEqual(
    listed("11-14-23  05:03PM       <DIR>          in", "2023-11-14  17:03   42 a b.csv"),
    ["in|directory|null|undefined", "a b.csv|file|42|undefined"],
  );
});

Deno.test("names that no file may have, and lines that say nothing, are shown and not passed on", () => {
  const hostile = ["..", "a/b", "x".repeat(300), "bell\u0007", "lost\ufffd"];
  const page = pageOf(hostile.map((name) => `type=file;size=1; ${name}`), readFactsLine);
  assert.deepEqual(page.entries, []);
  assert.equal(page.refused.length, hostile.length - 1, ".. is the one above");
  assert.ok(page.refused.every((shown) => !shown.includes("\u0007") && shown.length < 300));
  assert.deepEqual(pageOf(["", " ghost", "size=1; x", "<html>"], readList).refused.length, 4);
});

Deno.test("lines come whole whatever the pieces, characters of many bytes as well", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "ü", "漢", "🙂", " "), minLength: 1 });
  fc.assert(fc.property(fc.array(name), fc.integer({ min: 1, max: 7 }), (names, size) => {
    const lines = new Lines("h");
    const bytes = new TextEncoder().encode(names.map((name) => `${name}\r\n`).join(""));
    const came: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      came.push(...lines.push(bytes.subarray(at, at + size)));
    }
    assert.deepEqual([...came, ...lines.push(null)], names);
  }));
});

Deno.test("a line without an end is refused before it fills the memory", () => {
  const lines = new Lines("h");
  const piece = new Uint8Array(60_000).fill(0x61);
  lines.push(piece);
  assert.throws(() => lines.push(piece), { code: "badResponse", message: /does not end/ });
});

Deno.test("whatever a server lists is a page or a typed error", () => {
  const line = fc.oneof(
    fc.string({ maxLength: 100 }),
    fc.string({ maxLength: 30 }).map((name) => `-rw-r--r-- 1 a b 12 Nov 14 17:03 ${name}`),
    fc.string({ maxLength: 30 }).map((name) => `type=file;size=3; ${name}`),
  );
  fc.assert(fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
    for (const read of [readFactsLine, readList]) {
      try {
        for (const { name } of pageOf(lines, read).entries) assert.ok(!/[/\n\r\0]/.test(name));
      } catch (thrown) {
        assert.ok(thrown instanceof ProtocolError, String(thrown));
      }
    }
  }));
});
