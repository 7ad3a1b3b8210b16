import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  fingerprintOfKey,
  judgeHostKey,
  knownHostsLine,
  knownKeyTypes,
} from "../../../protocols/sftp/host_keys.ts";

/** A key as RFC 4253 writes it: its type, then anything. */
function keyOf(type: string, seed: number): Uint8Array {
  const name = new TextEncoder().encode(type);
  const key = new Uint8Array(4 + name.length + 32).fill(seed, 4 + name.length);
  new DataView(key.buffer).setUint32(0, name.length);
  key.set(name, 4);
  return key;
}

const KEY = keyOf("ssh-ed25519", 1);
const OTHER = keyOf("ssh-ed25519", 2);
const RSA = keyOf("ssh-rsa", 3);

function verdict(knownHosts: string, host: string, port = 22, key = KEY): string {
  const judged = judgeHostKey({ pins: [], knownHosts }, host, port, key);
  return judged.trusted ? "trusted" : judged.reason;
}

function hashed(name: string, key: Uint8Array): string {
  const salt = new Uint8Array(20).fill(7);
  const hash = createHmac("sha1", salt).update(name).digest("base64");
  return `|1|${salt.toBase64()}|${hash} ssh-ed25519 ${key.toBase64()}`;
}

Deno.test("a key counts for the host and port that its line names", () => {
  const line = knownHostsLine("files.example", 22, KEY);
  assert.equal(line, `files.example ssh-ed25519 ${KEY.toBase64()}`);
  assert.equal(verdict(line, "files.example"), "trusted");
  assert.equal(verdict(line, "files.example", 2222), "unknown");
  assert.equal(verdict(line, "other.example"), "unknown");
  const elsewhere = knownHostsLine("files.example", 2222, KEY);
  assert.equal(verdict(elsewhere, "files.example", 2222), "trusted");
  assert.equal(verdict(elsewhere, "files.example"), "unknown");
});

Deno.test("another key of a known type is a changed key, one of another type an unknown one", () => {
  const line = knownHostsLine("h", 22, KEY);
  assert.equal(verdict(line, "h", 22, OTHER), "changed");
  assert.equal(verdict(line, "h", 22, RSA), "unknown");
  assert.equal(verdict(`${line}\n${knownHostsLine("h", 22, OTHER)}`, "h", 22, OTHER), "trusted");
  assert.deepEqual(knownKeyTypes({ pins: [], knownHosts: line }, "h", 22), ["ssh-ed25519"]);
});

Deno.test("patterns, negations, hashed names, comments and marks are read as sshd(8) says", () => {
  const key = `ssh-ed25519 ${KEY.toBase64()} a comment`;
  assert.equal(verdict(`*.example,!bad.example ${key}`, "good.example"), "trusted");
  assert.equal(verdict(`*.example,!bad.example ${key}`, "bad.example"), "unknown");
  assert.equal(verdict(`h?st ${key}`, "host"), "trusted");
  assert.equal(verdict(`# h ${key}\n\n   \r\nbroken\nh ${key}`, "h"), "trusted");
  assert.equal(verdict(hashed("h", KEY), "h"), "trusted");
  assert.equal(verdict(hashed("[h]:2222", KEY), "h", 2222), "trusted");
  assert.equal(verdict(hashed("h", KEY), "i"), "unknown");
  assert.equal(verdict(`h ${key}\n@revoked * ${key}`, "h"), "revoked");
  assert.equal(verdict(`@cert-authority * ${key}`, "h"), "unknown");
});

Deno.test("where keys are pinned, no other counts, whatever the file says", () => {
  const knownHosts = knownHostsLine("h", 22, OTHER);
  const pins = [fingerprintOfKey(KEY)];
  assert.match(pins[0]!, /^SHA256:[A-Za-z0-9+/]{43}$/);
  assert.deepEqual(judgeHostKey({ pins, knownHosts }, "h", 22, KEY), { trusted: true });
  const judged = judgeHostKey({ pins, knownHosts }, "h", 22, OTHER);
  assert.deepEqual(judged, { trusted: false, reason: "changed" });
});
