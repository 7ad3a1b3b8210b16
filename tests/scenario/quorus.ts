/** The `quorus` command as a process of its own, as its users start it. */

import { resolve } from "node:path";

const REPOSITORY = resolve(import.meta.dirname ?? ".", "../..");

/** How a process is started. */
export interface QuorusOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Called with each complete line of standard output. */
  readonly onLine?: (line: string) => void;
}

/** How a process has ended. */
export interface Ended {
  /** 128 + the signal's number for one that a signal has ended. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A process under way. */
export interface Quorus {
  readonly ended: Promise<Ended>;
  kill(signal: Deno.Signal): void;
}

/** Starts `quorus ARGS` in the repository's folder. */
export function startQuorus(args: readonly string[], options: QuorusOptions = {}): Quorus {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "cli.ts", ...args],
    cwd: REPOSITORY,
    env: { NO_COLOR: "1", ...options.env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const ended = Promise.all([
    textOf(child.stdout, options.onLine),
    textOf(child.stderr, undefined),
    child.status,
  ]).then(([out, err, { code }]) => ({ code, out, err }));
  return { ended, kill: (signal) => killQuietly(child, signal) };
}

/** Runs `quorus ARGS` to its end. */
export function quorus(args: readonly string[], options: QuorusOptions = {}): Promise<Ended> {
  return startQuorus(args, options).ended;
}

/** What the test may rely on of a line of `run --json`. */
export interface RunEvent {
  readonly type: string;
  readonly name?: string;
  readonly state?: string;
  readonly why?: string;
  readonly attempts?: number;
  readonly resumed?: boolean;
  readonly keptBytes?: number;
  readonly error?: { readonly code: string; readonly message: string } | null;
  readonly receipt?: {
    readonly bytes: number;
    readonly keptBytes: number;
    readonly fetchedBytes: number;
    readonly sha256: string;
    readonly verified?: string;
    readonly copiedBytes?: number;
    readonly streamedBecause?: string;
  } | null;
}

/** The lines of `run --json`. */
export function eventsOf(out: string): RunEvent[] {
  return out.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The end of a transfer, by name. */
export function endOf(out: string, name: string): RunEvent | undefined {
  return eventsOf(out).filter((one) => one.type === "job.changed" && one.name === name).at(-1);
}

async function textOf(
  stream: ReadableStream<Uint8Array>,
  onLine: ((line: string) => void) | undefined,
): Promise<string> {
  let text = "";
  let told = 0;
  const decoder = new TextDecoder();
  for await (const part of stream) {
    text += decoder.decode(part, { stream: true });
    for (let end = text.indexOf("\n", told); end >= 0; end = text.indexOf("\n", told)) {
      onLine?.(text.slice(told, end));
      told = end + 1;
    }
  }
  return text;
}

function killQuietly(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (thrown) {
    // It has ended by itself.
    if (!(thrown instanceof TypeError) && !(thrown instanceof Deno.errors.NotFound)) throw thrown;
  }
}
