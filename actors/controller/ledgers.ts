/**
 * The reducer of ledgers: which versions of files were copied for a tenant, under a name. An entry is 20
 * bytes: half of the version's SHA-256, and the minute; pages by its first digits, so that a change copies
 * some kilobytes. Compiled from data alone, like everything that `apply` does.
 */

import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import type { Job } from "../job/record.ts";
import { FULL, KNOWN, RECALLED } from "../set/ledger.ts";
import { SET_LIMITS } from "../set/limits.ts";
import { type Applied, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import type { Ledger, State } from "./state.ts";

const VERSION_BYTES = 16;
const ENTRY_BYTES = 20;
/** Hexadecimal digits of a version that name its page: 4,096 pages, of 244 entries in a full ledger. */
const PAGE_DIGITS = 3;
const MINUTE_MS = 60_000;
/** A full ledger is looked through for what may be forgotten this often at most. */
const PRUNE_MS = 60_000;

type Files = JobEvent & { readonly type: "files" };

/** Where a ledger is kept. */
export function ledgerKey(tenant: string, name: string): string {
  return `${tenant}/${name}`;
}

/** What `recall` is answered with: a reason that lists the places of the versions that are there. */
export function recalled(state: State, job: Job, versions: readonly string[]): readonly string[] {
  const name = job.spec.set?.onlyNew?.ledger;
  if (name === undefined) return [`recall: job ${job.id} has no ledger`];
  const ledger = state.ledgers.get(ledgerKey(job.tenant, name));
  if (ledger === undefined) return [];
  const places = [...versions.keys()].filter((place) => has(ledger, versions[place]!));
  return places.length === 0 ? [] : [`${RECALLED}${places.join(",")}`];
}

/** Why the files of a report may not be granted: their ledger could not remember them. */
export function whyNotRemembered(state: State, job: Job, event: Files): string | null {
  const onlyNew = job.spec.set?.onlyNew ?? null;
  const wanted = event.grants.filter(({ version }) => version !== undefined);
  if (onlyNew === null || wanted.length === 0) return null;
  const ledger = state.ledgers.get(ledgerKey(job.tenant, onlyNew.ledger));
  for (const { path, version } of wanted) {
    if (ledger !== undefined && has(ledger, version!)) {
      return `${KNOWN} ledger ${onlyNew.ledger} has this version of ${path}`;
    }
  }
  const open = job.set?.open.length ?? 0;
  const most = SET_LIMITS.ledgerEntries.value;
  if (entriesOf(state) + open + wanted.length <= most) return null;
  return `${FULL} the ledgers have ${most} entries (ledgerEntries), and none of ` +
    `${onlyNew.ledger} may be forgotten: declare onlyNew {ledger, keep}, or a shorter keep`;
}

/** The state with what a report says was published, in the ledger of its set. */
export function remembering(state: State, before: Job, event: Files): State {
  const onlyNew = before.spec.set?.onlyNew ?? null;
  if (onlyNew === null) return state;
  const versions = new Map(before.set?.open.map(({ path, version }) => [path, version]));
  const published = event.done
    .filter(({ outcome }) => outcome === "published" || outcome === "recovered")
    .map(({ path }) => versions.get(path)).filter((version) => version !== undefined);
  if (published.length === 0) return state;
  const minute = Math.floor(state.nowMs / MINUTE_MS);
  const entries = published.map((version) => entryOf(version, minute));
  return withEntries(state, before.tenant, onlyNew.ledger, entries);
}

/** Adds what another log had. */
export function putLedger(state: State, command: Command & { type: "putLedger" }): Applied {
  const bytes = Uint8Array.fromBase64(command.entries);
  if (bytes.length % ENTRY_BYTES !== 0) {
    return refuse(state, `put ledger ${command.name}: ${bytes.length} bytes are no entries`);
  }
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += ENTRY_BYTES) {
    entries.push(bytes.subarray(at, at + ENTRY_BYTES));
  }
  if (entriesOf(state) + entries.length > SET_LIMITS.ledgerEntries.value) {
    return refuse(state, `put ledger ${command.name}: the ledgers are full (ledgerEntries)`);
  }
  const { tenant, name } = command;
  return { state: withEntries(state, tenant, name, entries), effects: [], refused: [] };
}

