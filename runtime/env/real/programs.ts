/** Programs of this machine. */

import {
  type ProgramCommand,
  type ProgramEnd,
  ProgramError,
  type Programs,
  type RunningProgram,
} from "../programs.ts";

/** Of standard error, the last of it: enough for a sentence and its reason. */
const ERRORS_MAX_BYTES = 8_192;

/** Needs `--allow-run` for each program that is started. */
export const realPrograms: Programs = { start };

function start(command: ProgramCommand): RunningProgram {
  const { program, args, environment = {}, errors = "kept" } = command;
  const child = spawned(program, args, environment);
  const input = child.stdin.getWriter();
  const isKept = errors === "kept";
  const kept = isKept ? lastOf(child.stderr) : Promise.resolve("");
  let closing: Promise<void> | null = null;
  return {
    read: filling(child.stdout),
    readErrors: isKept ? () => Promise.resolve(0) : filling(child.stderr),
    async write(bytes) {
      try {
        await input.write(bytes);
      } catch (thrown) {
        const message = `cannot write to ${program}: it takes no more`;
        throw new ProgramError("io", message, { cause: thrown });
      }
    },
    closeInput: () => closing ??= input.close().catch(() => {}),
    ended: endOf(child, kept, input),
    kill: () => {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
    },
  };
}

/** Reads of a stream, as much as there is room for. */
function filling(stream: ReadableStream<Uint8Array>): (into: Uint8Array) => Promise<number> {
  const reader = stream.getReader();
  let left = new Uint8Array(0);
  return async (into) => {
    while (left.length === 0) {
      const { done, value } = await reader.read();
      if (done) return 0;
      left = value as Uint8Array<ArrayBuffer>;
    }
    const count = Math.min(into.length, left.length);
    into.set(left.subarray(0, count));
    left = left.subarray(count);
    return count;
  };
}

function spawned(
  program: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Deno.ChildProcess {
  try {
    return new Deno.Command(program, {
      args: [...args],
      clearEnv: true,
      env: { ...environment },
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) {
      const message =
        `cannot start ${program}: it is not installed, or not on the PATH; install it`;
      throw new ProgramError("notFound", message, { cause: thrown });
    }
    const message =
      `cannot start ${program}: this process may not; allow it with --allow-run=${program}`;
    throw new ProgramError("denied", message, { cause: thrown });
  }
}

async function endOf(
  child: Deno.ChildProcess,
  errors: Promise<string>,
  input: WritableStreamDefaultWriter<Uint8Array>,
): Promise<ProgramEnd> {
  const { code, signal } = await child.status;
  const text = await errors;
  await input.abort().catch(() => {});
  return { code: signal === null ? code : null, signal, errors: text };
}

async function lastOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let text = new Uint8Array(0);
  for await (const bytes of stream) {
    const joined = new Uint8Array(text.length + bytes.length);
    joined.set(text);
    joined.set(bytes, text.length);
    text = joined.subarray(-ERRORS_MAX_BYTES);
  }
  return new TextDecoder().decode(text);
}
