/**
 * ECDSA keys as `npm:ssh2` makes them of OpenSSH's form, in the form that SEC 1 (C.4) asks for: the private
 * number has as many bytes as the field. The library leaves a zero in front of half of them, and cuts
 * others short, which OpenSSL takes and Deno 2.9.6 does not (measured).
 */

const FIELD_BYTES: Readonly<Record<string, number>> = {
  "ecdsa-sha2-nistp256": 32,
  "ecdsa-sha2-nistp384": 48,
  "ecdsa-sha2-nistp521": 66,
};

const SEQUENCE = 0x30;
const OCTETS = 0x04;
const FORM = /^-----BEGIN EC PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END EC PRIVATE KEY-----\s*$/;

/** The key with its number in full, or as it is where nothing is to be mended. */
export function withFullNumber(type: string, pem: string): string {
  const fieldBytes = FIELD_BYTES[type];
  const base64 = FORM.exec(pem)?.[1];
  if (fieldBytes === undefined || base64 === undefined) return pem;
  const der = Uint8Array.fromBase64(base64.replace(/\s/g, ""));
  const outer = elementAt(der, 0);
  if (outer === null || outer.tag !== SEQUENCE) return pem;
  const version = elementAt(der, outer.start);
  const number = version === null ? null : elementAt(der, version.end);
  if (number === null || number.tag !== OCTETS) return pem;
  const given = der.subarray(number.start, number.end);
  const significant = given.subarray(Math.max(0, given.findIndex((byte) => byte !== 0)));
  if (significant.length > fieldBytes) return pem;
  const full = new Uint8Array(fieldBytes);
  full.set(significant, fieldBytes - significant.length);
  const before = der.subarray(outer.start, version!.end);
  const after = der.subarray(number.end, outer.end);
  return pemOf(element(SEQUENCE, [before, element(OCTETS, [full]), after]));
}

interface Element {
  readonly tag: number;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

/** The element of DER at a place, `null` where there is none. */
function elementAt(der: Uint8Array, at: number): Element | null {
  const tag = der[at];
  const first = der[at + 1];
  if (tag === undefined || first === undefined) return null;
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 2) return null;
  let length = first < 0x80 ? first : 0;
  for (let index = 0; index < lengthBytes; index += 1) {
    length = length * 256 + (der[at + 2 + index] ?? 0);
  }
  const start = at + 2 + lengthBytes;
  return start + length <= der.length ? { tag, start, end: start + length } : null;
}

function element(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const head = length < 0x80
    ? [tag, length]
    : length < 0x100
    ? [tag, 0x81, length]
    : [tag, 0x82, length >> 8, length & 0xff];
  const whole = new Uint8Array(head.length + length);
  whole.set(head);
  let at = head.length;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function pemOf(der: Uint8Array): string {
  const lines = der.toBase64().match(/.{1,64}/g) ?? [];
  return `-----BEGIN EC PRIVATE KEY-----\n${lines.join("\n")}\n-----END EC PRIVATE KEY-----\n`;
}
