/**
 * Loads `npm:ssh2`, with its ciphers freed: it makes three of them for each packet and never ends them,
 * and Deno 2.9.6 keeps what belongs to a cipher until `final` (280 bytes each, so 28 MB for each GiB;
 * measured). Only while the library is loaded does it find a `createCipheriv` that ends them for it.
 */

import crypto from "node:crypto";

type Make = (algorithm: string, key: Uint8Array, iv: Uint8Array) => Ending;

/** A cipher, as far as it is used. */
interface Ending {
  update(bytes: Uint8Array): Uint8Array;
  final(): Uint8Array;
}

/** The cipher of which the library uses each instance for one call of `update`. */
const SINGLE_USE = "chacha20";

/** Marks a function that makes ciphers which end themselves. */
const ENDING = Symbol("ending");

/** The library, loaded once; a start without SFTP does without its 100 ms. */
export async function loadSsh2(): Promise<unknown> {
  const mutable = crypto as unknown as Record<"createCipheriv" | "createDecipheriv", Make>;
  const { createCipheriv, createDecipheriv } = mutable;
  // Somebody is loading it: a cipher that two had wrapped would be ended twice.
  if (ENDING in createCipheriv) return (await import("ssh2")).default;
  mutable.createCipheriv = endedAfterUse(createCipheriv);
  mutable.createDecipheriv = endedAfterUse(createDecipheriv);
  try {
    return (await import("ssh2")).default;
  } finally {
    mutable.createCipheriv = createCipheriv;
    mutable.createDecipheriv = createDecipheriv;
  }
}

function endedAfterUse(make: Make): Make {
  const makeEnding: Make = (algorithm, key, iv) => {
    const cipher = make(algorithm, key, iv);
    if (algorithm !== SINGLE_USE) return cipher;
    const update = cipher.update.bind(cipher);
    cipher.update = (bytes) => {
      const result = update(bytes);
      cipher.final();
      return result;
    };
    return cipher;
  };
  return Object.assign(makeEnding, { [ENDING]: true });
}
