/** What may stand in a line to smbclient: its own reader of lines, on paper, is the model. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  commandLine,
  everythingIn,
  isSmbName,
  sharePath,
  smbName,
} from "../../../protocols/smb/names.ts";
import { ODD_NAMES } from "../../conformance/case.ts";
import { wordsOf } from "./paper_client.ts";

const REFUSED = { code: "nameRefused" } as const;

/** Names of all kinds, most of them with characters that mean something to somebody. */
const anyName = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.array(fc.constantFrom(..."ab\"'\\;!*?<>|:/ \t\n\r\0$`%.-@~()[]{}ü🙂\u202e"), { maxLength: 12 })
    .map((characters) => characters.join("")),
  fc.constantFrom(...ODD_NAMES, "..", ".", "", "CON", "con.txt", "@GMT-2026.01.01-00.00.00"),
);

Deno.test("a name that passes is one word of a line, to the letter, whatever stands beside it", () => {
  fc.assert(
    fc.property(fc.array(anyName, { minLength: 1, maxLength: 3 }), anyName, (names, other) => {
      fc.pre(names.every(isSmbName) && isSmbName(other));
      const [from, to] = [sharePath(names), sharePath([other])];
      const line = commandLine("rename", [{ path: from }, { path: to }, { plain: "-f" }]);
      assert.deepEqual(wordsOf(line), ["rename", from, to, "-f"]);
      assert.ok(!/[\n\r\0]/.test(line) && !line.startsWith("!"));
      assert.deepEqual(from.split("\\").slice(1), names, "and its segments stay apart");
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("a name either passes or is refused, typed, and a path has no way around it", () => {
  fc.assert(
    fc.property(anyName, (name) => {
      if (isSmbName(name)) return void assert.equal(smbName(name), name);
      assert.throws(() => smbName(name), REFUSED);
      assert.throws(() => sharePath(["a", name]), REFUSED);
      const forged = `\\a\\${name}`;
      if (name !== "" && !name.split("\\").every(isSmbName)) {
        assert.throws(() => commandLine("del", [{ path: forged }]), REFUSED);
      }
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("what Windows reserves is refused, what only looks like it is not", () => {
  for (
    const name of [
      ...['a"b', "a*b", "a?b", "a<b", "a>b", "a|b", "a:b", "a:b:$DATA", "a\\b", "a/b", "a\tb"],
      ...["..", ".", "", "a.", "a ", "...", "a\u0085b", "a\u2028b", "\ud800"],
      ...["CON", "nul", "Aux.txt", "prn.tar.gz", "COM1", "lpt9.log", "COM\u00b9", "conin$"],
      ...["@GMT-2026.11.22-03.00.00", "@gmt-x"],
      "x".repeat(256),
    ]
  ) assert.equal(isSmbName(name), false, JSON.stringify(name));
  for (
    const name of [
      "-rf",
      "!ls",
      ";del a",
      "it's",
      "$HOME",
      "`id`",
      "%41",
      "console",
      "com10",
      "nul1",
    ]
  ) assert.equal(isSmbName(name), true, name);
});

Deno.test("the only wildcard is our own, for a whole directory", () => {
  assert.equal(everythingIn("\\"), 'ls "\\*"');
  assert.equal(everythingIn("\\a b\\c"), 'ls "\\a b\\c\\*"');
  assert.throws(() => everythingIn("\\a*"), REFUSED);
});

Deno.test("words of ours are checked as well: verbs, switches and local files", () => {
  assert.throws(() => commandLine("!id", []), REFUSED);
  assert.throws(() => commandLine("ls", [{ plain: "a b" }]), REFUSED);
  assert.throws(() => commandLine("put", [{ local: '/tmp/a" "b' }]), REFUSED);
  assert.throws(() => commandLine("put", [{ local: "relative" }]), REFUSED);
  assert.throws(() => commandLine("ls", [{ path: "no\\backslash\\first" }]), REFUSED);
  assert.throws(() => commandLine("ls", [{ path: "\\a\\\\b" }]), REFUSED);
});

Deno.test("paths and lines that smbclient would cut in two are refused", () => {
  const long = Array.from({ length: 5 }, () => "漢".repeat(80));
  assert.ok(sharePath(long).length < 1_024);
  const line = commandLine("rename", [{ path: sharePath(long) }, { path: sharePath(long) }]);
  assert.ok(new TextEncoder().encode(line).length < 8_191);
  assert.throws(() => sharePath(Array.from({ length: 20 }, () => "x".repeat(60))), REFUSED);
});
