/** What every verb has in common that speaks to a gateway: where it is, the key, how it ends. */

import { ClientError, type QuorusClient, quorusClient } from "../../client.ts";
import { CliError, Exit, type ExitCode } from "../exit.ts";
import { absolutePath, readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import type { Process } from "../process.ts";
import { type Interrupt, takeInterrupts } from "../run/interrupt.ts";
import { type Session, withSession } from "../session.ts";
import { exitCodeOfFailure, failureLines } from "./failure.ts";

/** The options of every remote verb. */
export interface RemoteOptions {
  /** URLs with commas between them. */
  readonly server?: string;
  readonly key?: string;
  readonly keyFile?: string;
  /** Milliseconds. */
  readonly timeout: number;
}

/** A session with a gateway. */
export interface Remote extends Session {
  readonly quorus: QuorusClient;
  readonly interrupt: Interrupt;
  /** Aborts when the first signal comes. */
  readonly signal: AbortSignal;
}

/** Does the work of a verb with a client, and says why it failed. */
export async function withRemote(
  process: Process,
  options: RemoteOptions,
  work: (remote: Remote) => Promise<ExitCode>,
): Promise<ExitCode> {
  const interrupt = takeInterrupts(process);
  const stop = new AbortController();
  interrupt.requested.then(() => stop.abort());
  try {
    return await withSession(process, async (session) => {
      const url = serversOf(process, options);
      const key = await keyOf(session, options);
      const quorus = quorusClient({ url, key, limits: { callMs: options.timeout } });
      return await work({ ...session, quorus, interrupt, signal: stop.signal });
    });
  } catch (thrown) {
    if (!(thrown instanceof ClientError)) throw thrown;
    process.err(`${failureLines(thrown).join("\n")}\n`);
    throw new Exit(exitCodeOfFailure(thrown));
  } finally {
    interrupt.dispose();
  }
}

function serversOf(process: Process, { server }: RemoteOptions): string[] {
  const text = server ?? process.env("QUORUS_SERVER") ?? "";
  const urls = text.split(",").map((url) => url.trim()).filter((url) => url !== "");
  if (urls.length > 0) return urls;
  throw new CliError(
    "usage",
    "cannot speak to a cluster: no gateway is named; give --server URL, or set QUORUS_SERVER",
  );
}

/** Flags win over the environment, and a key over a file of one. */
async function keyOf(session: Session, options: RemoteOptions): Promise<string | undefined> {
  const { process } = session;
  if (options.key !== undefined) return checked(options.key, "--key");
  if (options.keyFile !== undefined) return await keyFrom(session, options.keyFile, "--key-file");
  const key = process.env("QUORUS_API_KEY");
  if (key !== undefined && key !== "") return checked(key, "QUORUS_API_KEY");
  const file = process.env("QUORUS_API_KEY_FILE");
  return file === undefined || file === ""
    ? undefined
    : await keyFrom(session, file, "QUORUS_API_KEY_FILE");
}

async function keyFrom({ env, process }: Session, file: string, where: string): Promise<string> {
  const path = absolutePath(process.cwd, file);
  const text = await readTextFile(env.disk, path, "the API key", cliLimits.valueFileBytes);
  return checked(text, where);
}

/** The text of a key is never shown, also where it is none. */
function checked(text: string, where: string): string {
  const key = text.trim();
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new CliError("usage", `cannot use the API key of ${where}: it is no key (qk_...)`);
}
