/** CRC-32C (RFC 3720, appendix B.4), eight bytes at a step: what Google's store keeps of every object. */

const POLYNOMIAL = 0x82f6_3b78;
const SLICES = 8;

const TABLES: readonly Uint32Array[] = tables();

function tables(): Uint32Array[] {
  const first = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) {
      value = (value & 1) === 1 ? value >>> 1 ^ POLYNOMIAL : value >>> 1;
    }
    first[byte] = value >>> 0;
  }
  const all = [first];
  while (all.length < SLICES) {
    const last = all.at(-1)!;
    all.push(last.map((value) => (value >>> 8 ^ first[value & 0xff]!) >>> 0));
  }
  return all;
}

/** The CRC-32C of `bytes`, continued from `seed`. */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES as [
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
    Uint32Array,
  ];
  let crc = ~seed;
  let at = 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const end = bytes.length - SLICES; at <= end; at += SLICES) {
    const low = crc ^ view.getUint32(at, true);
    const high = view.getUint32(at + 4, true);
    crc = t7[low & 0xff]! ^ t6[low >>> 8 & 0xff]! ^ t5[low >>> 16 & 0xff]! ^ t4[low >>> 24]! ^
      t3[high & 0xff]! ^ t2[high >>> 8 & 0xff]! ^ t1[high >>> 16 & 0xff]! ^ t0[high >>> 24]!;
  }
  for (; at < bytes.length; at++) crc = crc >>> 8 ^ t0[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** As Google writes it: four bytes, the highest first, in base64. */
export function crc32cBase64(value: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes.toBase64();
}
