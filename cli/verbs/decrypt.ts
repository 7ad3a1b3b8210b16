/** `quorus decrypt SEALED OUT`: the bytes of a sealed file, with no cluster and no workflow. */

import { MIB } from "../../runtime/base/units.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Sink, SinkFile, SourceReader } from "../../protocols/contract.ts";
import { decodedSource } from "../../protocols/encoded/encoded.ts";
import { keyFromText } from "../../protocols/encoded/sealed_head.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { fileProtocol } from "../../protocols/file/protocol.ts";
import { fileUriOf } from "../../protocols/file/uri.ts";
import { CliError, EXIT, Exit, type ExitCode } from "../exit.ts";
import { absolutePath, readTextFile } from "../input/text_file.ts";
import { takeInterrupts } from "../run/interrupt.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { withSession } from "../session.ts";

/** The options of `decrypt`. */
export interface DecryptOptions {
  /** Files of one key each. */
  readonly keyFile: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Nobody else writes beside a file that is being decrypted. */
const TEMPORARY_SUFFIX = ".quorus-decrypting";

/** Writes what is sealed in one local file to another; nothing stands there before all of it is proved. */
export async function decryptVerb(
  process: Process,
  sealed: string,
  out: string,
  options: DecryptOptions,
): Promise<ExitCode> {
  const interrupt = takeInterrupts(process);
  try {
    return await withSession(process, async ({ env }) => {
      const keys = await Promise.all(options.keyFile.map((path) => keyOf(process, env, path)));
      if (keys.length === 0) throw new CliError("usage", NO_KEY);
      const stop = new AbortController();
      interrupt.requested.then(() => stop.abort());
      const paths = {
        from: absolutePath(process.cwd, sealed),
        to: absolutePath(process.cwd, out),
      };
      const done = await decrypt(env, paths, keys, options.force ?? false, stop.signal)
        .catch((error) => {
          throw stop.signal.aborted ? new Exit(EXIT.interrupted) : error;
        });
      const told = { file: paths.to, ...done };
      process.out(
        options.json === true
          ? `${JSON.stringify(told)}\n`
          : `${out}: ${done.bytes} bytes, sha256:${done.sha256}\n`,
      );
      return EXIT.ok;
    });
  } finally {
    interrupt.dispose();
  }
}

const NO_KEY = "cannot decrypt: no key was given; name a file that holds it: --key-file FILE";

async function keyOf({ cwd }: Process, env: Env, path: string): Promise<Uint8Array> {
  const file = absolutePath(cwd, path);
  const text = await readTextFile(env.disk, file, "the key file", cliLimits.keyFileBytes);
  try {
    return keyFromText(text);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new CliError("invalidInput", `${cause.message} (in ${path})`, { cause });
  }
}

async function decrypt(
  env: Env,
  { from, to }: { readonly from: string; readonly to: string },
  keys: readonly Uint8Array[],
  replace: boolean,
  signal: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const protocol = fileProtocol();
  const context = { env };
  const decoding = { decompression: null, keys };
  const source = decodedSource(protocol, plainEndpoint(fileUriOf(from)), context, decoding);
  const place = { createDirectories: false, root: null, sync: true };
  const sink = protocol.sink!({ ...plainEndpoint(fileUriOf(to)), ...place }, context);
  if (!replace && await sink.stat(sink.name, signal) !== null) throw taken(to);
  const reader = await source.open({ start: 0, end: null }, null, signal);
  const temp = `.${sink.name}${TEMPORARY_SUFFIX}`;
  await sink.abort(temp);
  const file = await sink.create(temp, signal);
  try {
    const copied = await copy(env, reader, file);
    await publish(sink, file, replace, to);
    return copied;
  } catch (error) {
    await file.close();
    await sink.abort(temp);
    throw error;
  } finally {
    await reader.close();
    await source.close();
    await sink.close();
  }
}

async function copy(env: Env, reader: SourceReader, file: SinkFile) {
  const hasher = env.hash.sha256();
  const buffer = new Uint8Array(MIB);
  let bytes = 0;
  for (;;) {
    const count = await reader.read(buffer);
    if (count === 0) return { bytes, sha256: hasher.digestHex() };
    const part = buffer.subarray(0, count);
    hasher.update(part);
    await file.write(part, bytes);
    bytes += count;
  }
}

async function publish(sink: Sink, file: SinkFile, replace: boolean, to: string): Promise<void> {
  try {
    await sink.publish(file, { name: sink.name, replace, mtimeMs: null, mode: 0o600 });
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "exists") throw taken(to);
    throw error;
  }
}

function taken(to: string): CliError {
  return new CliError("usage", `cannot write ${to}: it exists; name another file, or use --force`);
}
