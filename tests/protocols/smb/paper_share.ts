/** A share in memory, and an `smbclient` that talks to it: what is said is what Samba's says. */

import type {
  ProgramCommand,
  ProgramEnd,
  Programs,
  RunningProgram,
} from "../../../runtime/env/programs.ts";
import { ProgramError } from "../../../runtime/env/programs.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { PaperClient } from "./paper_client.ts";

/** A file of a share; a directory has no bytes. */
export interface PaperNode {
  bytes: Uint8Array | null;
  /** Seconds. */
  mtime: number;
}

/** How a server, or the way to it, misbehaves. */
export interface PaperQuirks {
  /** No program of that name. */
  readonly isMissing?: boolean;
  /** What smbclient ends with before it is connected. */
  readonly refusal?: string;
  /** Nothing comes any more after so many commands. */
  readonly silentAfter?: number;
  /** The program ends after so many commands. */
  readonly endsAfter?: number;
  /** Lines of a listing, instead of the ones there are. */
  readonly listing?: () => Iterable<string>;
  /** A file delivers this many bytes more or fewer than it has. */
  readonly extraBytes?: number;
  /** What the server answers to a command, instead of doing it. */
  readonly answer?: (verb: string) => string | null;
  readonly hardLinks?: boolean;
  /** `prlimit` may not be started. */
  readonly hasNoLimits?: boolean;
  /** What its C library reads at once. */
  readonly bufferBytes?: number;
}

/** The share, its history and its programs. */
export class PaperShare {
  /** By path in upper case, since names are compared so. */
  readonly nodes = new Map<string, { readonly path: string; readonly node: PaperNode }>();
  /** Every command that was given, and every argument of every program. */
  readonly commands: string[] = [];
  readonly started: ProgramCommand[] = [];
  /** Names of directories that are reparse points. */
  readonly links = new Set<string>();
  readonly env: Env;
  readonly quirks: PaperQuirks;
  readonly programs: Programs = { start: (command) => this.#start(command) };
  time = 1_700_000_000;

  constructor(env: Env, quirks: PaperQuirks = {}) {
    this.env = env;
    this.quirks = quirks;
    this.nodes.set("\\", { path: "\\", node: { bytes: null, mtime: this.time } });
  }

  /** Puts a file, directories made on the way; each version has a time of its own. */
  put(path: string, bytes: Uint8Array): void {
    const segments = path.split("\\").slice(1);
    for (let count = 1; count < segments.length; count++) {
      const directory = `\\${segments.slice(0, count).join("\\")}`;
      if (this.at(directory) === null) this.set(directory, null);
    }
    this.set(path, bytes);
  }

  set(path: string, bytes: Uint8Array | null): void {
    this.time += 1;
    this.nodes.set(path.toUpperCase(), { path, node: { bytes, mtime: this.time } });
  }

  at(path: string): PaperNode | null {
    return this.nodes.get(path.toUpperCase())?.node ?? null;
  }

  /** The names directly in a directory. */
  names(directory: string): { readonly name: string; readonly node: PaperNode }[] {
    const prefix = directory === "\\" ? "\\" : `${directory.toUpperCase()}\\`;
    return [...this.nodes].filter(([key]) =>
      key !== "\\" && key.startsWith(prefix) && !key.slice(prefix.length).includes("\\")
    ).map(([, { path, node }]) => ({ name: path.slice(path.lastIndexOf("\\") + 1), node }));
  }

  #start(command: ProgramCommand): RunningProgram {
    this.started.push(command);
    if (this.quirks.isMissing === true) {
      throw new ProgramError("notFound", `cannot start ${command.program}: it is not installed`);
    }
    if (command.program === "prlimit" && this.quirks.hasNoLimits === true) {
      throw new ProgramError("denied", "cannot start prlimit: this process may not");
    }
    return new PaperProcess(this, command);
  }
}

