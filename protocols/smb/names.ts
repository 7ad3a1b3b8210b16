/**
 * Names and commands for `smbclient`: the one place that decides what may stand in a line to it.
 *
 * Its command language has quotes and no escapes: a double quote begins or ends a quoted part, white
 * space ends a word outside of one, a line that begins with `!` is given to a shell, and wildcards mean
 * many files. So nothing is ever escaped: what could mean more than itself is refused.
 */

import { isSafeName, shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

/** What Windows lets nobody use in a name (MS-FSCC 2.1.5), `:` (streams) and all wildcards included. */
// deno-lint-ignore no-control-regex -- control characters are the point
const ILLEGAL = /["*/:<>?\\|\u0000-\u001f\u007f-\u009f\u2028\u2029]/u;
/** Devices, with any extension behind them (MS-FSCC 2.1.5.2; the superscript digits count as digits). */
const DEVICE =
  /^(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3])(?:\..*)?$/i;
/** The time of a snapshot, which leads to another version of what follows (MS-SMB2 2.2.32.2). */
const SNAPSHOT = /^@GMT-/i;

/** Whether {@link smbName} lets the name pass. */
export function isSmbName(name: string): boolean {
  return faultOf(name) === null;
}

/** Returns `name` if it is one segment of a path of a share and means nothing else; `nameRefused` if not. */
export function smbName(name: string): string {
  const fault = faultOf(name);
  if (fault === null) return name;
  const message = `cannot use the name ${shownPath(name)} on an SMB share: ${fault}; ` +
    "choose another name";
  throw new ProtocolError("nameRefused", message, { definite: true });
}

function faultOf(name: string): string | null {
  if (!isSafeName(name)) return "it is no name of a file";
  if (ILLEGAL.test(name)) return "it holds a character that Windows reserves";
  if (/[. ]$/.test(name)) return "it ends in a dot or a space, which Windows drops";
  if (DEVICE.test(name)) return "Windows has a device of that name";
  if (SNAPSHOT.test(name)) return "it would lead to an earlier version of a directory";
  return null;
}

/** The path in a share of segments that are checked one by one: `\a\b`, the share itself `\`. */
export function sharePath(segments: readonly string[]): string {
  const path = `\\${segments.map(smbName).join("\\")}`;
  const most = protocolLimits.smbPathMaxUnits;
  if (path.length <= most) return path;
  const message = `cannot use ${shownPath(path)}: the path is longer than ${most} characters`;
  throw new ProtocolError("nameRefused", message, { definite: true });
}

/** A word of a command. */
export type Word =
  /** A path that {@link sharePath} has made. */
  | { readonly path: string }
  /** A file of this machine, whose name we chose. */
  | { readonly local: string }
  /** A word of ours. */
  | { readonly plain: string };

/** The line of a command; an assertion about our own words, since every name was judged before. */
export function commandLine(verb: string, words: readonly Word[]): string {
  if (!/^[a-z]+$/.test(verb)) throw unsafe(verb);
  const line = [verb, ...words.map(wordText)].join(" ");
  if (new TextEncoder().encode(line).length < protocolLimits.smbCommandMaxBytes) return line;
  throw new ProtocolError("nameRefused", "cannot ask smbclient: the paths are too long together", {
    definite: true,
  });
}

function wordText(word: Word): string {
  if ("plain" in word) {
    if (!/^[-A-Za-z0-9:]+$/.test(word.plain)) throw unsafe(word.plain);
    return word.plain;
  }
  if ("local" in word) {
    if (!/^\/[-A-Za-z0-9_./ ]+$/.test(word.local)) throw unsafe(word.local);
    return `"${word.local}"`;
  }
  const [first, ...segments] = word.path.split("\\");
  const isShare = word.path === "\\";
  if (first !== "" || !(isShare || segments.every(isSmbName))) throw unsafe(word.path);
  return `"${word.path}"`;
}

/** The pattern of everything in a directory: the only wildcard that is ever sent. */
export function everythingIn(directory: string): string {
  const line = commandLine("ls", [{ path: directory }]);
  return line.replace(/"$/, directory === "\\" ? '*"' : '\\*"');
}

function unsafe(text: string): ProtocolError {
  const message = `cannot ask smbclient: ${shownPath(text)} cannot be quoted safely`;
  return new ProtocolError("nameRefused", message, { definite: true });
}