/** The entries of a ledger in pieces of at most so many bytes: what `putLedger` takes. */
export function* ledgerPieces({ pages }: Ledger, pieceBytes: number): Iterable<Uint8Array> {
  const most = Math.max(1, Math.floor(pieceBytes / ENTRY_BYTES)) * ENTRY_BYTES;
  let piece = new Uint8Array(most);
  let used = 0;
  for (const page of pages.values()) {
    for (let at = 0; at < page.length; at += ENTRY_BYTES) {
      piece.set(page.subarray(at, at + ENTRY_BYTES), used);
      used += ENTRY_BYTES;
      if (used < most) continue;
      yield piece;
      piece = new Uint8Array(most);
      used = 0;
    }
  }
  if (used > 0) yield piece.subarray(0, used);
}

/** Of all ledgers together. */
export function entriesOf({ ledgers }: Pick<State, "ledgers">): number {
  let entries = 0;
  for (const ledger of ledgers.values()) entries += ledger.entries;
  return entries;
}

function has({ pages }: Ledger, version: string): boolean {
  const page = pages.get(version.slice(0, PAGE_DIGITS));
  return page !== undefined && placeIn(page, Uint8Array.fromHex(version)) >= 0;
}

/** Pages are short and in no order. */
function placeIn(page: Uint8Array, version: Uint8Array): number {
  for (let at = 0; at < page.length; at += ENTRY_BYTES) {
    let same = 0;
    while (same < VERSION_BYTES && page[at + same] === version[same]) same += 1;
    if (same === VERSION_BYTES) return at;
  }
  return -1;
}

function entryOf(version: string, minute: number): Uint8Array {
  const entry = new Uint8Array(ENTRY_BYTES);
  entry.set(Uint8Array.fromHex(version));
  new DataView(entry.buffer).setUint32(VERSION_BYTES, minute);
  return entry;
}

function withEntries(
  state: State,
  tenant: string,
  name: string,
  added: readonly Uint8Array[],
): State {
  const key = ledgerKey(tenant, name);
  const ledger = state.ledgers.get(key) ??
    { tenant, name, entries: 0, prunedMs: 0, pages: PersistentMap.empty<Uint8Array>() };
  let { pages, entries } = ledger;
  const byPage = Map.groupBy(added, (entry) => entry.toHex().slice(0, PAGE_DIGITS));
  for (const [digits, more] of byPage) {
    const page = pages.get(digits) ?? new Uint8Array(0);
    const unique = new Map(more.map((entry) => [entry.subarray(0, VERSION_BYTES).toHex(), entry]));
    const fresh = [...unique.values()].filter((entry) => placeIn(page, entry) < 0);
    const next = new Uint8Array(page.length + fresh.length * ENTRY_BYTES);
    next.set(page);
    fresh.forEach((entry, at) => next.set(entry, page.length + at * ENTRY_BYTES));
    pages = pages.set(digits, next);
    entries += fresh.length;
  }
  return { ...state, ledgers: state.ledgers.set(key, { ...ledger, pages, entries }) };
}

/** The state without what is older than a set keeps it: once the ledgers are nearly full, not too often. */
export function forgetting(state: State, job: Job): State {
  const { ledger: name = "", keepMs = null } = job.spec.set?.onlyNew ?? {};
  const key = ledgerKey(job.tenant, name);
  const ledger = state.ledgers.get(key);
  if (keepMs === null || ledger === undefined) return state;
  const room = SET_LIMITS.ledgerEntries.value - 2 * SET_LIMITS.setOpenFiles.value;
  if (entriesOf(state) < room || state.nowMs - ledger.prunedMs < PRUNE_MS) return state;
  const oldest = Math.floor((state.nowMs - keepMs) / MINUTE_MS);
  let { pages } = ledger;
  let entries = 0;
  for (const [digits, page] of ledger.pages) {
    const kept = youngerThan(page, oldest);
    entries += kept.length / ENTRY_BYTES;
    if (kept.length === page.length) continue;
    pages = kept.length === 0 ? pages.delete(digits) : pages.set(digits, kept);
  }
  const next = { ...ledger, pages, entries, prunedMs: state.nowMs };
  return { ...state, ledgers: state.ledgers.set(key, next) };
}

function youngerThan(page: Uint8Array, minute: number): Uint8Array {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const kept: number[] = [];
  for (let at = 0; at < page.length; at += ENTRY_BYTES) {
    if (view.getUint32(at + VERSION_BYTES) >= minute) kept.push(at);
  }
  if (kept.length * ENTRY_BYTES === page.length) return page;
  const next = new Uint8Array(kept.length * ENTRY_BYTES);
  kept.forEach((at, place) => {
    next.set(page.subarray(at, at + ENTRY_BYTES), place * ENTRY_BYTES);
  });
  return next;
}
