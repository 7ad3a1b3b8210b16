/** The commands of `smbclient` that are used, on a share in memory. */

import type { ProgramCommand } from "../../../runtime/env/programs.ts";
import type { PaperShare } from "./paper_share.ts";

/** The standard streams of a program. */
export interface PaperStreams {
  line(): Promise<string | null>;
  /** Everything up to the end of the input. */
  rest(): Promise<Uint8Array>;
  /** To standard error. */
  say(text: string): void;
  /** To standard output. */
  give(bytes: Uint8Array): void;
  /** Ends the program. */
  die(signal: string): void;
}

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** One run of it. */
export class PaperClient {
  readonly #share: PaperShare;
  readonly #command: ProgramCommand;
  readonly #streams: PaperStreams;
  #count = 0;

  constructor(share: PaperShare, command: ProgramCommand, streams: PaperStreams) {
    this.#share = share;
    this.#command = command;
    this.#streams = streams;
  }

  /** To its end; the code that it ends with. */
  async run(): Promise<number> {
    const { args } = this.#command;
    if (args[0] === "--version") return 0;
    const { refusal } = this.#share.quirks;
    if (refusal !== undefined) {
      this.#streams.say(`${refusal}\n`);
      return 1;
    }
    const given = (name: string) => args.find((one) => one.startsWith(name))?.slice(name.length);
    const directory = given("--directory=");
    if (given("--command=") !== undefined) return await this.#upload(directory ?? "\\");
    return await this.#converse();
  }

