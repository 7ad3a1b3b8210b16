/** Answers to PROPFIND in every piece size, from honest and from hostile servers. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../protocols/errors.ts";
import {
  type DavResource,
  Multistatus,
  nameIn,
  segmentsOf,
} from "../../../protocols/webdav/multistatus.ts";

function read(text: string, pieceLength = text.length): DavResource[] {
  const answer = new Multistatus();
  const found: DavResource[] = [];
  for (let at = 0; at < text.length; at += pieceLength) {
    found.push(...answer.push(text.slice(at, at + pieceLength)));
  }
  answer.end();
  return found;
}

const FILE = `<D:response><D:href>/data/a%20b.csv</D:href><D:propstat><D:prop><D:resourcetype/>
<D:getcontentlength>12</D:getcontentlength><D:getlastmodified>Sun, 06 Nov 1994 08:49:37 GMT</D:getlastmodified>
<D:getetag>"x&amp;y"</D:getetag></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
<D:propstat><D:prop><D:getcontentlanguage/></D:prop><D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
</D:response>`;
const FOLDER = `<D:response><D:href>http://elsewhere/data/deep/</D:href><D:propstat><D:prop>
<D:resourcetype><D:collection/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status>
</D:propstat></D:response>`;

function whole(...responses: string[]): string {
  return `<?xml version="1.0"?><!-- - -->\n<D:multistatus xmlns:D="DAV:">${responses.join("\n")}` +
    "</D:multistatus>\n";
}

Deno.test("resources are the same whatever the pieces of an answer", () => {
  const text = whole(FILE, FOLDER, FILE);
  const file = {
    href: "/data/a%20b.csv",
    isCollection: false,
    size: 12,
    mtimeMs: Date.UTC(1994, 10, 6, 8, 49, 37),
    etag: '"x&y"',
  };
  const folder = {
    href: "http://elsewhere/data/deep/",
    isCollection: true,
    size: null,
    mtimeMs: null,
    etag: null,
  };
  fc.assert(
    fc.property(fc.integer({ min: 1, max: text.length }), (pieceLength) => {
      assert.deepEqual(read(text, pieceLength), [file, folder, file]);
    }),
    { numRuns: 60 },
  );
});

Deno.test("namespaces may have any prefix or none, and an answer may hold nothing", () => {
  for (const prefix of ["", "d:", "DAV_1.x-:"]) {
    assert.equal(read(whole(FILE).replaceAll("D:", prefix)).length, 1);
  }
  assert.deepEqual(read('<multistatus xmlns="DAV:"/>'), []);
  assert.deepEqual(read(whole()), []);
  const gone = "<D:response><D:href>/x</D:href><D:status>HTTP/1.1 404 Gone</D:status></D:response>";
  assert.deepEqual(read(whole(gone)), []);
});

Deno.test("entities, endless answers and what is no answer are refused", () => {
  const bombs = [
    '<!DOCTYPE x [<!ENTITY a "b">]><multistatus xmlns="DAV:"/>',
    '<?xml version="1.0"?><!DOCTYPE multistatus SYSTEM "file:///etc/passwd"><multistatus/>',
    whole(FILE.replace("12", "&boom;")),
    whole(`<D:response><D:href>${"x".repeat(100_000)}</D:href></D:response>`),
    whole("<D:response>" + "<a>".repeat(1_000)),
    " ".repeat(100_000),
    "<!-- -->".repeat(100) + "<html>",
    "<!-- -->".repeat(100_000),
    "<".repeat(100_000),
    whole(FILE).slice(0, -30),
    whole(FILE).slice(0, 100),
    whole("<D:response></D:response>"),
    "<html><body>hello</body></html>",
    "",
  ];
  for (const bomb of bombs) {
    for (const pieceLength of [1_000, 100_000_000]) {
      assert.throws(
        () => read(bomb, pieceLength),
        (error) => error instanceof ProtocolError && error.code === "badResponse",
        bomb.slice(0, 80),
      );
    }
  }
});

Deno.test("only what is directly in the directory has a name there", () => {
  const url = new URL("http://h/da%74a/");
  const base = segmentsOf(url.href, url)!;
  const nameOf = (href: string) => nameIn(base, segmentsOf(href, url));
  assert.equal(nameOf("/data/"), "self");
  assert.equal(nameOf("https://proxy.inside:8443/data"), "self");
  assert.deepEqual(nameOf("/data/a%20b"), { name: "a b" });
  assert.deepEqual(nameOf("/data/a%2Fb"), { name: "a/b" });
  assert.deepEqual(nameOf("/data/%252e"), { name: "%2e" });
  for (
    const href of ["/", "/other/x", "/data/../etc/passwd", "/data/x/y", "/data/%zz", "http://["]
  ) {
    assert.equal(nameOf(href), null, href);
  }
});
