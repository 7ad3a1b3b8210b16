/**
 * On which volume of an agent a local file lies: the deepest whose path holds it, by path segments. The
 * same id at two agents is the same storage, so what one has begun the other can go on with.
 */

import type { TransferSpec } from "../../workflows/spec.ts";
import type { Volume } from "../agent/registration.ts";

/** A local file that a transfer reads or writes. */
export interface LocalFile {
  /** Absolute, without `.`, `..` or empty segments. */
  readonly path: string;
  /** The volume that was declared, or that an earlier attempt has used; null: any. */
  readonly volume: string | null;
  readonly isWritten: boolean;
}

/** The volumes that an attempt has used: a later one must find the same. */
export interface UsedVolumes {
  readonly source: string | null;
  readonly destination: string | null;
}

/** The local files of a transfer: none for the ends that are elsewhere. `archive`: where a set moves its source. */
export function localFiles(
  spec: TransferSpec,
  used: UsedVolumes | undefined,
): {
  readonly source: LocalFile | null;
  readonly destination: LocalFile | null;
  readonly archive: LocalFile | null;
} {
  const { source, destination, scheduling, set } = spec;
  const isSet = set !== undefined;
  const from = used?.source ?? scheduling?.sourceVolume ?? null;
  const to = used?.destination ?? scheduling?.destinationVolume ?? null;
  return {
    source: localFile(source.uri, from, { isWritten: (set?.after ?? null) !== null, isSet }),
    destination: localFile(destination.uri, to, { isWritten: true, isSet }),
    archive: archiveOf(spec, from),
  };
}

/** Files are moved within one volume. */
function archiveOf({ set }: TransferSpec, volume: string | null): LocalFile | null {
  const after = set?.after ?? null;
  if (after === null || after === "delete") return null;
  return localFile(after.move, volume, { isWritten: true, isSet: true });
}

/** Of a set, whatever lies in its directory: that may be the volume's own. */
function localFile(
  uri: string,
  volume: string | null,
  { isWritten, isSet }: { readonly isWritten: boolean; readonly isSet: boolean },
): LocalFile | null {
  const path = localPath(uri);
  if (path === null) return null;
  return { path: isSet ? `${path === "/" ? "" : path}/*` : path, volume, isWritten };
}

/** A `file:` URI whose path stands in it as it is: nearly all; reading one as a URL takes ten times as long. */
const PLAIN = /^file:\/\/((?:\/[\w~-][\w.~-]*)+)$/;

/** The path of a `file:` URI; null for others. Nothing that could be read in two ways is decoded. */
export function localPath(uri: string): string | null {
  const [, plain] = PLAIN.exec(uri) ?? [];
  if (plain !== undefined) return plain;
  if (!/^file:/i.test(uri)) return null;
  try {
    const { pathname } = new URL(uri);
    const segments = pathname.split("/").filter((segment) => segment !== "").map((segment) => {
      const decoded = decodeURIComponent(segment);
      // A slash within a name would make two segments of one.
      return decoded.includes("/") ? segment : decoded;
    });
    return `/${segments.join("/")}`;
  } catch {
    return uri.slice("file:".length);
  }
}

/** The paths of all directories above `path`, the deepest first, and `/` at last. */
export function* directoriesAbove(path: string): IterableIterator<string> {
  for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
    yield path.slice(0, at);
  }
  yield "/";
}

/** A volume's path without empty segments. */
export function directoryOf({ path }: Volume): string {
  if (!path.includes("//") && !path.endsWith("/") && path.startsWith("/")) return path;
  return `/${path.split("/").filter((segment) => segment !== "").join("/")}`;
}

/** The volume that a file lies on; null: none that may be used. */
export function volumeOf(volumes: readonly Volume[], file: LocalFile): Volume | null {
  let deepest: Volume | null = null;
  let length = 0;
  for (const volume of volumes) {
    const directory = directoryOf(volume);
    if (directory.length <= length || !holds(directory, file.path)) continue;
    deepest = volume;
    ({ length } = directory);
  }
  // A volume below hides what the one above has at that place.
  return deepest !== null && isUsable(deepest, file) ? deepest : null;
}

function holds(directory: string, path: string): boolean {
  return directory === "/" || path.startsWith(`${directory}/`);
}

/** Whether a file that lies on this volume may be read or written there. */
export function isUsable(volume: Volume, file: LocalFile): boolean {
  return !(file.isWritten && volume.readOnly) &&
    (file.volume === null || file.volume === volume.id);
}
