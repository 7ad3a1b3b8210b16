/** Real servers of several protocols, as the two ends of transfers of a cluster. */

import { createHash } from "node:crypto";
import { startFileServer } from "../../servers/file_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { startSshd } from "../../servers/sshd.ts";
import { startSwift } from "../../servers/swift.ts";
import { identity, pem } from "../../servers/tls_files.ts";
import { startVsftpd } from "../../servers/vsftpd.ts";
import { request } from "../s3/harness.ts";
import { tap } from "../s3/tap.ts";

/** One end, as a workflow names it. */
export interface End {
  /** The value of `source` or `destination`, in YAML. */
  readonly yaml: string;
}

/** Where a file is to be read. */
export interface SourceEnd extends End {
  readonly sha256: string;
}

/** Where a file is to arrive, seen from the server's own side. */
export interface SinkEnd extends End {
  /** Bytes of the temporary file that the server has. */
  arrivedBytes(): number;
  /** Every name that is there now. */
  names(): Promise<readonly string[]>;
  /** SHA-256 of the final file. */
  sha256(): Promise<string>;
}

/** Started servers; secrets are for the agents. */
export interface Ends {
  readonly secrets: Readonly<Record<string, string>>;
  readonly sources: Readonly<Record<"https" | "ftps" | "sftp", SourceEnd>>;
  readonly sinks: Readonly<Record<"sftp" | "s3", (name: string) => SinkEnd>>;
  close(): Promise<void>;
}

/** Programs that {@link startEnds} starts, beside those of Swift. */
export const END_PROGRAMS = ["sshd", "ssh-keygen", "vsftpd"] as const;

const PART_BYTES = 8 * 2 ** 20;
const SECRETS = { sshKey: "SSH_KEY", ftp: "FTP_PASSWORD", s3: "S3_KEY" } as const;

const sha256Of = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

/** Starts a server of each kind; every source has these bytes. */
export async function startEnds(bytes: Uint8Array): Promise<Ends> {
  const stops: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const stop of stops.reverse()) await stop();
  };
  const started = async <S extends { close(): Promise<void> }>(starting: Promise<S>) => {
    const server = await starting;
    stops.push(() => server.close());
    return server;
  };
  try {
    const web = await started(Promise.resolve(startWeb(bytes)));
    const sshd = await started(startSshd());
    const vsftpd = await started(startVsftpd({ tls: "explicit" }));
    const swift = await started(startSwift());
    await swift.makeBucket("bucket");
    for (const root of [sshd.root, vsftpd.root]) {
      await Deno.writeFile(`${root}/in.bin`, bytes);
      await Deno.chmod(`${root}/in.bin`, 0o644);
    }
    const sha256 = sha256Of(bytes);
    const ssh = `auth: {type: key, username: ${sshd.user}, privateKey: "\${secret:SSH_KEY}"}, ` +
      `options: {hostKey: "${sshd.fingerprint}"}`;
    const sshPlace = `sftp://127.0.0.1:${sshd.port}${sshd.root}`;
    const ftp =
      `auth: {type: basic, username: ${vsftpd.user}, password: "\${secret:FTP_PASSWORD}"}`;
    const tls = `tls: {ca: "\${CA}"}`;
    const seen = await started(Promise.resolve(uploadsTo(swift.port)));
    const s3 = `auth: {type: accessKey, accessKeyId: "${swift.key.accessKeyId}", ` +
      `secretAccessKey: "\${secret:S3_KEY}"}, ` +
      `options: {endpoint: "http://127.0.0.1:${seen.port}", partSize: "${PART_BYTES}"}`;
    return {
      close,
      secrets: {
        [SECRETS.sshKey]: sshd.privateKey,
        [SECRETS.ftp]: vsftpd.password,
        [SECRETS.s3]: swift.key.secretAccessKey,
      },
      sources: {
        https: { sha256, yaml: `{uri: "${web.uri}", ${tls}}` },
        ftps: {
          sha256,
          yaml: `{uri: "ftps://localhost:${vsftpd.port}/in.bin", ${ftp}, ${tls}}`,
        },
        sftp: { sha256, yaml: `{uri: "${sshPlace}/in.bin", ${ssh}}` },
      },
      sinks: {
        sftp: (name) => folderEnd(`${sshd.root}/${name}`, `{uri: "${sshPlace}/${name}/f", ${ssh}}`),
        s3: (name) => ({
          yaml: `{uri: "s3://bucket/${name}/f", ${s3}}`,
          arrivedBytes: () => seen.parts(`/bucket/${name}/`) * PART_BYTES,
          names: async () => {
            const { bytes } = await request(swift, "GET", "/bucket");
            const keys = new TextDecoder().decode(bytes).matchAll(/<Key>([^<]*)/g);
            return [...keys].map(([, key]) => key!).filter((key) => key.startsWith(`${name}/`));
          },
          sha256: async () => sha256Of((await request(swift, "GET", `/bucket/${name}/f`)).bytes),
        }),
      },
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** A destination `f` in a folder of this machine, whoever serves it. */
export function folderEnd(folder: string, yaml: string): SinkEnd {
  Deno.mkdirSync(folder);
  return {
    yaml,
    arrivedBytes: () =>
      Math.max(0, ...[...Deno.readDirSync(folder)].map(({ name }) => sizeOf(`${folder}/${name}`))),
    names: () => Promise.resolve([...Deno.readDirSync(folder)].map(({ name }) => name)),
    sha256: async () => sha256Of(await Deno.readFile(`${folder}/f`)),
  };
}

/** A file may go while it is looked at. */
function sizeOf(path: string): number {
  try {
    return Deno.lstatSync(path).size;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return 0;
    throw thrown;
  }
}

function startWeb(bytes: Uint8Array): { readonly uri: string; close(): Promise<void> } {
  const files = new Map([["/in.bin", bytesFile(bytes, { etag: '"1"' })]]);
  const server = startFileServer({ files, tls: identity("server") });
  const uri = `https://localhost:${server.port}/in.bin`;
  return { uri, close: () => server.close() };
}

/** A way to the object store on which its parts can be counted: by key, each number once. */
function uploadsTo(port: number) {
  const numbers = new Map<string, Set<string>>();
  const way = tap(port, (line) => {
    const [, key, number] = /^PUT (\S+?)\?.*partNumber=(\d+)/.exec(line) ?? [];
    if (key === undefined || number === undefined) return;
    numbers.set(key, (numbers.get(key) ?? new Set()).add(number));
  });
  return {
    port: way.port,
    close: () => way.close(),
    parts: (prefix: string) =>
      [...numbers].reduce((sum, [key, set]) => sum + (key.startsWith(prefix) ? set.size : 0), 0),
  };
}

/** The authority of the servers that speak TLS. */
export const CA = pem("ca");
