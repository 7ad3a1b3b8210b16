/** What a share can be asked over one session, as calls that fail with typed errors. */

import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { type Found, isSent, type ListedLine, listedLineOf, utimesTextOf } from "./answers.ts";
import { commandLine, everythingIn, type Word } from "./names.ts";
import type { SmbSession } from "./session.ts";
import { meaningOf, SmbRefusal, statusIn, unexpected } from "./status.ts";

/** Whether a call failed because something on the way is not there. */
export function isMissing(thrown: unknown): boolean {
  return thrown instanceof ProtocolError && thrown.code === "notFound";
}

/** A path of the share as it stands in messages. */
export function shownIn(place: string, path: string): string {
  return `${place}${path.replaceAll("\\", "/")}`;
}

/** The lines of a directory, as they come. */
export async function* listed(session: SmbSession, path: string): AsyncGenerator<ListedLine> {
  const action = `list ${shownPath(path)}`;
  let left = "";
  for await (const part of session.answer(action, everythingIn(path))) {
    const lines = (left + part).split("\n");
    left = lines.pop()!;
    if (left.length > protocolLimits.smbAnswerMaxBytes) {
      throw session.fail(unexpected(action, session.place, left.slice(0, 200)));
    }
    for (const line of lines) {
      const read = listedLineOf(line);
      if (read.type === "status") throw refusal(session, action, read.status);
      yield read;
    }
  }
  if (left.trim() !== "") yield { type: "odd", text: left };
}

/** What stands at a path, `null` if nothing does; names are compared as Windows does. */
export async function found(session: SmbSession, path: string): Promise<Found | null> {
  const action = `look at ${shownPath(path)}`;
  return foundIn(session, action, path, await session.run(action, commandLine("ls", [{ path }])));
}

/** The same, with the reading of it begun at once: of what is no file nothing may be read. */
export async function foundAndBegun(
  session: SmbSession,
  action: string,
  path: string,
): Promise<Found | null> {
  const get = commandLine("get", [{ path }, { plain: "-" }]);
  const text = await session.beginAfter(action, commandLine("ls", [{ path }]), get);
  return foundIn(session, action, path, text);
}

function foundIn(session: SmbSession, action: string, path: string, text: string): Found | null {
  const lines = text.split("\n").map(listedLineOf).filter(({ type }) => type !== "nothing");
  const status = lines.find((line) => line.type === "status");
  if (status !== undefined) {
    const { code } = meaningOf(status.status);
    if (code === "notFound") return null;
    throw refusal(session, action, status.status);
  }
  const [line, ...more] = lines;
  if (line?.type !== "found" || more.length > 0) throw unexpected(action, session.place, text);
  const name = path.slice(path.lastIndexOf("\\") + 1);
  // A short name (PROGRA~1) finds a file of another name.
  return sameName(line.found.name, name) ? line.found : null;
}

function sameName(one: string, other: string): boolean {
  return one === other || one.toUpperCase() === other.toUpperCase();
}

/** Makes a directory; `exists` if the name is taken, whatever by. */
export async function makeDirectory(session: SmbSession, path: string): Promise<void> {
  await silently(session, `make ${shownPath(path)}`, "mkdir", [{ path }]);
}

/** Removes a file. */
export async function removeFile(session: SmbSession, path: string): Promise<void> {
  await silently(session, `remove ${shownPath(path)}`, "del", [{ path }]);
}

/** Removes an empty directory. */
export async function removeDirectory(session: SmbSession, path: string): Promise<void> {
  await silently(session, `remove ${shownPath(path)}`, "rmdir", [{ path }]);
}

/** Gives a name to what has another one; over a file that stands there only where told. */
export async function rename(
  session: SmbSession,
  from: string,
  to: string,
  replaces: boolean,
): Promise<void> {
  const action = `rename ${shownPath(from)} to ${shownPath(to)}`;
  const words: Word[] = [{ path: from }, { path: to }];
  await silently(session, action, "rename", replaces ? [...words, { plain: "-f" }] : words);
}

/** A second name for a file, where none stands. */
export async function link(session: SmbSession, from: string, to: string): Promise<void> {
  const action = `link ${shownPath(from)} to ${shownPath(to)}`;
  await silently(session, action, "hardlink", [{ path: from }, { path: to }]);
}

/** Sets the time of the last write, to the second, and looks at what stands there then. */
export async function foundWithTime(
  session: SmbSession,
  path: string,
  mtimeMs: number,
): Promise<Found | null> {
  const action = `set the time of ${shownPath(path)}`;
  const text = utimesTextOf(mtimeMs);
  if (text === null) {
    const message = `cannot ${action}: smbclient knows the years from 1970 to 2068 only`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }
  const unchanged = { plain: "-1" };
  const words = [{ path }, unchanged, unchanged, { plain: text }, unchanged];
  const lines = [commandLine("utimes", words), commandLine("ls", [{ path }])];
  const [set = "", seen = ""] = await session.runAll(action, lines);
  assertSilent(session, action, set);
  return foundIn(session, `look at ${shownPath(path)}`, path, seen);
}

/**
 * Renames a file out of a directory over what stands at its new name, and removes the directory. What became
 * of that is told and not thrown: a rename that failed leaves it full, and so in place.
 */
export async function renameOut(
  session: SmbSession,
  directory: string,
  from: string,
  to: string,
): Promise<{ readonly removal: unknown }> {
  const action = `rename ${shownPath(from)} to ${shownPath(to)}`;
  const [renamed = "", removed = ""] = await session.runAll(action, [
    commandLine("rename", [{ path: from }, { path: to }, { plain: "-f" }]),
    commandLine("rmdir", [{ path: directory }]),
  ]);
  assertSilent(session, action, renamed);
  try {
    assertSilent(session, `remove ${shownPath(directory)}`, removed);
    return { removal: null };
  } catch (thrown) {
    return { removal: thrown };
  }
}

/** Sends a file of this machine. */
export async function put(session: SmbSession, local: string, path: string): Promise<void> {
  const action = `write ${shownPath(path)}`;
  const text = await session.run(action, commandLine("put", [{ local }, { path }]));
  if (isSent(text)) return;
  const status = statusIn(text);
  if (status === null) throw unexpected(action, session.place, text);
  throw refusal(session, action, status);
}

/** A command that says nothing where it worked. */
async function silently(
  session: SmbSession,
  action: string,
  verb: string,
  words: readonly Word[],
): Promise<void> {
  assertSilent(session, action, await session.run(action, commandLine(verb, words)));
}

function assertSilent(session: SmbSession, action: string, text: string): void {
  if (text.trim() === "") return;
  const status = statusIn(text);
  if (status === null) throw unexpected(action, session.place, text);
  throw refusal(session, action, status);
}

function refusal(session: SmbSession, action: string, status: string): SmbRefusal {
  const error = new SmbRefusal(action, session.place, status);
  return meaningOf(status).endsSession ? session.fail(error) as SmbRefusal : error;
}
