/** One large file, a server that is slow or stands still, and runs that fetch it. */

import { type FileServer, type Serving, startFileServer } from "../servers/file_server.ts";
import { generatedFile, sha256Of } from "../servers/pattern.ts";
import { inFolder } from "./folder.ts";
import { type Quorus, type QuorusOptions, startQuorus } from "./quorus.ts";
import { type WatchedFile, watchedFile } from "./watched_file.ts";

/** Where the file is served. */
export const PATH = "/large.bin";

/** What a test works with. */
export interface OneFile {
  readonly watched: WatchedFile;
  readonly server: FileServer;
  readonly folder: string;
  readonly destination: string;
  /** Starts the run; the same arguments are the same run. */
  start(more?: { args?: readonly string[] } & QuorusOptions): Quorus;
  /** Ends the server and starts another one on its port. */
  restart(serving?: Serving): Promise<void>;
  /** Whether the destination is the source's file. */
  isRight(): boolean;
  /** Names in the destination's folder. */
  names(): string[];
}

/** Plays `test` with a file of so many bytes, served as told. */
export async function withOneFile(
  bytes: number,
  serving: Serving,
  test: (scene: OneFile) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const watched = watchedFile(generatedFile(bytes, 11));
    const files = new Map([[PATH, watched.file]]);
    let server = startFileServer({ files, ...serving });
    const destination = `${folder}/files/large.bin`;
    const url = server.url(PATH);
    const variables = ["--var", `SOURCE=${url}`, "--var", `OUT=${destination}`];
    const command = ["run", "tests/scenario/large_file.yaml", ...variables];
    const started: Quorus[] = [];
    try {
      await test({
        watched,
        get server() {
          return server;
        },
        folder,
        destination,
        start: ({ args = ["--json"], ...options } = {}) => {
          const run = startQuorus([...command, "--data", `${folder}/state`, ...args], options);
          started.push(run);
          return run;
        },
        restart: async (other = {}) => {
          await server.close();
          server = startFileServer({ files, port: server.port, ...other });
        },
        isRight: () => fileSha256(destination) === sha256Of(watched.file),
        names: () => [...Deno.readDirSync(`${folder}/files`)].map(({ name }) => name).sort(),
      });
    } finally {
      for (const run of started) run.kill("SIGKILL"); // Those that a failed test left.
      await Promise.all(started.map(({ ended }) => ended));
      await server.close();
    }
  });
}

function fileSha256(path: string): string {
  const bytes = Deno.readFileSync(path);
  const fill = (into: Uint8Array, offset: number) =>
    into.set(bytes.subarray(offset, offset + into.length));
  return sha256Of({ size: bytes.length, fill, etag: null, mtimeMs: null });
}
