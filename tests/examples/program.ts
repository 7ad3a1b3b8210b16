/** An example as a process of its own: its lines as they come, and its end. */

import { fileURLToPath } from "node:url";

const PATIENCE_MS = 30_000;

/** A running example. */
export interface Program {
  readonly pid: number;
  /**
   * Resolves with the next line that holds `part` and that no `line` has taken; rejects if it ends
   * without one, or says nothing of the kind for {@link PATIENCE_MS}.
   */
  line(part: string): Promise<string>;
  /** Writes a line to its standard input. */
  type(text: string): Promise<void>;
  closeInput(): Promise<void>;
  kill(signal: Deno.Signal): void;
  readonly ended: Promise<{ readonly code: number; readonly lines: readonly string[] }>;
}

interface Waiting {
  readonly part: string;
  readonly resolve: (line: string) => void;
  readonly reject: (why: string) => void;
}

/** Starts `examples/PATH ARGS`; the lines of standard output and error together. */
export function startExample(
  path: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Program {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL(`../../examples/${path}`, import.meta.url)), ...args],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const lines: string[] = [];
  const untaken: string[] = [];
  const waiting = new Set<Waiting>();
  const took = (line: string): void => {
    lines.push(line);
    const one = [...waiting].find(({ part }) => line.includes(part));
    if (one === undefined) untaken.push(line);
    else one.resolve(line);
  };
  const read = Promise.all([eachLine(child.stdout, took), eachLine(child.stderr, took)]);
  const ended = Promise.all([child.status, read]).then(([{ code }]) => {
    for (const { reject } of waiting) reject(`${path} has ended: ${lines.join("\n")}`);
    return { code, lines };
  });
  const writer = child.stdin.getWriter();
  return {
    pid: child.pid,
    line: (part) => lineWith(part, untaken, waiting),
    type: (text) => writer.write(new TextEncoder().encode(`${text}\n`)),
    closeInput: () => writer.close(),
    kill: (signal) => child.kill(signal),
    ended: ended.finally(() => writer.close().catch(() => {})),
  };
}

function lineWith(part: string, untaken: string[], waiting: Set<Waiting>): Promise<string> {
  const index = untaken.findIndex((line) => line.includes(part));
  if (index >= 0) return Promise.resolve(untaken.splice(index, 1)[0]!);
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const one = { part, resolve, reject: (why: string) => reject(new Error(`"${part}": ${why}`)) };
  const patience = setTimeout(() => one.reject("it did not come"), PATIENCE_MS);
  waiting.add(one);
  return promise.finally(() => {
    waiting.delete(one);
    clearTimeout(patience);
  });
}

async function eachLine(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  took: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split("\n");
    rest = parts.pop()!;
    for (const line of parts) took(line);
  }
  if (rest !== "") took(rest);
}