/** Bytes that one side writes and the other reads. */
class Pipe {
  #bytes = new Uint8Array(0);
  #isEnded = false;
  #waiting: (() => void) | null = null;

  write(bytes: Uint8Array): void {
    const joined = new Uint8Array(this.#bytes.length + bytes.length);
    joined.set(this.#bytes);
    joined.set(bytes, this.#bytes.length);
    this.#bytes = joined;
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#bytes.length === 0) {
      if (this.#isEnded) return 0;
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
    const count = Math.min(into.length, this.#bytes.length);
    into.set(this.#bytes.subarray(0, count));
    this.#bytes = this.#bytes.slice(count);
    return count;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.();
  }

  /** Resolves when there is something to read, or never will be. */
  async ready(): Promise<void> {
    while (this.#bytes.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => this.#waiting = resolve);
    }
  }
}

/** Lines as smbclient reads them: it waits for its input to be ready, and does not look into its buffer. */
class Lines {
  readonly #pipe: Pipe;
  readonly #bufferBytes: number;
  #buffer = new Uint8Array(0);

  constructor(pipe: Pipe, bufferBytes: number) {
    this.#pipe = pipe;
    this.#bufferBytes = bufferBytes;
  }

  async next(): Promise<string | null> {
    await this.#pipe.ready();
    const line: number[] = [];
    for (;;) {
      if (this.#buffer.length === 0) {
        const fresh = new Uint8Array(this.#bufferBytes);
        this.#buffer = fresh.subarray(0, await this.#pipe.read(fresh));
        if (this.#buffer.length === 0) return null;
      }
      const end = this.#buffer.indexOf(10);
      const taken = this.#buffer.subarray(0, end < 0 ? this.#buffer.length : end);
      line.push(...taken);
      this.#buffer = this.#buffer.subarray(end < 0 ? this.#buffer.length : end + 1);
      if (end >= 0) return new TextDecoder().decode(Uint8Array.from(line));
    }
  }
}

class PaperProcess implements RunningProgram {
  readonly ended: Promise<ProgramEnd>;
  readonly #input = new Pipe();
  readonly #output = new Pipe();
  readonly #errors = new Pipe();
  readonly #end = Promise.withResolvers<ProgramEnd>();
  #kept = "";
  #isOver = false;

  constructor(share: PaperShare, command: ProgramCommand) {
    this.ended = this.#end.promise;
    const lines = new Lines(this.#input, share.quirks.bufferBytes ?? 4_096);
    const isRead = command.errors === "read";
    const client = new PaperClient(share, command, {
      line: () => lines.next(),
      rest: () => this.#rest(),
      say: (text) => {
        if (isRead) this.#errors.write(new TextEncoder().encode(text));
        else this.#kept += text;
      },
      give: (bytes) => this.#output.write(bytes),
      die: (signal) => this.#over(null, signal),
    });
    void client.run().then((code) => this.#over(code, null));
  }

  read(into: Uint8Array): Promise<number> {
    return this.#output.read(into);
  }

  readErrors(into: Uint8Array): Promise<number> {
    return this.#errors.read(into);
  }

  write(bytes: Uint8Array): Promise<void> {
    if (this.#isOver) return Promise.reject(new ProgramError("io", "it takes no more"));
    this.#input.write(bytes.slice());
    return Promise.resolve();
  }

  closeInput(): Promise<void> {
    this.#input.end();
    return Promise.resolve();
  }

  kill(): void {
    this.#over(null, "SIGKILL");
  }

  async #rest(): Promise<Uint8Array> {
    const parts: number[] = [];
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const count = await this.#input.read(buffer);
      if (count === 0) return Uint8Array.from(parts);
      for (const byte of buffer.subarray(0, count)) parts.push(byte);
    }
  }

  #over(code: number | null, signal: string | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const pipe of [this.#input, this.#output, this.#errors]) pipe.end();
    this.#end.resolve({ code, signal, errors: this.#kept });
  }
}
