/** The command line's own process: the one place of `cli/` that touches `Deno` for it. */

import host from "node:process";

/** What a verb may know of its process and do with it. */
export interface Process {
  /** What stands after the program's name. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** One environment variable, read by its name so that narrow permissions are enough. */
  env(name: string): string | undefined;
  /** Standard output: results. */
  out(text: string): void;
  /** Standard error: progress and messages. */
  err(text: string): void;
  readonly errIsTerminal: boolean;
  readonly outIsTerminal: boolean;
  /** Of the terminal behind standard error. */
  size(): TerminalSize;
  /** Calls back on SIGINT and SIGTERM; the returned function stops that. */
  onInterrupt(callback: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  /** Calls back on SIGHUP, which ends nothing then; the returned function stops that. */
  onHangup(callback: () => void): () => void;
  exit(code: number): never;
  readonly pid: number;
  readonly children: Children;
  readonly versions: { readonly deno: string; readonly v8: string; readonly typescript: string };
}

/** Signals that verbs send. */
export type SentSignal = "SIGTERM" | "SIGKILL" | "SIGSTOP" | "SIGCONT" | "SIGHUP";

/** Other processes. They go on when this one ends. */
export interface Children {
  /** The program that runs this one: `deno`. */
  readonly program: string;
  /** Starts a program without input; what it writes goes to the end of `logFile`. */
  start(program: string, args: readonly string[], logFile: string): StartedChild;
  /** `false` where there is no such process. */
  signal(pid: number, signal: SentSignal): boolean;
  /** Whether there is a process with that id; it may be a later one than was meant. */
  exists(pid: number): boolean;
}

/** A child as who started it sees it. */
export interface StartedChild {
  readonly pid: number;
  /** Resolves to its exit code when it ends; 128 + N after signal N. */
  readonly ended: Promise<number>;
}

/** Character cells. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const FALLBACK_SIZE: TerminalSize = { columns: 80, rows: 24 };
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** The exit code of a process that a closed pipe has ended (128 + SIGPIPE). */
const BROKEN_PIPE_CODE = 141;

/** The process that this program runs in. */
export function realProcess(): Process {
  return {
    args: Deno.args,
    cwd: Deno.cwd(),
    env: readVariable,
    out: writer(Deno.stdout),
    err: writer(Deno.stderr),
    errIsTerminal: Deno.stderr.isTerminal(),
    outIsTerminal: Deno.stdout.isTerminal(),
    size: terminalSize,
    onInterrupt,
    onHangup,
    exit: (code) => Deno.exit(code),
    pid: Deno.pid,
    children: { program: Deno.execPath(), start: startChild, signal: sendSignal, exists },
    versions: Deno.version,
  };
}

/** A variable that may not be read is one that is not set: whoever needs it says so. */
function readVariable(name: string): string | undefined {
  try {
    return Deno.env.get(name);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotCapable) return undefined;
    throw thrown;
  }
}

function writer(stream: { writeSync(bytes: Uint8Array): number }): (text: string) => void {
  const encoder = new TextEncoder();
  return (text) => {
    const bytes = encoder.encode(text);
    for (let at = 0; at < bytes.length;) at += writeSome(stream, bytes.subarray(at));
  };
}

/** Whoever read our output has gone, as in `quorus plan FILE | head`: nothing more to say. */
function writeSome(stream: { writeSync(bytes: Uint8Array): number }, bytes: Uint8Array): number {
  try {
    return stream.writeSync(bytes);
  } catch (thrown) {
    if (thrown instanceof Deno.errors.BrokenPipe) Deno.exit(BROKEN_PIPE_CODE);
    if (thrown instanceof Deno.errors.WouldBlock) return 0;
    throw thrown;
  }
}

function terminalSize(): TerminalSize {
  try {
    const { columns, rows } = Deno.consoleSize();
    return columns > 0 && rows > 0 ? { columns, rows } : FALLBACK_SIZE;
  } catch {
    return FALLBACK_SIZE;
  }
}

function onInterrupt(callback: (signal: "SIGINT" | "SIGTERM") => void): () => void {
  const listeners = SIGNALS.map((signal) => {
    const listener = () => callback(signal);
    Deno.addSignalListener(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) Deno.removeSignalListener(signal, listener);
  };
}

function onHangup(callback: () => void): () => void {
  Deno.addSignalListener("SIGHUP", callback);
  return () => Deno.removeSignalListener("SIGHUP", callback);
}

/** The shell only opens the file: `exec` makes the process the program itself, under the same id. */
const INTO_FILE = 'exec "$@" >>"$0" 2>&1 </dev/null';

function startChild(program: string, args: readonly string[], logFile: string): StartedChild {
  const child = new Deno.Command("/bin/sh", {
    args: ["-c", INTO_FILE, logFile, program, ...args],
    stdin: "null",
    stdout: "null",
    stderr: "null",
    detached: true,
  }).spawn();
  child.unref();
  return { pid: child.pid, ended: child.status.then(({ code }) => code) };
}

function sendSignal(pid: number, signal: SentSignal): boolean {
  try {
    Deno.kill(pid, signal);
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

function exists(pid: number): boolean {
  try {
    return host.kill(pid, 0);
  } catch (thrown) {
    const { code } = thrown as { readonly code?: unknown };
    if (code === "ESRCH") return false;
    if (code === "EPERM") return true;
    throw thrown;
  }
}
