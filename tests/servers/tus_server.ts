/** The tus server of npm, in this process, on a fresh folder and a free port. */

import { FileStore } from "@tus/file-store";
import { Server } from "@tus/server";

/** A running tus server. */
export interface RunningTusServer {
  /** Where uploads are made. */
  readonly url: string;
  readonly folder: string;
  /** Requests that came, in order. */
  readonly requests: Request[];
  /** Asked first; what it answers is the answer. */
  intercept: ((request: Request) => Response | Promise<Response> | null) | null;
  /** The uploads that are complete: what they are called, and their bytes. */
  complete(): Promise<{ readonly name: string; readonly bytes: Uint8Array }[]>;
  close(): Promise<void>;
}

/** Starts it; `options` are those of the package. */
export async function startTusServer(
  options: Partial<ConstructorParameters<typeof Server>[0]> = {},
): Promise<RunningTusServer> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-tus-" });
  const tus = new Server({
    path: "/files",
    datastore: new FileStore({ directory: folder }),
    ...options,
  });
  const requests: Request[] = [];
  const running: { intercept: RunningTusServer["intercept"] } = { intercept: null };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    async (request) => {
      requests.push(request);
      return await running.intercept?.(request) ?? await tus.handleWeb(request);
    },
  );
  return Object.assign(running, {
    url: `http://127.0.0.1:${server.addr.port}/files`,
    folder,
    requests,
    complete: () => completeIn(folder),
    close: async () => {
      await server.shutdown();
      await Deno.remove(folder, { recursive: true });
    },
  });
}

async function completeIn(folder: string): Promise<{ name: string; bytes: Uint8Array }[]> {
  const found: { name: string; bytes: Uint8Array }[] = [];
  for (const { name } of Deno.readDirSync(folder)) {
    if (!name.endsWith(".json")) continue;
    const info = JSON.parse(await Deno.readTextFile(`${folder}/${name}`)) as {
      id: string;
      size?: number;
      metadata?: { filename?: string };
    };
    const bytes = await Deno.readFile(`${folder}/${info.id}`);
    if (bytes.length === info.size) found.push({ name: info.metadata?.filename ?? "", bytes });
  }
  return found;
}