  async #upload(directory: string): Promise<number> {
    if (this.#share.at(directory)?.bytes !== null) {
      this.#streams.say(`cd ${directory}\\: NT_STATUS_OBJECT_NAME_NOT_FOUND\n`);
      return 1;
    }
    const bytes = await this.#streams.rest();
    const path = `${directory}\\data`;
    const refused = this.#share.quirks.answer?.("put") ?? null;
    if (refused !== null) {
      this.#streams.say(refused);
      return 1;
    }
    // Written to what was opened, wherever it is now; this one looks at the end.
    if (this.#share.at(directory) === null) {
      this.#streams.say("NT_STATUS_OBJECT_PATH_NOT_FOUND opening remote file \\data\n");
      return 1;
    }
    this.#share.set(path, bytes);
    this.#streams.say(`putting file - as ${path} (1.0 kb/s) (average 1.0 kb/s)\n`);
    return 0;
  }

  async #converse(): Promise<number> {
    for (;;) {
      this.#streams.give(new TextEncoder().encode("smb: \\> "));
      const line = await this.#streams.line();
      if (line === null) return 0;
      const [verb, ...words] = wordsOf(line);
      if (verb === undefined) continue;
      const { silentAfter = Infinity, endsAfter = Infinity } = this.#share.quirks;
      if (!/^q[0-9a-f]{32}$/.test(verb)) {
        this.#count += 1;
        this.#share.commands.push(line.trimEnd());
      }
      if (this.#count > silentAfter) await new Promise(() => {});
      if (this.#count > endsAfter) return 1;
      const forged = this.#share.quirks.answer?.(verb) ?? null;
      this.#streams.say(forged ?? await this.#answer(verb, words));
    }
  }

  async #answer(verb: string, words: readonly string[]): Promise<string> {
    const [first = "", second = ""] = words;
    switch (verb) {
      case "ls":
        return this.#list(first);
      case "get":
        return this.#get(first);
      case "reget":
        return await this.#reget(first, second);
      case "put":
        return await this.#put(first, second);
      case "mkdir":
        return this.#makeDirectory(first);
      case "del":
        return this.#remove(first);
      case "rmdir":
        return this.#removeDirectory(first);
      case "rename":
        return this.#rename(first, second, words[2] === "-f");
      case "hardlink":
        return this.#link(first, second);
      case "utimes":
        return this.#setTime(first, words[3] ?? "");
      default:
        return `${verb}: command not found\n`;
    }
  }

  #list(mask: string): string {
    const share = this.#share;
    const end = "\n\t\t1024 blocks of size 1024. 512 blocks available\n";
    const { listing } = share.quirks;
    const isAll = mask.endsWith("\\*");
    const directory = isAll ? mask.slice(0, -2) || "\\" : parentOf(mask);
    if (share.at(directory) === null) return `NT_STATUS_OBJECT_PATH_NOT_FOUND listing ${mask}\n`;
    if (listing !== undefined) return [...listing()].join("") + end;
    const name = mask.slice(mask.lastIndexOf("\\") + 1).toUpperCase();
    const found = share.names(directory).filter((one) => isAll || one.name.toUpperCase() === name);
    if (found.length === 0 && !isAll) return `NT_STATUS_NO_SUCH_FILE listing ${mask}\n`;
    const dots = isAll ? [".", ".."].map((dot) => listedLine(dot, null, share.time)) : [];
    const lines = found.map(({ name, node }) =>
      listedLine(name, node.bytes?.length ?? null, node.mtime, share.links.has(name))
    );
    return [...dots, ...lines].join("") + end;
  }

  #get(path: string): string {
    const { quirks } = this.#share;
    const bytes = this.#share.at(path)?.bytes ?? null;
    if (bytes === null) return `NT_STATUS_OBJECT_NAME_NOT_FOUND opening remote file ${path}\n`;
    const { extraBytes = 0 } = quirks;
    const given = new Uint8Array(Math.max(0, bytes.length + extraBytes));
    given.set(bytes.subarray(0, given.length));
    this.#streams.give(given);
    return `getting file ${path} of size ${bytes.length} as - (1.0 KiloBytes/sec) ` +
      "(average 1.0 KiloBytes/sec)\n";
  }

  async #reget(path: string, local: string): Promise<string> {
    const bytes = this.#share.at(path)?.bytes ?? null;
    if (bytes === null) return `NT_STATUS_OBJECT_NAME_NOT_FOUND opening remote file ${path}\n`;
    const limit = this.#command.args.find((one) => one.startsWith("--fsize="))?.slice(8);
    const file = await this.#share.env.disk.open(local, { read: true, write: true });
    const { size } = await file.stat();
    const most = limit === undefined ? bytes.length : Number(limit);
    await file.write(bytes.subarray(size, most), size);
    await file.close();
    if (most < bytes.length) {
      this.#streams.die("SIGXFSZ");
      return "";
    }
    return `getting file ${path} of size ${bytes.length} as ${local} (1.0 KiloBytes/sec) ` +
      "(average 1.0 KiloBytes/sec)\n";
  }

  async #put(local: string, path: string): Promise<string> {
    if (this.#share.at(parentOf(path)) === null) {
      return `NT_STATUS_OBJECT_PATH_NOT_FOUND opening remote file ${path}\n`;
    }
    const file = await this.#share.env.disk.open(local, { read: true });
    const { size } = await file.stat();
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) at += await file.read(bytes.subarray(at), at);
    await file.close();
    this.#share.set(path, bytes);
    return `putting file ${local} as ${path} (1.0 kb/s) (average 1.0 kb/s)\n`;
  }

  #makeDirectory(path: string): string {
    const what = `making remote directory ${path}\n`;
    if (this.#share.at(parentOf(path)) === null) return `NT_STATUS_OBJECT_PATH_NOT_FOUND ${what}`;
    if (this.#share.at(path) !== null) return `NT_STATUS_OBJECT_NAME_COLLISION ${what}`;
    this.#share.set(path, null);
    return "";
  }

  #remove(path: string): string {
    const standing = this.#share.at(path);
    if (this.#share.at(parentOf(path)) === null) {
      return `NT_STATUS_OBJECT_PATH_NOT_FOUND listing ${path}\n`;
    }
    if (standing === null) return `NT_STATUS_NO_SUCH_FILE listing ${path}\n`;
    if (standing.bytes !== null) this.#share.nodes.delete(path.toUpperCase());
    return "";
  }

  #removeDirectory(path: string): string {
    const what = `removing remote directory file ${path}\n`;
    if (this.#share.at(path) === null) return `NT_STATUS_OBJECT_NAME_NOT_FOUND ${what}`;
    if (this.#share.names(path).length > 0) return `NT_STATUS_DIRECTORY_NOT_EMPTY ${what}`;
    this.#share.nodes.delete(path.toUpperCase());
    return "";
  }

  #rename(from: string, to: string, replaces: boolean): string {
    const what = `renaming files ${from} -> ${to} \n`;
    const share = this.#share;
    if (share.at(parentOf(from)) === null) return `NT_STATUS_OBJECT_PATH_NOT_FOUND ${what}`;
    if (share.at(from) === null) return `NT_STATUS_OBJECT_NAME_NOT_FOUND ${what}`;
    if (share.at(parentOf(to)) === null) return `NT_STATUS_OBJECT_PATH_NOT_FOUND ${what}`;
    if (share.at(to) !== null && !replaces) return `NT_STATUS_OBJECT_NAME_COLLISION ${what}`;
    const prefix = from.toUpperCase();
    for (const [key, { path, node }] of [...share.nodes]) {
      if (key !== prefix && !key.startsWith(`${prefix}\\`)) continue;
      share.nodes.delete(key);
      const moved = to + path.slice(from.length);
      share.nodes.set(moved.toUpperCase(), { path: moved, node });
    }
    return "";
  }

  #link(from: string, to: string): string {
    const what = "doing an NT hard link of files\n";
    const share = this.#share;
    if (share.quirks.hardLinks === false) return `NT_STATUS_NOT_SUPPORTED ${what}`;
    const standing = share.at(from);
    if (standing === null) return `NT_STATUS_OBJECT_NAME_NOT_FOUND ${what}`;
    if (share.at(parentOf(to)) === null) return `NT_STATUS_OBJECT_PATH_NOT_FOUND ${what}`;
    if (share.at(to) !== null) return `NT_STATUS_OBJECT_NAME_COLLISION ${what}`;
    share.nodes.set(to.toUpperCase(), { path: to, node: standing });
    return "";
  }

  #setTime(path: string, text: string): string {
    const [year, month, day, hour, minute, second] = text.split(/[:-]/).map(Number);
    const standing = this.#share.at(path);
    if (standing === null) return "cli_setpathinfo_ext failed: NT_STATUS_OBJECT_NAME_NOT_FOUND\n";
    const full = year! < 69 ? 2000 + year! : 1900 + year!;
    standing.mtime = Date.UTC(full, month! - 1, day!, hour!, minute!, second!) / 1_000;
    return "";
  }
}

