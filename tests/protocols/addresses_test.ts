/** Hosts and addresses in every spelling, against what they are. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  addressOf,
  hostOf,
  isIn,
  rangeOf,
  type Scope,
  scopeOf,
  scopeOfHost,
} from "../../protocols/addresses.ts";

function scope(text: string): Scope | null {
  const host = hostOf(text);
  assert.ok(host !== null, `${text} is a host`);
  return scopeOfHost(host);
}

Deno.test("one address has one form, however it was spelled", () => {
  const spellings = [
    "127.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0x7f.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "%31%32%37.0.0.1",
  ];
  for (const text of spellings) assert.equal(hostOf(text)?.name, "127.0.0.1", text);
  for (const text of ["::1", "[::1]", "0:0:0:0:0:0:0:1", "::0001"]) {
    assert.equal(hostOf(text)?.name, "::1", text);
  }
});

Deno.test("names are lower case, without a dot at their end, and in their ASCII form", () => {
  assert.equal(hostOf("Files.Example.ORG.")?.name, "files.example.org");
  assert.equal(hostOf("bücher.example")?.name, "xn--bcher-kva.example");
  assert.equal(hostOf("ｅｘａｍｐｌｅ.org")?.name, "example.org");
  assert.equal(hostOf("files.example.org")?.address, null);
});

Deno.test("what is no host is none", () => {
  const texts = [
    "",
    ".",
    "a b",
    "a/b",
    "a\\b",
    "a?b",
    "a#b",
    "user@host",
    "a\0b",
    "a\r\nb",
    "fe80::1%eth0",
    "[fe80::1%25eth0]",
    "1.2.3.4.5.6.7.256",
    "999.1.1.1",
    ":::",
    "[::1",
  ];
  for (const text of texts) assert.equal(hostOf(text), null, JSON.stringify(text));
});

const SCOPES: readonly [Scope, readonly string[]][] = [
  ["loopback", ["127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::", "localhost"]],
  ["loopback", ["LOCALHOST.", "a.localhost", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1"]],
  ["loopback", ["2002:7f00:1::", "::ffff:7f00:1", "0x7f.0.0.1"]],
  ["linkLocal", ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1", "::ffff:169.254.7.7"]],
  ["metadata", [
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "::ffff:a9fe:a9fe",
    "fd00:ec2::254",
  ]],
  ["metadata", ["100.100.100.200", "168.63.129.16", "metadata.google.internal", "METADATA.goog."]],
  ["metadata", ["64:ff9b::169.254.169.254", "2002:a9fe:a9fe::1", "169.254.170.2", "fd20:ce::254"]],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "fd00::1"]],
  ["private", ["::ffff:10.0.0.1", "fc00::1", "fec0::1", "198.18.0.1", "64:ff9b:1::1"]],
  ["public", [
    "8.8.8.8",
    "172.32.0.1",
    "100.128.0.1",
    "169.253.1.1",
    "2001:db8::1",
    "2606:4700::1",
  ]],
  ["nowhere", ["224.0.0.1", "239.255.255.255", "255.255.255.255", "240.0.0.1", "ff02::1"]],
];

for (const [expected, texts] of SCOPES) {
  for (const text of texts) {
    Deno.test(`${text} is ${expected}`, () => assert.equal(scope(text), expected));
  }
}

Deno.test("a name says nothing of where it leads", () => {
  for (const name of ["example.org", "mylocalhost", "localhost.example.org", "metadata"]) {
    assert.equal(scope(name), null, name);
  }
});

const byte = fc.integer({ min: 0, max: 255 });

Deno.test("every spelling of any IPv4 address is judged as that address is", () => {
  fc.assert(fc.property(fc.tuple(byte, byte, byte, byte), (bytes) => {
    const plain = bytes.join(".");
    const number = bytes.reduce((sum, one) => sum * 256 + one, 0);
    const hex = (one: number) => one.toString(16).padStart(2, "0");
    const [a, b, c, d] = bytes.map(hex);
    const expected = scopeOf(Uint8Array.from(bytes));
    const spellings = [
      String(number),
      `0x${number.toString(16)}`,
      bytes.map((one) => `0${one.toString(8)}`).join("."),
      `::ffff:${plain}`,
      `[::ffff:${a}${b}:${c}${d}]`,
      `64:ff9b::${a}${b}:${c}${d}`,
      `2002:${a}${b}:${c}${d}::1`,
    ];
    for (const text of spellings) assert.equal(scope(text), expected, `${text} is ${plain}`);
  }));
});

Deno.test("an address is in a range exactly if its first bits are the range's", () => {
  const bits = (address: Uint8Array) =>
    [...address].map((one) => one.toString(2).padStart(8, "0")).join("");
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.uint8Array({ minLength: 4, maxLength: 4 }),
    fc.integer({ min: 0, max: 32 }),
    (start, address, length) => {
      // Half of them share most of their bits.
      const near = start[0]! % 2 === 0
        ? Uint8Array.of(...start.subarray(0, 3), address[3]!)
        : address;
      const range = rangeOf(`${start.join(".")}/${length}`)!;
      const shares = bits(near).slice(0, length) === bits(start).slice(0, length);
      assert.equal(isIn(range, near), shares);
    },
  ));
});

Deno.test("a range of IPv4 holds the IPv6 addresses that carry its own", () => {
  const range = rangeOf("10.0.0.0/8")!;
  for (const text of ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::9"]) {
    assert.ok(isIn(range, addressOf(text)!), text);
  }
  assert.ok(!isIn(range, addressOf("::ffff:11.1.2.3")!));
  assert.ok(isIn(rangeOf("fd00::/8")!, addressOf("fd12::1")!));
});

Deno.test("what is no range is none", () => {
  for (
    const text of ["10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/", "/8", "10.0.0.0/8/8"]
  ) {
    assert.equal(rangeOf(text), null, text);
  }
});
