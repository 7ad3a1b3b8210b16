/** Azurite, Microsoft's own emulator of Azure Storage, on a free port of loopback. */

import { findProgram } from "../real/require.ts";

/** A running emulator. */
export interface Azurite {
  readonly port: number;
  readonly account: string;
  /** In base64. */
  readonly accountKey: string;
  /** What the option `endpoint` is to say. */
  readonly endpoint: string;
  /** The container that is made for the test. */
  readonly container: string;
  /** The folder with its data and log. */
  readonly folder: string;
  readonly pid: number;
  /** Ends it, at once unless told otherwise, and starts another one on the same data and port. */
  restart(signal?: "SIGKILL" | "SIGINT"): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

const START_ATTEMPTS = 400;
const START_STEP_MS = 50;

/** Starts it with an account of its own; resolves when it answers. */
export async function startAzurite(): Promise<Azurite> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-azurite-" });
  const [account, accountKey] = ["quorustest", btoa(crypto.randomUUID().repeat(2))];
  const port = freePort();
  const endpoint = `http://127.0.0.1:${port}/${account}`;
  let child = spawned(folder, port, account, accountKey);
  const stop = async (signal: "SIGKILL" | "SIGINT" = "SIGKILL") => {
    try {
      child.kill(signal);
    } catch {
      // It has ended by itself.
    }
    await child.status;
  };
  const close = async () => {
    await stop();
    await Deno.remove(folder, { recursive: true });
  };
  try {
    await answering(endpoint, child);
  } catch (thrown) {
    const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
    await close();
    throw new Error(`azurite did not start: ${log.slice(-2_000)}`, { cause: thrown });
  }
  return {
    ...{ port, account, accountKey, endpoint, folder, close },
    container: "box",
    get pid() {
      return child.pid;
    },
    restart: async (signal) => {
      await stop(signal);
      child = spawned(folder, port, account, accountKey);
      await answering(endpoint, child);
    },
  };
}

function spawned(
  folder: string,
  port: number,
  account: string,
  accountKey: string,
): Deno.ChildProcess {
  return new Deno.Command(findProgram("azurite-blob") ?? "azurite-blob", {
    args: [
      ...["--blobHost", "127.0.0.1", "--blobPort", String(port), "--location", folder],
      ...["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--debug", `${folder}/log`],
    ],
    env: { AZURITE_ACCOUNTS: `${account}:${accountKey}` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  return port;
}

async function answering(endpoint: string, child: Deno.ChildProcess): Promise<void> {
  let ended = false;
  void child.status.then(() => ended = true);
  for (let attempt = 0; attempt < START_ATTEMPTS && !ended; attempt++) {
    try {
      await (await fetch(endpoint)).body?.cancel();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, START_STEP_MS));
    }
  }
  throw new Error(`nothing answers at ${endpoint}`);
}
