/** The CRC of two pieces together from the CRCs of each: so parts that went side by side have one sum. */

/** The reflected polynomials of the sums that can be put together. */
export const CRC_POLYNOMIAL = { crc32: 0xedb8_8320, crc32c: 0x82f6_3b78 } as const;

const BITS = 32;

/**
 * The CRC of `a` and then `b`, of which the second has `bytesOfB` bytes. A CRC is linear over GF(2):
 * zeros behind a piece multiply its sum by a matrix, which is squared for each bit of their number
 * (as zlib's `crc32_combine` does).
 */
export function combinedCrc(polynomial: number, a: number, b: number, bytesOfB: number): number {
  let zeros = squared(squared(squared(ofOneZeroBit(polynomial))));
  let sum = a;
  for (let left = bytesOfB; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) sum = times(zeros, sum);
    zeros = squared(zeros);
  }
  return (sum ^ b) >>> 0;
}

function ofOneZeroBit(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: BITS }, (_, n) => n === 0 ? polynomial : 2 ** (n - 1));
}

function squared(matrix: Uint32Array): Uint32Array {
  return matrix.map((column) => times(matrix, column));
}

function times(matrix: Uint32Array, vector: number): number {
  let sum = 0;
  for (let n = 0, left = vector; left !== 0; n++, left >>>= 1) {
    if ((left & 1) === 1) sum ^= matrix[n]!;
  }
  return sum >>> 0;
}
