import assert from "node:assert/strict";
import crypto from "node:crypto";
import { loadSsh2 } from "../../../protocols/sftp/library.ts";

Deno.test("sessions that begin at once find one library, and node:crypto as it was", async () => {
  const { createCipheriv, createDecipheriv } = crypto;
  const [first, second] = await Promise.all([loadSsh2(), loadSsh2()]);
  assert.equal(first, second);
  assert.equal(crypto.createCipheriv, createCipheriv);
  assert.equal(crypto.createDecipheriv, createDecipheriv);
  const cipher = crypto.createCipheriv("chacha20", new Uint8Array(32), new Uint8Array(16));
  assert.equal(cipher.update(new Uint8Array(64)).length, 64);
  assert.equal(cipher.final().length, 0);
});
