import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../protocols/errors.ts";
import { fileUriOf, pathOfFileUri } from "../../../protocols/file/uri.ts";

Deno.test("pathOfFileUri() decodes names and keeps characters that need no encoding", () => {
  assert.equal(pathOfFileUri("file:///data/a%20b.csv"), "/data/a b.csv");
  assert.equal(pathOfFileUri("file:///data/a b.csv"), "/data/a b.csv");
  assert.equal(pathOfFileUri("file://localhost/data/x"), "/data/x");
  assert.equal(pathOfFileUri("FILE:/data/x"), "/data/x");
  assert.equal(pathOfFileUri("file:///100%25/%3F%23"), "/100%/?#");
  assert.equal(pathOfFileUri("file:///ü/%F0%9F%99%82"), "/ü/🙂");
});

Deno.test("pathOfFileUri() leaves dots for containment to judge", () => {
  assert.equal(pathOfFileUri("file:///data/../etc"), "/data/../etc");
  assert.equal(pathOfFileUri("file:///data/%2e%2e/etc"), "/data/../etc");
});

Deno.test("pathOfFileUri() refuses what names no local file, and says what to write instead", () => {
  const cases: [string, RegExp][] = [
    ["file://other-host/x", /file:\/\/\/directory\/name/],
    ["file:relative", /absolute/],
    ["file:", /absolute/],
    ["file:///a?b", /%3F/],
    ["file:///a#b", /%23/],
    ["file:///a%zz", /%25/],
    ["file:///a%ff", /%25/],
    ["file:///a%2Fb", /slash/],
    ["file:///a%00b", /NUL/],
    ["http://x/y", /absolute/],
  ];
  for (const [uri, message] of cases) {
    assert.throws(() => pathOfFileUri(uri), (thrown) => {
      assert.ok(thrown instanceof ProtocolError && thrown.code === "badEndpoint");
      assert.match(thrown.message, message, uri);
      return true;
    });
  }
});

Deno.test("fileUriOf() and pathOfFileUri() are inverse", () => {
  const segment = fc.string({ unit: "grapheme" }).filter((text) => !/[/\0]/.test(text));
  fc.assert(fc.property(fc.array(segment, { minLength: 1 }), (segments) => {
    const path = `/${segments.join("/")}`;
    assert.equal(pathOfFileUri(fileUriOf(path)), path);
  }));
  assert.throws(() => fileUriOf("relative"), ProtocolError);
});
