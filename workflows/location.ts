/** Places: paths and URIs, and the rule that what variables bring in stays below what was declared. */

import { WorkflowError } from "./errors.ts";
import type { LocationTemplate } from "./plan.ts";
import type { Piece } from "./resolver.ts";

const PATH_BYTES = 4_096;
const SEGMENT_BYTES = 255;
const ENCODER = new TextEncoder();

/** A finished place: its URI, and the URI of the directory it must stay in. */
export interface Location {
  readonly uri: string;
  readonly root: string | null;
}

/**
 * The declared part in front of the first variable, up to its last `/`; `null` where no variable follows.
 * A variable at the very start (or within a URI's authority) *is* the declaration: `${ROOT}/a/${NAME}`
 * has the root `<value of ROOT>/a/`.
 */
export function declaredRoot(form: "uri" | "path", pieces: readonly Piece[]): string | null {
  let prefix = "";
  for (const piece of pieces) {
    if (piece.kind === "text" && (piece.declared || isLeading(form, prefix))) {
      prefix += piece.text;
      continue;
    }
    return prefix.slice(0, prefix.lastIndexOf("/") + 1);
  }
  return null;
}

/** Whether the place has begun so little that a variable may still say where it is. */
export function isLeading(form: "uri" | "path", prefix: string): boolean {
  if (prefix === "") return true;
  return form === "uri" && /^[A-Za-z][A-Za-z0-9+.-]*:(\/\/[^/?#]*)?$/.test(prefix);
}

/** The place with its text complete. Throws {@link WorkflowError} naming `what`, the text and the reason. */
export function resolveLocation(
  template: Omit<LocationTemplate, "text">,
  text: string,
  what: string,
): Location {
  return template.form === "path"
    ? resolvePath(template, text, what)
    : resolveUri(template, text, what);
}

function resolvePath(
  { base, root, protocol, directory }: Omit<LocationTemplate, "text">,
  text: string,
  what: string,
): Location {
  checkPath(text, what, directory === true);
  if (protocol !== null && protocol.toLowerCase() !== "file") {
    const message =
      `cannot use the ${what} "${text}": protocol ${protocol} needs a uri, not a path`;
    throw new WorkflowError("protocolContradiction", message);
  }
  const path = absolutePath(text, base, what);
  const below = root === null ? null : rootPath(root, base, what);
  if (below !== null && !path.startsWith(below)) throw escapes(what, text, below);
  return { uri: fileUri(path), root: below === null ? null : fileUri(below) };
}

function rootPath(root: string, base: string | null, what: string): string {
  const path = absolutePath(root === "" ? "." : root, base, what);
  return path.endsWith("/") ? path : `${path}/`;
}

function escapes(what: string, text: string, below: string): WorkflowError {
  const message =
    `cannot use the ${what} "${text}": a variable leads out of the declared ${below}; ` +
    "declare the directory in front of the variable, or correct its value";
  return new WorkflowError("pathEscapes", message);
}

function checkPath(text: string, what: string, directory: boolean): void {
  const invalid = (reason: string) =>
    new WorkflowError("pathInvalid", `cannot use the ${what} ${JSON.stringify(text)}: ${reason}`);
  if (text === "") throw invalid("it is empty");
  if (!directory && (text.endsWith("/") || /(^|\/)\.{1,2}$/.test(text))) {
    throw invalid("it names a directory; add the name of the file");
  }
  if (directory && !text.endsWith("/")) throw invalid("it names no directory; end it with /");
  // deno-lint-ignore no-control-regex -- finding them is the point
  if (/[\x00-\x1f\x7f]/.test(text)) throw invalid("it holds control characters");
  if (!text.isWellFormed()) throw invalid("it is not well-formed Unicode");
  if (text.length * 3 <= SEGMENT_BYTES) return;
  if (ENCODER.encode(text).length > PATH_BYTES) {
    throw invalid(`it is longer than ${PATH_BYTES} bytes`);
  }
  for (const segment of text.split("/")) {
    if (segment.length * 3 > SEGMENT_BYTES && ENCODER.encode(segment).length > SEGMENT_BYTES) {
      throw invalid(`a name in it is longer than ${SEGMENT_BYTES} bytes`);
    }
  }
}

function absolutePath(text: string, base: string | null, what: string): string {
  if (text.startsWith("/")) return normalized(text);
  if (base !== null) return normalized(`${base}/${text}`);
  const message =
    `cannot use the ${what} "${text}": the path is relative, and nothing says to which folder: write an absolute one`;
  throw new WorkflowError("pathInvalid", message);
}

function normalized(path: string): string {
  if (!/\/\/|\/\.{1,2}(\/|$)/.test(path)) return path;
  const kept: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") kept.pop();
    else if (segment !== "" && segment !== ".") kept.push(segment);
  }
  return `/${kept.join("/")}${path.endsWith("/") && kept.length > 0 ? "/" : ""}`;
}

/** A `file:` URI of an absolute path; every odd character is escaped. */
export function fileUri(path: string): string {
  const plain = /^[A-Za-z0-9._~/-]*$/.test(path);
  return `file://${plain ? path : path.split("/").map(encodeURIComponent).join("/")}`;
}

function resolveUri(
  { root, protocol, directory }: Omit<LocationTemplate, "text">,
  text: string,
  what: string,
): Location {
  const bad = (reason: string) =>
    new WorkflowError("badUri", `cannot use the ${what} ${JSON.stringify(shown(text))}: ${reason}`);
  // deno-lint-ignore no-control-regex -- finding them is the point
  if (/[\x00-\x20\x7f]/.test(text)) throw bad("it holds spaces or control characters");
  if (!URL.canParse(text)) throw bad("it is not a URI");
  const url = new URL(text);
  // Servers with accounts are told who asks in the URI, too; on the web whatever stands there is a secret.
  const isWeb = /^(?:https?|davs?):$/.test(url.protocol);
  if (url.password !== "" || (isWeb && url.username !== "")) {
    throw bad("it holds credentials; put them under source.authentication, by ${secret:...}");
  }
  if (directory === true && !/^[^?#]*\/$/.test(text)) {
    throw bad("it names no directory; end it with /");
  }
  const scheme = url.protocol.slice(0, -1);
  if (protocol !== null && protocol.toLowerCase() !== scheme) {
    const message =
      `cannot use the ${what} "${text}": protocol says ${protocol}, the uri ${scheme}`;
    throw new WorkflowError("protocolContradiction", message);
  }
  if (root === null) return { uri: text, root: null };
  const below = URL.canParse(root) ? new URL(root).href : null;
  if (below === null || !staysBelow(url, below)) throw escapes(what, text, below ?? root);
  return { uri: url.href, root: below };
}

/** Escaped dots and slashes count as what a server may take them for. */
function staysBelow(url: URL, below: string): boolean {
  if (!url.href.startsWith(below)) return false;
  return !/%2f|%5c|%00/i.test(url.pathname.slice(new URL(below).pathname.length));
}

/** A URI without what may be a password, for messages. */
function shown(uri: string): string {
  return uri.replace(/\/\/[^/@]*@/, "//***@");
}
