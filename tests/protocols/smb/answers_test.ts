/** Lines of smbclient, as Samba 4.17 writes them and as a hostile server might make them. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  isSent,
  listedLineOf,
  sizeRead,
  timeOf,
  utimesTextOf,
} from "../../../protocols/smb/answers.ts";
import { statusIn } from "../../../protocols/smb/status.ts";
import { listedLine } from "./paper_client.ts";

Deno.test("a line of a listing is read from its end, whatever the name is", () => {
  const lines: readonly [string, string, "file" | "directory" | "link", number][] = [
    [
      "  a b;c.txt                           N        5  Sun Nov 22 03:10:00 2026",
      "a b;c.txt",
      "file",
      5,
    ],
    [
      "  a b;c.txt                           A 50000000  Sun Feb  3 04:05:06 2019",
      "a b;c.txt",
      "file",
      50_000_000,
    ],
    [
      "  big                                AHS 5000000000000  Sun Feb  3 04:05:06 2019",
      "big",
      "file",
      5e12,
    ],
    [
      "  .                                   D        0  Sun Nov 22 03:10:00 2026",
      ".",
      "directory",
      0,
    ],
    [
      "  junction                           Dr        0  Sun Nov 22 03:10:00 2026",
      "junction",
      "link",
      0,
    ],
    [`  ${"x".repeat(60)}      A       17  Sun Nov 22 03:10:00 2026`, "x".repeat(60), "file", 17],
  ];
  for (const [line, name, kind, size] of lines) {
    const read = listedLineOf(line);
    assert.ok(read.type === "found", line);
    assert.equal(read.found.name, name);
    assert.equal(read.found.kind, kind);
    assert.equal(read.found.size, size);
  }
});

Deno.test("every name without a line break comes back from the line it is written in", () => {
  const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 })
    .filter((text) => !text.includes("\n") && text.trimEnd() === text && text !== "");
  fc.assert(
    fc.property(name, fc.nat(), fc.integer({ min: 0, max: 4_000_000_000 }), (text, size, at) => {
      const read = listedLineOf(listedLine(text, size, at).slice(0, -1));
      assert.ok(read.type === "found", JSON.stringify(read));
      assert.deepEqual(read.found, { name: text, kind: "file", size, mtimeMs: at * 1_000 });
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("what is no name is a status, nothing, or odd, and never an entry", () => {
  assert.deepEqual(listedLineOf(""), { type: "nothing" });
  const space = "\t\t264212084 blocks of size 1024. 74479596 blocks available";
  assert.deepEqual(listedLineOf(space), { type: "nothing" });
  assert.deepEqual(listedLineOf("NT_STATUS_NO_SUCH_FILE listing \\nope"), {
    type: "status",
    status: "NO_SUCH_FILE",
  });
  for (
    const line of [
      "  NT_STATUS_ACCESS_DENIED.txt",
      "rest of a name with a line break",
      "  x   A   12  Sun Nov 22 03:10:00 26",
      "  x                                   A  1e9  Sun Nov 22 03:10:00 2026",
      "  x                                   A 99999999999999999999  Sun Nov 22 03:10:00 2026",
    ]
  ) assert.equal(listedLineOf(line).type, "odd", line);
});

Deno.test("a file whose name is a status is a file", () => {
  const read = listedLineOf(listedLine("NT_STATUS_LOGON_FAILURE", 3, 5).slice(0, -1));
  assert.ok(read.type === "found" && read.found.name === "NT_STATUS_LOGON_FAILURE");
});

Deno.test("what is said after a file passed must say all of it", () => {
  const got = "getting file \\big of size 50000000 as - (55423.5 KiloBytes/sec) " +
    "(average 55423.5 KiloBytes/sec)\n";
  assert.equal(sizeRead(got), 50_000_000);
  assert.equal(sizeRead(`${got}parallel_read returned NT_STATUS_IO_TIMEOUT\n`), null);
  assert.equal(sizeRead("getting file \\big of size 5 as - "), null);
  const put = "putting file /tmp/x as \\t\\data (36935.0 kb/s) (average 36935.0 kb/s)\n";
  assert.equal(isSent(put), true);
  assert.equal(isSent(`cli_push returned NT_STATUS_DISK_FULL\n${put}`), false);
  assert.equal(isSent("putting file /tmp/x as \\t\\data "), false);
  assert.equal(isSent("/tmp/x does not exist\n"), false);
});

Deno.test("times are read and written in UTC, from 1970 to 2068", () => {
  assert.equal(timeOf("Sun Feb  3 04:05:06 2019"), Date.UTC(2019, 1, 3, 4, 5, 6));
  assert.equal(timeOf("Sun Abc  3 04:05:06 2019"), null);
  assert.equal(utimesTextOf(Date.UTC(2019, 1, 3, 4, 5, 6, 789)), "19:02:03-04:05:06");
  assert.equal(utimesTextOf(Date.UTC(1969, 11, 31)), null);
  assert.equal(utimesTextOf(Date.UTC(2069, 0, 1)), null);
  assert.equal(utimesTextOf(NaN), null);
});

Deno.test("statuses are found by their names or numbers", () => {
  assert.equal(statusIn("session setup failed: NT_STATUS_LOGON_FAILURE"), "LOGON_FAILURE");
  assert.equal(statusIn("tree connect failed: NT code 0xc000dead"), "0xc000dead");
  assert.equal(statusIn("command not found"), null);
});
