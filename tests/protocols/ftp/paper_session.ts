/** One control connection of a paper server. */

import { createHash } from "node:crypto";
import type { PaperFile } from "./paper_files.ts";
import type { PaperLine, PaperListen, PaperPort } from "./paper_line.ts";
import { MODERN } from "./paper_quirks.ts";
import type { PaperServer } from "./paper_server.ts";

const CHUNK_BYTES = 65_536;

/** Reads commands and answers them, one after the other. */
export class PaperSession {
  readonly #server: PaperServer;
  readonly #line: PaperLine;
  readonly #listen: PaperListen;
  #held = "";
  #commands = 0;
  #user: string | null = null;
  #isLoggedIn = false;
  #isPrivate = false;
  #folder = "/";
  #restart = 0;
  #uploads = 0;
  #renaming: string | null = null;
  #port: PaperPort | null = null;

  constructor(server: PaperServer, line: PaperLine, listen: PaperListen) {
    this.#server = server;
    this.#line = line;
    this.#listen = listen;
  }

  async run(): Promise<void> {
    try {
      await this.#say(this.#server.quirks.greeting ?? "220 paper\r\n");
      for (;;) {
        const command = await this.#next();
        if (command === null || !await this.#heed(command)) return;
      }
    } catch {
      // The client has gone.
    } finally {
      this.#port?.close();
    }
  }

  async #heed(command: string): Promise<boolean> {
    const { quirks, commands } = this.#server;
    this.#commands += 1;
    commands.push(command.startsWith("PASS") ? "PASS" : command);
    if (this.#commands > (quirks.endsAfter ?? Infinity)) return false;
    if (this.#commands > (quirks.silentAfter ?? Infinity)) {
      await new Promise(() => {});
    }
    if (quirks.drips !== undefined) await quirks.drips((text) => this.#say(text));
    const space = command.indexOf(" ");
    const verb = (space < 0 ? command : command.slice(0, space)).toUpperCase();
    const argument = space < 0 ? "" : command.slice(space + 1);
    const answer = await this.#answer(verb, argument);
    await this.#say(this.#server.quirks.forge?.(command, answer) ?? answer);
    if (verb === "AUTH" && answer.startsWith("234")) this.#line.secure();
    return verb !== "QUIT";
  }

  /** Answers of commands that need no data connection, with their line ends. */
  async #answer(verb: string, argument: string): Promise<string> {
    const early = this.#beforeLogin(verb, argument);
    if (early !== null) return early;
    if (!this.#isLoggedIn) return "530 Log in first.\r\n";
    switch (verb) {
      case "SITE":
        return this.#site(argument);
      case "REST":
        return this.#rest(argument);
      case "EPSV":
      case "PASV":
        return await this.#passive(verb);
      case "RETR":
      case "STOR":
      case "APPE":
      case "LIST":
      case "MLSD":
        return await this.#transfer(verb, argument);
      default:
        return this.#names(verb, argument);
    }
  }

  #beforeLogin(verb: string, argument: string): string | null {
    const { quirks } = this.#server;
    switch (verb) {
      case "AUTH":
        return quirks.tls === true ? "234 Go on.\r\n" : "502 No TLS here.\r\n";
      case "USER":
        this.#user = argument;
        return "331 And?\r\n";
      case "PASS":
        this.#isLoggedIn = this.#user === (quirks.user ?? this.#user) &&
          (this.#user === "anonymous" || argument === "p");
        return this.#isLoggedIn ? "230 Come in.\r\n" : `530 ${argument} is not the password.\r\n`;
      case "NOOP":
      case "OPTS":
      case "TYPE":
      case "PBSZ":
        return "200 Good.\r\n";
      case "PROT":
        if (quirks.refusesProtection === true) return "536 No.\r\n";
        this.#isPrivate = true;
        return "200 Good.\r\n";
      case "FEAT":
        return this.#features();
      case "QUIT":
        return "221 Bye.\r\n";
      default:
        return null;
    }
  }

  #features(): string {
    const { features = MODERN } = this.#server.quirks;
    if (features === null) return "502 What?\r\n";
    return `211-Features:\r\n${features.map((line) => ` ${line}\r\n`).join("")}211 End\r\n`;
  }

  #has(feature: string): boolean {
    const { features = MODERN } = this.#server.quirks;
    return features === null || features.some((line) => line.startsWith(feature));
  }

