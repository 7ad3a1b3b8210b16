/** Where the repository is, and what a file's path is inside it. */

/** The repository's folder, ending in "/". */
export const repositoryRoot: string = decodeURIComponent(
  new URL("../../", import.meta.url).pathname,
);

/** `path` relative to the repository; a path that is already relative stays as it is. */
export function repositoryPath(path: string): string {
  return path.startsWith(repositoryRoot) ? path.slice(repositoryRoot.length) : path;
}
