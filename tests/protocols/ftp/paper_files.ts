/** The files of a paper FTP server. */

/** A file in memory. */
export interface PaperFile {
  bytes: Uint8Array;
  mtimeMs: number;
  mode: number;
  readonly unique: string;
}

const FIRST_MTIME_MS = Date.UTC(2023, 10, 14);

/** Files by path, and the folders that there are. */
export class PaperFiles {
  readonly files = new Map<string, PaperFile>();
  readonly folders = new Set<string>(["/"]);
  /** Links by path; what they lead to. */
  readonly links = new Map<string, string>();
  #made = 0;

  /** A new file in the place of what stood there, folders made on the way. */
  put(path: string, bytes: Uint8Array): void {
    this.files.delete(path);
    const file = this.make(path);
    file.bytes = bytes.slice();
    file.mtimeMs = FIRST_MTIME_MS + this.#made * 1_000;
    const parts = path.split("/");
    for (let end = 1; end < parts.length; end += 1) {
      this.folders.add(parts.slice(0, end).join("/") || "/");
    }
  }

  /** The file at the path; an empty one if there is none. */
  make(path: string): PaperFile {
    const standing = this.files.get(path);
    if (standing !== undefined) return standing;
    this.#made += 1;
    const file: PaperFile = {
      bytes: new Uint8Array(0),
      mtimeMs: FIRST_MTIME_MS,
      mode: 0o600,
      unique: `7g${this.#made.toString(16)}`,
    };
    this.files.set(path, file);
    return file;
  }

  /** The folder of a path is there. */
  hasFolderOf(path: string): boolean {
    return this.folders.has(path.slice(0, path.lastIndexOf("/")) || "/");
  }

  /** Names in a folder. */
  namesIn(folder: string): string[] {
    const prefix = folder === "/" ? "/" : `${folder}/`;
    const all = [...this.files.keys(), ...this.folders];
    return all.filter((path) => path !== "/" && path.startsWith(prefix))
      .map((path) => path.slice(prefix.length))
      .filter((name) => name !== "" && !name.includes("/"));
  }
}
