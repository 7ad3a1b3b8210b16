/** What the bounded parser takes, and what it refuses. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  childrenOf,
  parseXml,
  textOf,
  xml,
  type XmlElement,
  type XmlText,
} from "../../../protocols/s3/xml.ts";

Deno.test("xml: elements, text, entities, CDATA, prefixes, comments and attributes", () => {
  const root = parseXml(`\ufeff<?xml version="1.0"?>
    <!-- <a> --><s:List xmlns:s='http://x/' a = "1>2">
      <Key>a &amp; b &lt;&#x1F600;&#233;</Key><Key><![CDATA[<raw>&]]></Key><Empty/>
    </s:List>`);
  assert.equal(root.name, "List");
  assert.deepEqual(childrenOf(root, "Key").map(({ text }) => text), ["a & b <😀é", "<raw>&"]);
  assert.equal(textOf(root, "Empty"), "");
  assert.equal(textOf(root, "Missing"), null);
});

const REFUSED: readonly [string, string][] = [
  ["a document type", `<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>`],
  ["an entity of its own", "<a>&x;</a>"],
  ["an external entity", `<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>`],
  ["a lone ampersand", "<a>&</a>"],
  ["a character that is none", "<a>&#0;</a>"],
  ["half of a character", "<a>&#xD800;</a>"],
  ["tags that cross", "<a><b></a></b>"],
  ["an end that is missing", "<a><b></b>"],
  ["an end too many", "<a></a></a>"],
  ["two roots", "<a/><b/>"],
  ["nothing", ""],
  ["text alone", "hello"],
  ["HTML", "<html><p class=x>hello</html>"],
  ["depth", "<a>".repeat(40) + "</a>".repeat(40)],
  ["too many elements", `<a>${"<b/>".repeat(60_000)}</a>`],
  ["a tag that never ends", `<a ${"b='c' ".repeat(50_000)}`],
];

for (const [what, text] of REFUSED) {
  Deno.test(`xml: ${what} is refused, at once`, () => {
    const start = performance.now();
    assert.throws(() => parseXml(text), { code: "badResponse" });
    assert.ok(performance.now() - start < 2_000, "no time is lost over it");
  });
}

Deno.test("xml: what was written is read back the same", () => {
  type Tree = { name: string; text: string } | { name: string; children: Tree[] };
  const name = fc.constantFrom("A", "Key", "Part");
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      fc.record({ name, text: fc.string({ unit: "grapheme" }).filter((s) => s.isWellFormed()) }),
      fc.record({ name, children: fc.array(tie("tree"), { maxLength: 3 }) }),
    ),
  }));
  const written = (node: Tree): XmlText =>
    xml(node.name, "text" in node ? node.text : node.children.map(written));
  const plain = (element: XmlElement): Tree =>
    element.children.length > 0
      ? { name: element.name, children: element.children.map(plain) }
      : { name: element.name, text: element.text };
  const expected = (node: Tree): Tree =>
    "children" in node && node.children.length > 0
      ? { name: node.name, children: node.children.map(expected) }
      : { name: node.name, text: "text" in node ? node.text : "" };
  fc.assert(fc.property(tree, (node) => {
    assert.deepEqual(plain(parseXml(written(node).markup)), expected(node));
  }));
});
