import assert from "node:assert/strict";
import fc from "fast-check";
import {
  containedPath,
  isBelow,
  safeName,
  shownPath,
  splitPath,
} from "../../protocols/containment.ts";
import { ProtocolError } from "../../protocols/errors.ts";

function codeOf(call: () => unknown): string {
  try {
    call();
    return "accepted";
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown));
    return thrown.code;
  }
}

const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => codeOf(() => safeName(text)) === "accepted");
const hostile = fc.array(
  fc.oneof(
    fc.constantFrom("..", ".", "", "data", "in", "inner", "..\u0000", "a\nb"),
    fc.string({ maxLength: 8 }),
  ),
  { maxLength: 8 },
).chain((parts) => fc.constantFrom(parts.join("/"), `/${parts.join("/")}`));

Deno.test("safeName() keeps every odd character that a file system keeps", () => {
  for (
    const name of [
      "a b",
      "100%",
      "a?b#c",
      "'q\"",
      "back\\slash",
      "-rf",
      "...",
      "..a",
      "ü漢字🙂",
      ".hidden",
      " lead",
      "x".repeat(255),
      "é".repeat(127),
    ]
  ) assert.equal(safeName(name), name);
});

Deno.test("safeName() refuses what is no name of a single file", () => {
  for (
    const name of [
      "",
      ".",
      "..",
      "a/b",
      "/",
      "a\0",
      "a\nb",
      "\u001b[2J",
      "a\u007f",
      "a\u0085b",
      "\ud800",
      "x".repeat(256),
      "é".repeat(128),
      "🙂".repeat(64),
    ]
  ) assert.equal(codeOf(() => safeName(name)), "nameRefused", shownPath(name));
});

Deno.test("containedPath() joins what is relative and keeps what is absolute and below", () => {
  assert.equal(containedPath("/data/in", "a/b.csv"), "/data/in/a/b.csv");
  assert.equal(containedPath("/data/in", "/data/in/a"), "/data/in/a");
  assert.equal(containedPath("/data//in/", "/data//in/a"), "/data/in/a");
  assert.equal(containedPath("/data/./in", "/data/in/a"), "/data/in/a");
  assert.equal(containedPath("/", "/etc"), "/etc");
  assert.equal(containedPath("/data/in", "/data/in"), "/data/in");
});

Deno.test("containedPath() refuses to leave the root by dots, absolute paths or a shared prefix", () => {
  for (
    const path of [
      "..",
      "../x",
      "a/../../x",
      "a/..",
      "/etc/passwd",
      "/data/inner/x",
      "/data",
      "/",
      "/data/in/../x",
    ]
  ) assert.equal(codeOf(() => containedPath("/data/in", path)), "escapes", path);
  assert.equal(codeOf(() => containedPath("data", "x")), "escapes");
  assert.equal(codeOf(() => containedPath("/data/..", "x")), "escapes");
});

Deno.test("containedPath() refuses empty and dot segments, trailing slashes and paths that are too long", () => {
  for (const path of ["", ".", "a//b", "a/./b", "a/", "/data/in/", "a\0b", "a\nb"]) {
    assert.equal(codeOf(() => containedPath("/data/in", path)), "nameRefused", shownPath(path));
  }
  const deep = Array.from({ length: 50 }, () => "x".repeat(100)).join("/");
  assert.equal(codeOf(() => containedPath("/data", deep)), "nameRefused");
});

Deno.test("containedPath() gives a path below the root, with no segment that means another, or throws", () => {
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 4 }), hostile, (declared, path) => {
      const root = `/${declared.join("/")}`;
      let full: string;
      try {
        full = containedPath(root, path);
      } catch (thrown) {
        assert.ok(thrown instanceof ProtocolError);
        assert.ok(thrown.code === "escapes" || thrown.code === "nameRefused");
        return;
      }
      assert.ok(isBelow(root, full), `${full} is not below ${root}`);
      // The stupid model: a normalizing URL-like walk must end at the same place.
      const walked: string[] = [];
      for (const part of full.split("/")) {
        if (part === "..") walked.pop();
        else if (part !== "" && part !== ".") walked.push(part);
      }
      assert.equal(full === "/" ? "/" : `/${walked.join("/")}`, full);
    }),
    { numRuns: 2_000 },
  );
});

Deno.test("containedPath() of safe names is the plain join, and splitPath() undoes it", () => {
  const names = fc.array(segment, { minLength: 1, maxLength: 5 });
  fc.assert(fc.property(names, names, (declared, beyond) => {
    const root = `/${declared.join("/")}`;
    const full = containedPath(root, beyond.join("/"));
    assert.equal(full, `${root}/${beyond.join("/")}`);
    assert.equal(containedPath(root, full), full);
    assert.equal(splitPath(full).name, beyond.at(-1));
  }));
});

Deno.test("isBelow() goes by segments, not by prefix", () => {
  assert.ok(isBelow("/data/in", "/data/in/x"));
  assert.ok(isBelow("/data/in", "/data/in"));
  assert.ok(isBelow("/", "/x"));
  assert.ok(!isBelow("/data/in", "/data/inner"));
  assert.ok(!isBelow("/data/in", "/data"));
});

Deno.test("shownPath() makes control characters visible and bounds the length", () => {
  assert.ok(!/\p{Cc}/u.test(shownPath("a\u001b[2J\u0000\u009b\u007f")));
  assert.ok(shownPath("x".repeat(10_000)).length < 300);
});
