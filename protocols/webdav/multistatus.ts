/**
 * The answer to PROPFIND (RFC 4918, 9.1 and 14.16), taken as it comes: one `response` after the other is
 * cut out of the stream and parsed by itself, so that memory holds one, however many there are.
 */

import { ProtocolError } from "../errors.ts";
import { parseHttpDate, parseStrongEtag } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import { childOf, childrenOf, parseXml, textOf, type XmlElement } from "../s3/xml.ts";

/** What is asked for; nothing else is sent, so that no server's dead properties come along. */
export const PROPFIND_BODY = new TextEncoder().encode(
  '<?xml version="1.0" encoding="utf-8"?>\n<propfind xmlns="DAV:"><prop><resourcetype/>' +
    "<getcontentlength/><getlastmodified/><getetag/></prop></propfind>\n",
);

/** What a server says of one resource. */
export interface DavResource {
  /** As it came: an absolute path or URI, encoded. */
  readonly href: string;
  readonly isCollection: boolean;
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** A strong one, with its quotes. */
  readonly etag: string | null;
}

const PREFIX = "(?:[A-Za-z_][\\w.-]*:)?";
const ROOT = new RegExp(`^<${PREFIX}multistatus(?:\\s[^<>]*)?>`);
const RESPONSE_START = new RegExp(`<${PREFIX}response[\\s>]`);
const RESPONSE_END = new RegExp(`</${PREFIX}response\\s*>`, "g");
const ROOT_END = new RegExp(`</${PREFIX}multistatus\\s*>\\s*$`);

/** Takes the text of an answer in pieces of any size. */
export class Multistatus {
  #text = "";
  #skipped = 0;
  #isOpen = false;
  #isEmpty = false;

  /** The resources that are complete with this piece. */
  push(piece: string): DavResource[] {
    this.#text += piece;
    if (!this.#isOpen && !this.#open()) return [];
    const found: DavResource[] = [];
    let from = 0;
    RESPONSE_END.lastIndex = 0;
    while (RESPONSE_END.exec(this.#text) !== null) {
      const end = RESPONSE_END.lastIndex;
      assertBounded(end - from);
      const resource = resourceOf(parseXml(this.#text.slice(from, end)));
      if (resource !== null) found.push(resource);
      from = end;
    }
    this.#text = this.#text.slice(from);
    assertBounded(this.#text.length);
    return found;
  }

  /** Throws unless the answer is complete. */
  end(): void {
    if (this.#isEmpty && this.#text.trim() === "") return;
    const isWhole = this.#isOpen && ROOT_END.test(this.#text) && !RESPONSE_START.test(this.#text);
    if (!isWhole) throw malformed("it ends in the middle");
  }

  /** Step by step: one expression for all of it could be made to try 2^n ways. */
  #skipPrologue(): void {
    for (;;) {
      this.#text = this.#text.replace(/^\ufeff/, "").trimStart();
      const end = this.#text.startsWith("<?") ? "?>" : this.#text.startsWith("<!--") ? "-->" : null;
      if (end === null) break;
      const at = this.#text.indexOf(end, end.length + 1);
      if (at < 0) return;
      this.#text = this.#text.slice(at + end.length);
      this.#skipped += at + end.length;
      assertBounded(this.#skipped);
    }
    if (/^<!(?!-|$)/.test(this.#text)) throw malformed("document types and entities are refused");
  }

  #open(): boolean {
    this.#skipPrologue();
    const root = ROOT.exec(this.#text);
    if (root === null) {
      assertBounded(this.#text.length);
      return false;
    }
    this.#isOpen = true;
    this.#isEmpty = root[0].endsWith("/>");
    this.#text = this.#text.slice(root[0].length);
    return true;
  }
}

function assertBounded(length: number): void {
  const most = protocolLimits.davAnswerMaxCharacters;
  if (length > most) throw malformed(`one answer in it is longer than ${most} characters`);
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError("badResponse", `cannot read an answer to PROPFIND: ${reason}`);
}

/** `null` for a resource that is not there (any more). */
function resourceOf(response: XmlElement): DavResource | null {
  if (response.name !== "response") throw malformed("something stands between its responses");
  const href = textOf(response, "href")?.trim();
  if (href === undefined || href === "") throw malformed("a response names no resource");
  const status = textOf(response, "status");
  if (status !== null && !isSuccess(status)) return null;
  const found = childrenOf(response, "propstat").find((propstat) =>
    isSuccess(textOf(propstat, "status") ?? "")
  );
  const properties = found === undefined ? null : childOf(found, "prop");
  const type = properties === null ? null : childOf(properties, "resourcetype");
  const field = (name: string) => (properties === null ? null : textOf(properties, name))?.trim();
  const length = field("getcontentlength") ?? "";
  return {
    href,
    isCollection: type !== null && childOf(type, "collection") !== null,
    size: /^\d{1,15}$/.test(length) ? Number(length) : null,
    mtimeMs: parseHttpDate(field("getlastmodified") ?? ""),
    etag: parseStrongEtag(field("getetag") ?? ""),
  };
}

function isSuccess(status: string): boolean {
  return /^\s*HTTP\/\d(?:\.\d)? 2\d\d/.test(status);
}

/**
 * The decoded segments of a resource's path; `null` where they are none. Servers behind proxies write
 * other hosts into their answers: what counts is the path.
 */
export function segmentsOf(href: string, base: URL): readonly string[] | null {
  if (!URL.canParse(href, base)) return null;
  const { pathname } = new URL(href, base);
  try {
    const segments = pathname.split("/").map(decodeURIComponent).slice(1);
    if (segments.at(-1) === "") segments.pop();
    return segments;
  } catch (thrown) {
    if (thrown instanceof URIError) return null;
    throw thrown;
  }
}

/**
 * The name of a resource in the directory `base`: `self` for the directory, `null` for what is not
 * directly in it.
 */
export function nameIn(
  base: readonly string[],
  segments: readonly string[] | null,
): { readonly name: string } | "self" | null {
  if (segments === null || segments.length < base.length) return null;
  if (base.some((segment, index) => segments[index] !== segment)) return null;
  if (segments.length === base.length) return "self";
  return segments.length === base.length + 1 ? { name: segments[base.length]! } : null;
}
