/** The number of an ECDSA key in full, against keys made by node:crypto. */

import assert from "node:assert/strict";
import { generateKeyPairSync, sign, verify } from "node:crypto";
import { withFullNumber } from "../../../protocols/sftp/ecdsa.ts";

const CURVES = [
  ["P-256", "ecdsa-sha2-nistp256", 32, "sha256"],
  ["P-384", "ecdsa-sha2-nistp384", 48, "sha384"],
  ["P-521", "ecdsa-sha2-nistp521", 66, "sha512"],
] as const;

function derOf(pem: string): Uint8Array {
  return Uint8Array.fromBase64(pem.replace(/-----[^-]+-----|\s/g, ""));
}

function pemOf(der: Uint8Array): string {
  return `-----BEGIN EC PRIVATE KEY-----\n${der.toBase64()}\n-----END EC PRIVATE KEY-----\n`;
}

/** The same key with another spelling of its number, as the library writes it. */
function respelled(pem: string, fieldBytes: number, spell: (number: Uint8Array) => Uint8Array) {
  const der = derOf(pem);
  const at = der.findIndex((byte, index) => byte === 0x04 && der[index + 1] === fieldBytes);
  const number = spell(der.subarray(at + 2, at + 2 + fieldBytes));
  const head = der[1]! < 0x80 ? 2 : der[1] === 0x81 ? 3 : 4;
  const rest = der.subarray(at + 2 + fieldBytes);
  const body = [...der.subarray(head, at), 0x04, number.length, ...number, ...rest];
  const length = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return pemOf(Uint8Array.from([0x30, ...length, ...body]));
}

for (const [namedCurve, type, fieldBytes, hash] of CURVES) {
  Deno.test(`an ECDSA key of ${namedCurve} signs, whatever zeros its number had or lacked`, () => {
    for (let round = 0; round < 4; round += 1) {
      const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve });
      const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
      const longer = respelled(pem, fieldBytes, (number) => Uint8Array.of(0, ...number));
      for (const spelled of [pem, longer]) {
        const mended = withFullNumber(type, spelled);
        assert.deepEqual(derOf(mended), derOf(pem));
        const data = new TextEncoder().encode("data");
        assert.ok(verify(hash, data, publicKey, sign(hash, data, mended)));
      }
    }
  });
}

Deno.test("a number that begins with zeros and was cut short is filled up", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
  const small = respelled(pem, 32, (number) => Uint8Array.of(0, ...number.subarray(1)));
  const cut = respelled(pem, 32, (number) => number.subarray(1));
  assert.deepEqual(derOf(withFullNumber("ecdsa-sha2-nistp256", cut)), derOf(small));
});

Deno.test("what is no such key stays as it is", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const pem = privateKey.export({ type: "sec1", format: "pem" }).toString();
  for (
    const [type, text] of [
      ["ssh-ed25519", pem],
      ["ecdsa-sha2-nistp256", "no key"],
      ["ecdsa-sha2-nistp256", pemOf(Uint8Array.of(0x30, 0x82, 0xff, 0xff, 1))],
      ["ecdsa-sha2-nistp256", pemOf(Uint8Array.of(0x30))],
      ["ecdsa-sha2-nistp256", pemOf(new Uint8Array(0))],
    ] as const
  ) assert.equal(withFullNumber(type, text), text);
});
