/** A process in memory: what a verb writes is kept, signals come from the test. */

import { main } from "../../cli/program.ts";
import { type Children, type Process, realProcess, type TerminalSize } from "../../cli/process.ts";

/** Thrown by {@link MemoryProcess.exit}. */
export class Exited extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface MemoryProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard error is a terminal of this size. */
  readonly terminal?: TerminalSize;
}

/** See the file's comment. */
export class MemoryProcess implements Process {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly errIsTerminal: boolean;
  readonly outIsTerminal = false;
  readonly pid = Deno.pid;
  readonly children: Children = realProcess().children;
  readonly versions = { deno: "2.0.0", v8: "15.0", typescript: "6.0" };
  output = "";
  errors = "";
  readonly #options: MemoryProcessOptions;
  readonly #waiting: { needle: string; found: () => void }[] = [];
  readonly #listeners = new Set<(signal: "SIGINT" | "SIGTERM") => void>();
  readonly #hangups = new Set<() => void>();

  constructor(args: readonly string[], options: MemoryProcessOptions = {}) {
    this.args = args;
    this.cwd = options.cwd ?? Deno.cwd();
    this.errIsTerminal = options.terminal !== undefined;
    this.#options = options;
  }

  env(name: string): string | undefined {
    return this.#options.env?.[name];
  }

  readonly out = (text: string): void => {
    this.output += text;
    this.#look();
  };

  readonly err = (text: string): void => {
    this.errors += text;
    this.#look();
  };

  size(): TerminalSize {
    return this.#options.terminal ?? { columns: 80, rows: 24 };
  }

  onInterrupt(callback: (signal: "SIGINT" | "SIGTERM") => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  onHangup(callback: () => void): () => void {
    this.#hangups.add(callback);
    return () => this.#hangups.delete(callback);
  }

  /** Sends SIGHUP. */
  hangUp(): void {
    for (const listener of this.#hangups) listener();
  }

  exit(code: number): never {
    throw new Exited(code);
  }

  /** Sends a signal. */
  interrupt(signal: "SIGINT" | "SIGTERM" = "SIGINT"): void {
    for (const listener of this.#listeners) listener(signal);
  }

  /** Resolves once `needle` was written, to either stream. */
  written(needle: string): Promise<void> {
    return new Promise((found) => {
      this.#waiting.push({ needle, found });
      this.#look();
    });
  }

  #look(): void {
    for (const { needle, found } of this.#waiting) {
      if (this.output.includes(needle) || this.errors.includes(needle)) found();
    }
  }
}

/** What a finished verb has left. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line in this process. */
export async function quorus(
  args: readonly string[],
  options: MemoryProcessOptions = {},
): Promise<Ran> {
  const process = new MemoryProcess(args, options);
  const code = await main(process);
  return { code, out: process.output, err: process.errors };
}