  #site(argument: string): string {
    const can = this.#server.quirks.chmod ?? true;
    if (argument === "HELP") return can ? "214-These:\r\n CHMOD\r\n214 End\r\n" : "214 None.\r\n";
    const match = /^CHMOD (\d+) (.*)$/.exec(argument);
    if (match === null || !can) return "502 What?\r\n";
    const file = this.#server.files.files.get(match[2]!);
    if (file === undefined) return "550 No such file.\r\n";
    file.mode = Number.parseInt(match[1]!, 8);
    return "200 Good.\r\n";
  }

  #rest(argument: string): string {
    if (!this.#has("REST STREAM")) return "502 No.\r\n";
    this.#restart = Number(argument);
    return "350 Go on.\r\n";
  }

  async #passive(verb: string): Promise<string> {
    const { noExtendedPassive, passiveAddress = "10.0.0.1" } = this.#server.quirks;
    if (verb === "EPSV" && noExtendedPassive === true) return "500 What?\r\n";
    this.#port?.close();
    this.#port = await this.#listen();
    const { port } = this.#port;
    if (verb === "EPSV") return `229 Extended Passive Mode (|||${port}|)\r\n`;
    const address = passiveAddress.replaceAll(".", ",");
    return `227 Passive Mode (${address},${port >> 8},${port & 255}).\r\n`;
  }

  #names(verb: string, argument: string): string {
    const { files, folders } = this.#server.files;
    const file = files.get(argument);
    switch (verb) {
      case "CWD":
        if (!folders.has(argument)) return "550 Failed to change directory.\r\n";
        this.#folder = this.#server.files.links.get(argument) ?? argument;
        return "250 Good.\r\n";
      case "PWD":
        return `257 "${this.#folder.replaceAll('"', '""')}" is current.\r\n`;
      case "SIZE":
        if (!this.#has("SIZE")) return "502 What?\r\n";
        return file === undefined ? "550 Could not get size.\r\n" : `213 ${file.bytes.length}\r\n`;
      case "MDTM":
        return this.#time(argument);
      case "MFMT":
        return this.#has("MFMT") ? this.#setTime(argument) : "502 What?\r\n";
      case "MLST":
        return this.#facts(argument);
      case "HASH":
        return file === undefined ? "550 No such file.\r\n" : this.#hash(argument, file);
      default:
        return this.#change(verb, argument, file);
    }
  }

  #time(argument: string): string {
    const file = this.#server.files.files.get(argument);
    if (file !== undefined) return `213 ${timeText(file.mtimeMs)}\r\n`;
    return /^\d{14} /.test(argument) ? this.#setTime(argument) : "550 Could not get time.\r\n";
  }

  #setTime(argument: string): string {
    const file = this.#server.files.files.get(argument.slice(15));
    if (file === undefined) return "550 No such file.\r\n";
    const [year, month, day, hour, minute, second] = [0, 4, 6, 8, 10, 12].map((from) =>
      Number(argument.slice(from, from === 0 ? 4 : from + 2))
    ) as [number, number, number, number, number, number];
    file.mtimeMs = Date.UTC(year, month - 1, day, hour, minute, second);
    return `213 Modify=${argument}\r\n`;
  }

  #facts(path: string): string {
    if (!this.#has("MLST")) return "500 What?\r\n";
    const facts = this.#factsOf(path);
    if (facts === null) return "550 No such file or directory.\r\n";
    return `250-Listing\r\n ${facts} ${path}\r\n250 End\r\n`;
  }

  #factsOf(path: string): string | null {
    const file = this.#server.files.files.get(path);
    if (this.#server.files.folders.has(path)) {
      return "type=dir;modify=20230101000000;UNIX.mode=0755;";
    }
    if (file === undefined) return null;
    const { bytes, mtimeMs, unique, mode } = file;
    return `type=file;size=${bytes.length};modify=${timeText(mtimeMs)};unique=${unique};` +
      `UNIX.mode=0${mode.toString(8)};`;
  }

  #hash(path: string, { bytes }: PaperFile): string {
    const hash = createHash("sha256").update(bytes).digest("hex");
    return `213 SHA-256 0-${bytes.length} ${hash} ${path}\r\n`;
  }

  #change(verb: string, argument: string, file: PaperFile | undefined): string {
    const { files, folders } = this.#server.files;
    const place = this.#server.files;
    switch (verb) {
      case "DELE":
        return files.delete(argument) ? "250 Good.\r\n" : "550 Delete operation failed.\r\n";
      case "RMD":
        if (place.namesIn(argument).length > 0) return "550 Not empty.\r\n";
        return folders.delete(argument) ? "250 Good.\r\n" : "550 Remove directory failed.\r\n";
      case "MKD":
        if (!place.hasFolderOf(argument)) return "550 Create directory failed.\r\n";
        if (folders.has(argument)) return "550 Create directory failed.\r\n";
        folders.add(argument);
        return `257 "${argument}" created\r\n`;
      case "RNFR":
        this.#renaming = file === undefined ? null : argument;
        return file === undefined ? "550 RNFR command failed.\r\n" : "350 Go on.\r\n";
      case "RNTO":
        return this.#renamed(argument);
      default:
        return "502 What?\r\n";
    }
  }

  #renamed(to: string): string {
    const { files } = this.#server.files;
    const from = this.#renaming;
    this.#renaming = null;
    const file = from === null ? undefined : files.get(from);
    if (file === undefined || from === null) return "550 Rename failed.\r\n";
    if (files.has(to) && this.#server.quirks.keepsTaken === true) return "550 Rename failed.\r\n";
    if (!this.#server.files.hasFolderOf(to)) return "550 Rename failed.\r\n";
    files.delete(from);
    files.set(to, file);
    return "250 Good.\r\n";
  }

  /** Says that it begins, moves the bytes, and gives the final answer. */
  async #transfer(verb: string, path: string): Promise<string> {
    const port = this.#port;
    const restart = this.#restart;
    this.#port = null;
    this.#restart = 0;
    if (port === null) return "425 Use PASV first.\r\n";
    try {
      const refusal = this.#refusal(verb, path);
      if (refusal !== null) return refusal;
      // It is there as soon as it was begun.
      const isUpload = verb === "STOR" || verb === "APPE";
      const file = isUpload ? this.#server.files.make(path) : null;
      if (file !== null && verb === "STOR" && restart === 0) file.bytes = new Uint8Array(0);
      const { forge } = this.#server.quirks;
      const begins = "150 Here it comes.\r\n";
      await this.#say(forge?.(`${verb} 150`, begins) ?? begins);
      const data = await port.accept();
      if (this.#isPrivate) data.secure();
      try {
        if (file !== null) {
          return await this.#receive(data, file, verb === "APPE" ? file.bytes.length : restart);
        }
        if (verb === "RETR") return await this.#send(data, path, restart);
        return await this.#list(data, verb, path);
      } finally {
        data.end();
      }
    } finally {
      port.close();
    }
  }

  #refusal(verb: string, path: string): string | null {
    const { files } = this.#server;
    if (verb === "MLSD" && !this.#has("MLST")) return "500 What?\r\n";
    if (verb === "RETR" && !files.files.has(path)) return "550 Failed to open file.\r\n";
    const isUpload = verb === "STOR" || verb === "APPE";
    if (isUpload && !files.hasFolderOf(path)) return "553 Could not create file.\r\n";
    return null;
  }

  async #receive(data: PaperLine, file: PaperFile, from: number): Promise<string> {
    const { fullAfterBytes = Infinity, uploadsPerSession = Infinity } = this.#server.quirks;
    this.#uploads += 1;
    if (this.#uploads > uploadsPerSession) return "425 Unable to build data connection.\r\n";
    for (let at = from;;) {
      const bytes = await data.read();
      if (bytes === null) return "226 Good.\r\n";
      const grown = new Uint8Array(Math.max(file.bytes.length, at + bytes.length));
      grown.set(file.bytes);
      grown.set(bytes, at);
      file.bytes = grown;
      at += bytes.length;
      if (at > fullAfterBytes) return "552 Quota exceeded.\r\n";
    }
  }

  async #send(data: PaperLine, path: string, from: number): Promise<string> {
    const whole = this.#server.files.files.get(path)!.bytes.subarray(from);
    const { bytes, then } = this.#server.quirks.sends?.(path, whole) ??
      { bytes: whole, then: "end" as const };
    try {
      for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
        await data.write(bytes.subarray(at, at + CHUNK_BYTES));
      }
    } catch {
      return "426 Failure writing network stream.\r\n";
    }
    if (then === "stall") {
      await data.read();
      return "426 Failure writing network stream.\r\n";
    }
    if (then === "cut") return "426 Something broke.\r\n";
    await data.finish();
    await data.read();
    return "226 Good.\r\n";
  }

  async #list(data: PaperLine, verb: string, argument: string): Promise<string> {
    const { lists } = this.#server.quirks;
    try {
      for (const line of lists?.() ?? this.#lines(verb, argument)) {
        await data.write(new TextEncoder().encode(`${line}\r\n`));
      }
    } catch {
      return "426 Failure writing network stream.\r\n";
    }
    await data.finish();
    await data.read();
    return "226 Good.\r\n";
  }

  *#lines(verb: string, argument: string): Iterable<string> {
    const names = this.#server.files.namesIn(this.#folder);
    if (verb === "MLSD") {
      yield `type=cdir; ${this.#folder}`;
      for (const name of names) yield `${this.#factsOf(join(this.#folder, name))} ${name}`;
      return;
    }
    if (this.#server.quirks.listing === "dos") {
      // It takes the option for a name.
      if (argument !== "") return;
      for (const name of names) yield this.#dosLine(name);
      return;
    }
    yield "total 9";
    for (const name of names) yield this.#unixLine(name);
  }

  #dosLine(name: string): string {
    const file = this.#server.files.files.get(join(this.#folder, name));
    const what = file === undefined
      ? "      <DIR>         "
      : String(file.bytes.length).padStart(20);
    return `11-14-23  05:03PM ${what} ${name}`;
  }

  #unixLine(name: string): string {
    const file = this.#server.files.files.get(join(this.#folder, name));
    const what = file === undefined ? "drwxr-xr-x" : "-rw-r-----";
    return `${what}    1 1000     1000 ${
      String(file?.bytes.length ?? 4096).padStart(10)
    } Nov 14 17:03 ${name}`;
  }

  async #say(text: string): Promise<void> {
    await this.#line.write(new TextEncoder().encode(text));
  }

  async #next(): Promise<string | null> {
    for (;;) {
      const end = this.#held.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#held.slice(0, end);
        this.#held = this.#held.slice(end + 2);
        return line;
      }
      const bytes = await this.#line.read();
      if (bytes === null) return null;
      this.#held += new TextDecoder().decode(bytes);
    }
  }
}

function join(folder: string, name: string): string {
  return folder === "/" ? `/${name}` : `${folder}/${name}`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 19).replace(/[-:T]/g, "");
}
