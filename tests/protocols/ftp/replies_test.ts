import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../protocols/errors.ts";
import { featuresOf, hasChmod, offeredFacts } from "../../../protocols/ftp/features.ts";
import { extendedPassivePort, passiveAddress } from "../../../protocols/ftp/passive.ts";
import { type Reply, ReplyParser } from "../../../protocols/ftp/replies.ts";
import { timeOf, timeText } from "../../../protocols/ftp/times.ts";

const MOST_BYTES = 65_536;

function replies(text: string, pieceBytes = 1_000): Reply[] {
  const parser = new ReplyParser("ftp://h", MOST_BYTES);
  const bytes = new TextEncoder().encode(text);
  const all: Reply[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    all.push(...parser.push(bytes.subarray(at, at + pieceBytes)));
  }
  return all;
}

const reply = (code: number, ...lines: string[]): Reply => ({ code, lines });

Deno.test("replies of one line and of many, with the code repeated or not", () => {
  assert.deepEqual(replies("220 hello\r\n331\r\n"), [reply(220, "hello"), reply(331, "")]);
  assert.deepEqual(replies("211-Features:\r\n MDTM\r\n 211 not the end\r\n211 End\r\n"), [
    reply(211, "Features:", " MDTM", " 211 not the end", "End"),
  ]);
  assert.deepEqual(replies("230-a\n230-b\n\n\n230 c\n200 d\n"), [
    reply(230, "a", "b", "", "", "c"),
    reply(200, "d"),
  ]);
});

Deno.test("replies are the same in pieces of any size", () => {
  const line = fc.string({ unit: fc.constantFrom("a", " ", "ü", "-", "2"), maxLength: 20 });
  const one = fc.tuple(
    fc.integer({ min: 200, max: 599 }),
    fc.array(line, { minLength: 1, maxLength: 5 }),
  );
  fc.assert(
    fc.property(fc.array(one, { maxLength: 6 }), fc.integer({ min: 1, max: 9 }), (all, size) => {
      const text = all.map(([code, lines]) =>
        lines.map((text, at) => `${code}${at === lines.length - 1 ? " " : "-"}${text}\r\n`).join("")
      ).join("");
      assert.deepEqual(replies(text, size), all.map(([code, lines]) => reply(code, ...lines)));
    }),
  );
});

Deno.test("what is no reply, or has no end, is refused before it is kept", () => {
  for (const text of ["SSH-2.0-OpenSSH\r\n", "<html>\r\n", "22 x\r\n", "999 x\r\n", "220x\r\n"]) {
    assert.throws(() => replies(text), { code: "badResponse" });
  }
  const endless = "x".repeat(MOST_BYTES + 1);
  for (const text of [endless, `220-${endless}`, `220-a\r\n${"b\r\n".repeat(MOST_BYTES)}`]) {
    assert.throws(() => replies(text), { code: "badResponse", message: /longer than 65536/ });
  }
});

Deno.test("whatever bytes come are replies or a typed error", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    try {
      for (const { code, lines } of new ReplyParser("h", MOST_BYTES).push(bytes)) {
        assert.ok(code >= 100 && code <= 599 && lines.length > 0);
      }
    } catch (thrown) {
      assert.ok(thrown instanceof ProtocolError, String(thrown));
    }
  }));
});

Deno.test("the port of a data connection is read from what servers write", () => {
  const port = (text: string) => extendedPassivePort(reply(229, text));
  assert.equal(port("Entering Extended Passive Mode (|||6446|)"), 6446);
  assert.equal(port("EPSV ok (!!!80!)"), 80);
  for (const text of ["(|||0|)", "(|||65536|)", "(|||-1|)", "(||1.2.3.4|80|)", "ok", "(|||80)"]) {
    assert.equal(port(text), null, text);
  }
  const address = (text: string) => passiveAddress(reply(227, text));
  assert.deepEqual(address("Entering Passive Mode (192,168,1,2,10,229)."), {
    address: "192.168.1.2",
    port: 2789,
  });
  assert.deepEqual(address("=127,0,0,1,4,1"), { address: "127.0.0.1", port: 1025 });
  for (const text of ["(1,2,3,4,0,0)", "(1,2,3,256,1,1)", "(1,2,3,4,5)", "1".repeat(100_000)]) {
    assert.equal(address(text), null, text.slice(0, 20));
  }
});

Deno.test("times are those of RFC 3659, and nothing else is one", () => {
  assert.equal(timeOf("19991005213102"), Date.UTC(1999, 9, 5, 21, 31, 2));
  assert.equal(timeOf("19980615100045.014"), Date.UTC(1998, 5, 15, 10, 0, 45, 14));
  assert.equal(timeOf("19980615100045.5"), Date.UTC(1998, 5, 15, 10, 0, 45, 500));
  for (const text of ["", "1999100521310", "19991305213102", "19990231000000", "2024-01-01", "x"]) {
    assert.equal(timeOf(text), null, text);
  }
  const seconds = fc.integer({ min: 0, max: 4_000_000_000 });
  fc.assert(fc.property(seconds, (at) => assert.equal(timeOf(timeText(at * 1_000)), at * 1_000)));
});

Deno.test("features are what FEAT and SITE HELP say, a star told apart", () => {
  const named = featuresOf(
    reply(211, "Features:", " MDTM", " REST STREAM", "MLST a*;SIZE;", "End"),
  );
  assert.deepEqual([...named], [["MDTM", ""], ["REST", "STREAM"], ["MLST", "a*;SIZE;"]]);
  assert.equal(featuresOf(reply(502, "what?")).size, 0);
  assert.equal(featuresOf(reply(211, "none")).size, 0);
  const features = { named: new Map([["MLST", "Type*;Size*;Perm;"]]), chmod: false };
  assert.deepEqual(offeredFacts(features), ["type", "size"]);
  assert.ok(hasChmod(reply(214, "CHMOD UMASK HELP")));
  assert.ok(hasChmod(reply(214, "these", " CHMOD", "end")));
  assert.ok(!hasChmod(reply(214, "these", " CHMOD*", "end")));
  assert.ok(!hasChmod(reply(502, "CHMOD")));
});
