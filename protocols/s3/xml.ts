/**
 * The XML of object stores: a bounded parser of elements and their text, and what writes it.
 *
 * No document types, no entities but the five of XML itself and numbers, no attributes: those are
 * skipped. Whatever is malformed, too deep or too long is a `badResponse`.
 */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

/** One element; its name is without a namespace prefix. */
export interface XmlElement {
  readonly name: string;
  /** The text that stands directly in it, entities resolved. */
  readonly text: string;
  readonly children: readonly XmlElement[];
}

interface OpenElement {
  readonly name: string;
  readonly qualified: string;
  text: string;
  readonly children: XmlElement[];
}

/** Comment, CDATA, processing instruction, declaration, tag, or text in between. */
const TOKEN =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<!|<(\/?)([A-Za-z_][\w.:-]*)((?:\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>|([^<]+)/y;

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

/** The root element of a document; `badResponse` for what is not one within the bounds. */
export function parseXml(document: string): XmlElement {
  const { xmlElementsMax, xmlDepthMax } = protocolLimits;
  const open: OpenElement[] = [{ name: "", qualified: "", text: "", children: [] }];
  const tokens = new RegExp(TOKEN);
  let elements = 0;
  for (let at = document.startsWith("\ufeff") ? 1 : 0; at < document.length;) {
    tokens.lastIndex = at;
    const match = tokens.exec(document);
    if (match === null) throw malformed("something in it is no XML");
    at = tokens.lastIndex;
    const [token, cdata, slash, qualified, , selfClosing, text] = match;
    if (token === "<!") throw malformed("document types and entities are refused");
    const top = open.at(-1)!;
    if (text !== undefined) top.text += resolved(text);
    else if (cdata !== undefined) top.text += cdata;
    else if (slash === "/") closeElement(open, qualified!);
    else if (qualified !== undefined) {
      elements += 1;
      if (elements > xmlElementsMax) throw malformed(`it has more than ${xmlElementsMax} elements`);
      if (open.length > xmlDepthMax) throw malformed(`it is deeper than ${xmlDepthMax} levels`);
      const name = qualified.slice(qualified.indexOf(":") + 1);
      open.push({ name, qualified, text: "", children: [] });
      if (selfClosing === "/") closeElement(open, qualified);
    }
  }
  return rootOf(open);
}

function closeElement(open: OpenElement[], qualified: string): void {
  const top = open.pop();
  if (top === undefined || open.length === 0 || top.qualified !== qualified) {
    throw malformed("its tags do not match");
  }
  const { name, text, children } = top;
  open.at(-1)!.children.push({ name, text, children });
}

function rootOf(open: readonly OpenElement[]): XmlElement {
  const document = open[0]!;
  const [root, ...more] = document.children;
  if (open.length > 1) throw malformed("it ends in the middle");
  if (root === undefined || more.length > 0 || document.text.trim() !== "") {
    throw malformed("it has no single root");
  }
  return root;
}

function resolved(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;\s&]{0,12});|&/g, (_, name: string | undefined) => {
    if (name === undefined) throw malformed("an ampersand stands alone");
    const known = Object.hasOwn(NAMED, name) ? NAMED[name] : characterOf(name);
    if (known === null || known === undefined) throw malformed("it uses entities of its own");
    return known;
  });
}

function characterOf(name: string): string | null {
  const match = /^#(?:(\d{1,7})|x([0-9a-fA-F]{1,6}))$/.exec(name);
  if (match === null) return null;
  const code = match[1] === undefined ? parseInt(match[2]!, 16) : Number(match[1]);
  const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return isCharacter ? String.fromCodePoint(code) : null;
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError("badResponse", `cannot read an XML answer: ${reason}`);
}

/** The first child of that name, `null` if there is none. */
export function childOf(element: XmlElement, name: string): XmlElement | null {
  return element.children.find((child) => child.name === name) ?? null;
}

/** All children of that name. */
export function childrenOf(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

/** The text of the first child of that name, `null` if there is none. */
export function textOf(element: XmlElement, name: string): string | null {
  return childOf(element, name)?.text ?? null;
}

/** `<name>content</name>`; a text is escaped, elements that were made before are joined. */
export function xml(name: string, content: string | readonly XmlText[]): XmlText {
  const inner = typeof content === "string"
    ? escapedText(content)
    : content.map(({ markup }) => markup).join("");
  return { markup: `<${name}>${inner}</${name}>` };
}

/** An element that was written by {@link xml}. */
export interface XmlText {
  readonly markup: string;
}

function escapedText(text: string): string {
  return text.replace(/[&<>"'\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}
