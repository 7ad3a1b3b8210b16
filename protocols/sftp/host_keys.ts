/**
 * Whether a host is the one it says it is: its key against those that are pinned or known (the file
 * format is that of sshd(8), SSH_KNOWN_HOSTS).
 */

import { Buffer } from "node:buffer";
import { createHash, createHmac, timingSafeEqual } from "node:crypto";

/** What is said of a host's key. */
export type HostKeyVerdict =
  | { readonly trusted: true }
  | { readonly trusted: false; readonly reason: "unknown" | "changed" | "revoked" };

/** Which keys are trusted. */
export interface TrustedKeys {
  /** Fingerprints as `ssh-keygen -l` shows them, `SHA256:...`; where there are any, no others count. */
  readonly pins: readonly string[];
  /** The text of a known_hosts file. */
  readonly knownHosts: string | null;
}

/** `SHA256:` and the base64 of the hash, without padding. */
export function fingerprintOfKey(key: Uint8Array): string {
  return `SHA256:${createHash("sha256").update(key).digest("base64").replace(/=+$/, "")}`;
}

/** Judges the key that `host` has shown, in the form of RFC 4253, section 6.6. */
export function judgeHostKey(
  trusted: TrustedKeys,
  host: string,
  port: number,
  key: Uint8Array,
): HostKeyVerdict {
  if (trusted.pins.length > 0) {
    const shown = fingerprintOfKey(key);
    const isPinned = trusted.pins.some((pin) => pin.replace(/=+$/, "") === shown);
    return isPinned ? { trusted: true } : { trusted: false, reason: "changed" };
  }
  return judgeByFile(trusted.knownHosts ?? "", host, port, key);
}

function judgeByFile(text: string, host: string, port: number, key: Uint8Array): HostKeyVerdict {
  const name = hostName(host, port);
  const type = typeOfKey(key);
  let isKnown = false;
  let isTrusted = false;
  for (const line of text.split(/\r?\n/)) {
    const entry = entryOf(line);
    if (entry === null || !matches(entry.hosts, name)) continue;
    const isSame = sameBytes(entry.key, key);
    if (entry.marker === "@revoked") {
      if (isSame) return { trusted: false, reason: "revoked" };
    } else if (entry.marker === null) {
      isTrusted ||= isSame;
      isKnown ||= entry.type === type;
    }
  }
  if (isTrusted) return { trusted: true };
  return { trusted: false, reason: isKnown ? "changed" : "unknown" };
}

/** The types of the keys that are known of a host: asking for these, a changed key is not missed. */
export function knownKeyTypes({ knownHosts }: TrustedKeys, host: string, port: number): string[] {
  const name = hostName(host, port);
  const types = (knownHosts ?? "").split(/\r?\n/).map(entryOf)
    .filter((entry) => entry !== null && entry.marker === null && matches(entry.hosts, name))
    .map((entry) => entry!.type);
  return [...new Set(types)];
}

/** The line that makes a key known. */
export function knownHostsLine(host: string, port: number, key: Uint8Array): string {
  return `${hostName(host, port)} ${typeOfKey(key)} ${Buffer.from(key).toString("base64")}`;
}

/** As the file writes a host: the usual port is left out. */
export function hostName(host: string, port: number): string {
  return port === 22 ? host : `[${host}]:${port}`;
}

interface Entry {
  readonly marker: string | null;
  readonly hosts: string;
  readonly type: string;
  readonly key: Uint8Array;
}

function entryOf(line: string): Entry | null {
  const fields = line.trim().split(/[ \t]+/);
  if (fields[0] === undefined || fields[0] === "" || fields[0].startsWith("#")) return null;
  const marker = fields[0].startsWith("@") ? fields.shift()! : null;
  const [hosts, type, key] = fields;
  if (hosts === undefined || type === undefined || key === undefined) return null;
  return { marker, hosts, type, key: Buffer.from(key, "base64") };
}

function matches(hosts: string, name: string): boolean {
  if (hosts.startsWith("|1|")) return matchesHash(hosts, name);
  let isMatch = false;
  for (const pattern of hosts.split(",")) {
    const isNegated = pattern.startsWith("!");
    if (!isLike(isNegated ? pattern.slice(1) : pattern, name)) continue;
    if (isNegated) return false;
    isMatch = true;
  }
  return isMatch;
}

/** `|1|SALT|HASH`: HMAC-SHA1 of the name under the salt. */
function matchesHash(hosts: string, name: string): boolean {
  const [, , salt = "", hash = ""] = hosts.split("|");
  const seen = createHmac("sha1", Buffer.from(salt, "base64")).update(name).digest();
  return sameBytes(seen, Buffer.from(hash, "base64"));
}

function isLike(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern.toLowerCase() === name;
  const source = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replace(/\*+/g, ".*").replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(name);
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}

/** The first string in a key's blob. */
function typeOfKey(key: Uint8Array): string {
  const length = key.length < 4 ? 0 : new DataView(key.buffer, key.byteOffset, 4).getUint32(0);
  return new TextDecoder().decode(key.subarray(4, 4 + Math.min(length, 64)));
}
