import assert from "node:assert/strict";
import fc from "fast-check";
import { compileGlob, escapedGlob, type Glob } from "../../workflows/glob.ts";

function glob(pattern: string, dot = false): Glob {
  const compiled = compileGlob(pattern, { dot });
  assert.ok(!("fault" in compiled), "fault" in compiled ? compiled.fault : "");
  return compiled;
}

function matches(pattern: string, path: string, dot = false): boolean {
  return glob(pattern, dot).matches(path.split("/"));
}

Deno.test("a glob without a slash is for the name, at any depth", () => {
  assert.ok(matches("*.csv", "a.csv"));
  assert.ok(matches("*.csv", "deep/down/a.csv"));
  assert.ok(!matches("*.csv", "a.csv/b"));
});

Deno.test("a glob with a slash is for the whole path", () => {
  assert.ok(matches("/*.csv", "a.csv"));
  assert.ok(!matches("/*.csv", "deep/a.csv"));
  assert.ok(matches("deep/*.csv", "deep/a.csv"));
  assert.ok(!matches("deep/*.csv", "x/deep/a.csv"));
});

Deno.test("two stars are any number of directories, none among them", () => {
  for (const path of ["a.csv", "x/a.csv", "x/y/z/a.csv"]) assert.ok(matches("/**/*.csv", path));
  assert.ok(matches("/in/**/x/*.csv", "in/x/a.csv"));
  assert.ok(matches("/in/**/x/*.csv", "in/1/2/x/a.csv"));
  assert.ok(!matches("/in/**/x/*.csv", "in/1/2/y/a.csv"));
  assert.ok(matches("/in/**", "in/a/b"));
});

Deno.test("classes, single characters and alternatives", () => {
  assert.ok(matches("report-?.[ct]sv", "report-1.tsv"));
  assert.ok(!matches("report-?.[ct]sv", "report-12.tsv"));
  assert.ok(matches("[!a-c]*", "d.txt"));
  assert.ok(!matches("[!a-c]*", "b.txt"));
  assert.ok(matches("*.{csv,{tsv,txt}}", "a.txt"));
  assert.ok(matches("[]]", "]"));
  assert.ok(matches("\\*.csv", "*.csv"));
  assert.ok(!matches("\\*.csv", "a.csv"));
});

Deno.test("a leading dot has to be written, unless dots count like others", () => {
  assert.ok(!matches("*", ".hidden"));
  assert.ok(!matches("/**/a", ".git/a"));
  assert.ok(matches(".*", ".hidden"));
  assert.ok(matches("*", ".hidden", true));
  assert.ok(matches("/**/a", ".git/a", true));
});

Deno.test("what a glob cannot be is told", () => {
  for (const pattern of ["a//b", "../a", "a/./b", "[a", "{a", "a\\", "x".repeat(2_000)]) {
    assert.ok("fault" in compileGlob(pattern, { dot: false }), pattern);
  }
  const bomb = "{a,b}".repeat(10);
  assert.ok("fault" in compileGlob(bomb, { dot: false }));
});

Deno.test("the depth is that of the longest match", () => {
  assert.equal(glob("/a/*.csv").depth, 2);
  assert.equal(glob("/{a,b/c}/*").depth, 3);
  assert.equal(glob("/a/**").depth, null);
  assert.equal(glob("*.csv").depth, null);
});

Deno.test("an escaped text matches itself and nothing else", () => {
  fc.assert(fc.property(name(), name(), (one, other) => {
    const compiled = glob(`/${escapedGlob(one)}`);
    assert.ok(compiled.matches([one]));
    assert.equal(compiled.matches([other]), one === other);
  }));
});

Deno.test("a star per character takes no longer than the name is long", () => {
  const compiled = glob(`/${"*a".repeat(400)}b`);
  assert.equal(compiled.matches(["a".repeat(255)]), false);
  const deep = glob(`/${"**/a/".repeat(150)}b`);
  assert.equal(deep.matches(Array<string>(500).fill("a")), false);
});

Deno.test("matching agrees with a model that tries everything", () => {
  const segment = fc.stringMatching(/^[ab*?]{1,4}$/).filter((text) => !text.includes("**"));
  const pattern = fc.array(fc.oneof(segment, fc.constant("**")), { minLength: 1, maxLength: 4 });
  const path = fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(pattern, path, (segments, names) => {
      const compiled = glob(`/${segments.join("/")}`);
      assert.equal(compiled.matches(names), model(segments, names));
      // Whatever matches can be reached through each directory above it.
      if (!model(segments, names)) return;
      for (let end = 1; end < names.length; end++) {
        assert.ok(compiled.couldMatchBelow(names.slice(0, end)), names.slice(0, end).join("/"));
      }
    }),
    { numRuns: 500 },
  );
});

function name(): fc.Arbitrary<string> {
  return fc.string({ minLength: 1, maxLength: 8 }).filter((text) =>
    !text.includes("/") && text !== "." && text !== ".."
  );
}

function model(segments: readonly string[], names: readonly string[]): boolean {
  const [first, ...rest] = segments;
  if (first === undefined) return names.length === 0;
  if (first === "**") {
    return model(rest, names) || (names.length > 0 && model(segments, names.slice(1)));
  }
  return names.length > 0 && modelName(first, names[0]!) && model(rest, names.slice(1));
}

function modelName(pattern: string, text: string): boolean {
  if (pattern === "") return text === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*") {
    return modelName(rest, text) || (text !== "" && modelName(pattern, text.slice(1)));
  }
  return text !== "" && (pattern[0] === "?" || pattern[0] === text[0]) &&
    modelName(rest, text.slice(1));
}
