/** What of `npm:basic-ftp` is used: its reading of LIST, which every server writes in its own way. */

/** What it finds in one line. */
export interface LibraryEntry {
  readonly name: string;
  readonly size: number;
  readonly isDirectory: boolean;
  readonly isSymbolicLink: boolean;
  readonly isFile: boolean;
  readonly permissions?: { readonly user: number; readonly group: number; readonly world: number };
}

/** The entries of the lines of a listing; it throws for a form that it does not know. */
export type ParseList = (lines: string) => readonly LibraryEntry[];

/** The library, loaded when a server without MLSD is met. */
export async function loadParseList(): Promise<ParseList> {
  const { parseList } = await import("basic-ftp");
  return parseList;
}
