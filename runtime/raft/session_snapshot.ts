/**
 * Sessions in a snapshot: a byte for the version, then records (length in 4 bytes, big-endian, and a value
 * in the form of commands): the head, each session, then each idempotency key, oldest first. What follows
 * is the machine's own. Version 1 is of a machine as its group began; version 2 names the machine's.
 */

import { PersistentMap } from "../base/persistent_map.ts";
import { limitValues } from "../base/limits.ts";
import { decodeCommand, encodeCommand } from "./command_codec.ts";
import { RaftError } from "./errors.ts";
import { RAFT_LIMITS } from "./limits.ts";
import type { Machine, Restoring } from "./machine.ts";
import type { KnownVersions } from "./machine_versions.ts";
import { inOrder, noKeys, withKey } from "./idempotency_keys.ts";
import type { KeptKey, KnownKeys, Session, SessionsState } from "./session_state.ts";

const AT_FIRST = 1;
const RAISED = 2;
const LENGTH_BYTES = 4;
/** Records are gathered into pieces of about this size. */
const PIECE_BYTES = limitValues(RAFT_LIMITS).stateBytes;

interface Head {
  readonly nowMs: number;
  readonly sessions: number;
  readonly keys: number;
  /** The number of the oldest of them. */
  readonly firstKey: number;
  /** Of the machine; absent in version 1. */
  readonly machine?: number;
}
type SessionRecord = readonly [id: string, session: Session];
type KeyRecord = readonly [key: string, kept: KeptKey];

/** The sessions, then the pieces of the machine as they are. */
export function* snapshotSessions<State>(
  machine: Machine<State, never, unknown>,
  first: number,
  { inner, nowMs, sessions, keys, version }: SessionsState<State>,
): Iterable<Uint8Array> {
  const isRaised = version > first;
  const head: Head = {
    nowMs,
    sessions: sessions.size,
    keys: keys.byKey.size,
    firstKey: keys.first,
    ...(isRaised ? { machine: version } : {}),
  };
  let gathered: Uint8Array[] = [Uint8Array.of(isRaised ? RAISED : AT_FIRST), record(head)];
  let bytes = 0;
  for (const each of records(sessions, keys)) {
    const next = record(each);
    gathered.push(next);
    bytes += next.length;
    if (bytes < PIECE_BYTES) continue;
    yield joined(gathered);
    [gathered, bytes] = [[], 0];
  }
  if (gathered.length > 0) yield joined(gathered);
  yield* machine.snapshot(inner, version);
}

function* records(
  sessions: SessionsState<unknown>["sessions"],
  keys: KnownKeys,
): Iterable<SessionRecord | KeyRecord> {
  yield* sessions;
  yield* inOrder(keys);
}

/**
 * Takes in what {@link snapshotSessions} gave; RaftError `SnapshotCorrupt`, `LogVersion`, or
 * `MachineVersion`.
 */
export function restoreSessions<State>(
  machine: Machine<State, never, unknown>,
  versions: Pick<KnownVersions<never>, "first" | "check">,
): Restoring<SessionsState<State>> {
  return new RestoringSessions(machine, versions);
}

class RestoringSessions<State> implements Restoring<SessionsState<State>> {
  readonly #machine: Machine<State, never, unknown>;
  readonly #versions: Pick<KnownVersions<never>, "first" | "check">;
  /** From the head on, which says of what version the machine's own part is. */
  #inner: { readonly version: number; readonly restoring: Restoring<State> } | null = null;
  /** What is no whole record yet; the version stands in front of the first. */
  #rest: Uint8Array = new Uint8Array(0);
  #isVersionKnown = false;
  #head: Head | null = null;
  #sessions = PersistentMap.empty<Session>();
  #keys = noKeys();

  constructor(
    machine: Machine<State, never, unknown>,
    versions: Pick<KnownVersions<never>, "first" | "check">,
  ) {
    this.#machine = machine;
    this.#versions = versions;
  }

  write(piece: Uint8Array): void {
    if (this.#hasAll()) return this.#inner?.restoring.write(piece);
    const bytes = this.#rest.length === 0 ? piece : joined([this.#rest, piece]);
    const end = this.#take(bytes);
    // Whoever wrote the piece may write into it again.
    this.#rest = this.#hasAll() ? new Uint8Array(0) : bytes.slice(end);
    if (this.#hasAll() && end < bytes.length) {
      this.#inner?.restoring.write(bytes.subarray(end));
    }
  }

  end(): SessionsState<State> {
    if (this.#head === null || this.#inner === null || !this.#hasAll()) {
      throw new RaftError("SnapshotCorrupt", "restore sessions: the snapshot ends within them");
    }
    const { nowMs } = this.#head;
    const { version, restoring } = this.#inner;
    const inner = restoring.end();
    return { inner, nowMs, sessions: this.#sessions, keys: this.#keys, version };
  }

  #hasAll(): boolean {
    return this.#head !== null && this.#sessions.size === this.#head.sessions &&
      this.#keys.byKey.size === this.#head.keys;
  }

  /** Takes whole records off the front; the offset after them. */
  #take(bytes: Uint8Array): number {
    let offset = 0;
    if (!this.#isVersionKnown && bytes.length > 0) {
      checkVersion(bytes[0] as number);
      this.#isVersionKnown = true;
      offset = 1;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    while (!this.#hasAll() && bytes.length - offset >= LENGTH_BYTES) {
      const end = offset + LENGTH_BYTES + view.getUint32(offset);
      if (end > bytes.length) break;
      this.#takeRecord(decodeCommand(bytes.subarray(offset + LENGTH_BYTES, end)));
      offset = end;
    }
    return offset;
  }

  #takeRecord(value: unknown): void {
    if (this.#head === null) return this.#takeHead(value as Head);
    if (this.#sessions.size < this.#head.sessions) return this.#takeSession(value as SessionRecord);
    const [key, kept] = value as KeyRecord;
    if (this.#keys.byKey.has(key)) throw twice(key);
    this.#keys = withKey(this.#keys, key, kept, Infinity);
  }

  #takeHead(head: Head): void {
    const version = head.machine ?? this.#versions.first;
    this.#versions.check(version, "restore a snapshot");
    this.#inner = { version, restoring: this.#machine.restore(version) };
    this.#head = head;
    this.#keys = noKeys(head.firstKey);
  }

  #takeSession([id, session]: SessionRecord): void {
    if (this.#sessions.has(id)) throw twice(id);
    this.#sessions = this.#sessions.set(id, session);
  }
}

function twice(name: string): RaftError {
  return new RaftError("SnapshotCorrupt", `restore sessions: ${name} stands there twice`);
}

function checkVersion(version: number): void {
  if (version === AT_FIRST || version === RAISED) return;
  throw new RaftError(
    "LogVersion",
    `restore sessions: the snapshot's version is ${version}, this program knows ${AT_FIRST} and ` +
      `${RAISED}; run the version of Quorus that wrote it, or a later one`,
  );
}

function record(value: unknown): Uint8Array {
  const bytes = encodeCommand(value);
  const framed = new Uint8Array(LENGTH_BYTES + bytes.length);
  new DataView(framed.buffer).setUint32(0, bytes.length);
  framed.set(bytes, LENGTH_BYTES);
  return framed;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((bytes, part) => bytes + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
