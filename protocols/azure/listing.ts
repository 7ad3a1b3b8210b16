/** The answers to List Blobs, read; no I/O. */

import { shownPath } from "../containment.ts";
import type { Entry, EntryPage } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { parseCount, parseHttpDate } from "../http/fields.ts";
import { childOf, childrenOf, parseXml, textOf, type XmlElement } from "../s3/xml.ts";
import { isBlobName } from "./endpoint.ts";
import { MTIME_METADATA, parseMtime, quotedEtag } from "./facts.ts";

/** One page, and where the next one begins. */
export interface ListedPage {
  readonly page: EntryPage;
  /** `null` at the end. */
  readonly nextMarker: string | null;
  /** Whether there was anything at all, a marker of the directory itself included. */
  readonly isEmpty: boolean;
}

/** Names with characters that XML cannot hold come encoded (version 2021-02-12 and later). */
const ENCODED_NAME = /<Name Encoded="true">([^<]*)<\/Name>/g;

/** The names below `prefix`, which is "" or ends in a slash. */
export function listedPage(action: string, prefix: string, answer: string): ListedPage {
  const document = answer.replace(ENCODED_NAME, "<EncodedName>$1</EncodedName>");
  const root = parseXml(document);
  const blobs = childOf(root, "Blobs");
  if (root.name !== "EnumerationResults" || blobs === null) {
    throw new ProtocolError("badResponse", `cannot ${action}: the answer is no listing`);
  }
  const entries: Entry[] = [];
  const refused: string[] = [];
  for (const element of blobs.children) {
    const isDirectory = element.name === "BlobPrefix";
    if (!isDirectory && element.name !== "Blob") continue;
    const full = textOf(element, "Name");
    if (full === null || !full.startsWith(prefix)) {
      refused.push(shownPath(full ?? textOf(element, "EncodedName") ?? ""));
      continue;
    }
    const name = full.slice(prefix.length).replace(/\/$/, isDirectory ? "" : "/");
    // The directory's own marker.
    if (name === "" && !isDirectory) continue;
    if (!isBlobName(name)) refused.push(shownPath(name));
    else if (isDirectory) entries.push(directoryEntry(name));
    else if (!isFolder(element)) entries.push(fileEntry(name, element));
  }
  const nextMarker = textOf(root, "NextMarker") || null;
  return { page: { entries, refused }, nextMarker, isEmpty: blobs.children.length === 0 };
}

/** A directory's entry: it is as long as something is in it. */
export function directoryEntry(name: string): Entry {
  return { name, kind: "directory", fingerprint: UNKNOWN_FINGERPRINT, mode: null };
}

function fileEntry(name: string, blob: XmlElement): Entry {
  const properties = childOf(blob, "Properties");
  const text = (field: string) => properties === null ? null : textOf(properties, field);
  const mtimeMs = parseMtime(metadataOf(blob, MTIME_METADATA)) ??
    parseHttpDate(text("Last-Modified") ?? "");
  const size = parseCount(text("Content-Length") ?? "");
  const etag = quotedEtag(text("Etag"));
  return { name, kind: "file", fingerprint: { size, mtimeMs, etag, version: null }, mode: null };
}

function metadataOf(blob: XmlElement, name: string): string | null {
  const metadata = childOf(blob, "Metadata");
  return metadata?.children.find((child) => child.name.toLowerCase() === name)?.text ?? null;
}

/** Accounts with a hierarchical namespace list a directory as a blob too. */
function isFolder(blob: XmlElement): boolean {
  return metadataOf(blob, "hdi_isfolder")?.toLowerCase() === "true" ||
    childrenOf(blob, "Properties").some((each) => textOf(each, "ResourceType") === "directory");
}
