/** What a tidy check found: where, what, why it matters, what to do. */
export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly what: string;
  readonly why: string;
  readonly instead: string;
}

/** One line for a terminal or an editor. */
export function show({ path, line, what, why, instead }: Finding): string {
  return `${path}:${line}: ${what}. ${why}. ${instead}.`;
}

/** A file of the repository; `path` is relative to it. */
export interface RepositoryFile {
  readonly path: string;
  readonly text: string;
}
