/** The directory of a destination on a server with sessions: found and made, never through a link away. */

import { isBelow, shownPath, splitPath } from "./containment.ts";
import { ProtocolError } from "./errors.ts";

/** What a session can be asked about directories. */
export interface ServerFolders {
  /** The path as the server names it, every link resolved. */
  canonical(path: string): Promise<string>;
  stands(path: string): Promise<boolean>;
  make(path: string): Promise<void>;
  /** After a directory could not be made: it cannot be that somebody else was faster. */
  isHopeless(thrown: unknown): boolean;
}

/** Where a sink works. */
export interface SinkFolder {
  /** Of its server, for messages. */
  readonly label: string;
  readonly directory: string;
  /** What variables added must stay below it; as trusted as what stands above it. */
  readonly root: string | null;
  readonly createDirectories: boolean;
}

/** The directory as declared or, below a root, as the server names it; `escapes` where that leads away. */
export async function resolvedFolder(
  folders: ServerFolders,
  { label, directory, root }: SinkFolder,
): Promise<string> {
  if (root === null) return directory;
  const canonical = await folders.canonical(directory);
  const top = directory === root ? canonical : await folders.canonical(root);
  assertBelow(label, top, canonical);
  return canonical;
}

/** Makes the directory of a sink that was found `missing`; `notFound` where that is not wanted. */
export async function makeSinkFolder(
  folders: ServerFolders,
  { label, directory, root, createDirectories }: SinkFolder,
  missing: unknown,
): Promise<void> {
  if (!createDirectories) {
    const message = `cannot write into ${label}${shownPath(directory)}: ` +
      "it does not exist; make it, or set createDirectories";
    throw new ProtocolError("notFound", message, { cause: missing });
  }
  if (root === null) return await makeFolders(folders, directory);
  await makeFolders(folders, root);
  const top = await folders.canonical(root);
  await makeFolders(folders, directory, async (parent) => {
    assertBelow(label, top, await folders.canonical(parent));
  });
}

/**
 * Makes `directory` and its missing parents; one that is there is no error. `check` is asked about each
 * directory before another one is made in it.
 */
export async function makeFolders(
  folders: ServerFolders,
  directory: string,
  check: (parent: string) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const missing: string[] = [];
  for (let at = directory; at !== "/" && !await folders.stands(at);) {
    missing.unshift(at);
    at = splitPath(at).directory;
  }
  for (const path of missing) {
    await check(splitPath(path).directory);
    try {
      await folders.make(path);
    } catch (thrown) {
      // Another transfer into the same directory was faster.
      if (folders.isHopeless(thrown) || !await folders.stands(path)) throw thrown;
    }
  }
}

function assertBelow(label: string, root: string, path: string): void {
  if (isBelow(root, path)) return;
  const message = `cannot use ${label}${shownPath(path)}: a link leads it out of ` +
    `${shownPath(root)}, below which it must stay; declare its directory literally if it is meant`;
  throw new ProtocolError("escapes", message);
}
