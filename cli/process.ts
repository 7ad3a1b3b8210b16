/** The command line's own process: the one place of `cli/` that touches `Deno` for it. */

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
  exit(code: number): never;
  readonly versions: { readonly deno: string; readonly v8: string; readonly typescript: string };
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
    exit: (code) => Deno.exit(code),
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