/** Words as smbclient finds them: quotes group, and nothing is escaped. */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let at = 0;
  while (at < line.length) {
    while (/[ \t\r\n]/.test(line[at] ?? "")) at += 1;
    if (at >= line.length) break;
    let word = "";
    let isQuoted = false;
    for (; at < line.length && (isQuoted || !/[ \t\r\n]/.test(line[at]!)); at++) {
      if (line[at] === '"') isQuoted = !isQuoted;
      else word += line[at];
    }
    words.push(word);
  }
  return words;
}

/** A line of `ls`; a directory has no size. */
export function listedLine(
  name: string,
  size: number | null,
  seconds: number,
  isLink = false,
): string {
  const at = new Date(seconds * 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = String(at.getUTCDate()).padStart(2, " ");
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  const date = `${DAYS[at.getUTCDay()]} ${MONTHS[at.getUTCMonth()]} ${day} ${time} ` +
    `${at.getUTCFullYear()}`;
  const attributes = `${size === null ? "D" : "A"}${isLink ? "r" : ""}`.padStart(7);
  const bytes = new TextEncoder().encode(name).length;
  const padded = name + " ".repeat(Math.max(0, 30 - bytes));
  return `  ${padded}${attributes} ${String(size ?? 0).padStart(8)}  ${date}\n`;
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("\\")) || "\\";
}
