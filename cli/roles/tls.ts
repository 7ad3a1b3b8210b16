/** The certificates of a node: read at its start, and again when their files change. */

import { errorData } from "../../runtime/base/errors.ts";
import type { Disk, Env } from "../../runtime/env/env.ts";
import type { ListenTls } from "../../runtime/env/sockets.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { CommonSettings } from "../config/roles.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";

/** Where the PEM files are. */
export type TlsFiles = NonNullable<CommonSettings["tls"]>;

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The certificate, its key, and every authority of the file of authorities. */
export async function readTls(disk: Disk, { cert, key, ca }: TlsFiles): Promise<ListenTls> {
  const read = (path: string, what: string) =>
    readTextFile(disk, path, what, cliLimits.valueFileBytes);
  const authorities = await read(ca, "the authorities");
  return {
    cert: await read(cert, "the certificate"),
    key: await read(key, "the key"),
    caCerts: authorities.match(CERTIFICATE) ?? [],
  };
}

/**
 * Looks at the files from time to time, and lets new links use what they hold now. What cannot be used is
 * told once and changes nothing. The returned function ends that.
 */
export function keepTls(
  env: Env,
  files: TlsFiles,
  links: Pick<Links, "secure">,
): () => void {
  const keeper = new TlsKeeper(env, files, links);
  keeper.start();
  return () => keeper.stop();
}

class TlsKeeper {
  readonly #env: Env;
  readonly #files: TlsFiles;
  readonly #links: Pick<Links, "secure">;
  #seen: string | null = null;
  #timer: { cancel(): void } | null = null;
  #isStopped = false;

  constructor(env: Env, files: TlsFiles, links: Pick<Links, "secure">) {
    this.#env = env;
    this.#files = files;
    this.#links = links;
  }

  start(): void {
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    try {
      const state = await this.#state();
      const isFirst = this.#seen === null;
      if (state !== this.#seen) {
        this.#seen = state;
        if (!isFirst) await this.#take();
      }
    } catch (error) {
      const facts = { files: this.#files, error: errorData(error) };
      this.#env.log.write("warn", "the certificates cannot be taken up; those in use stay", facts);
    }
    if (this.#isStopped) return;
    this.#timer = this.#env.timers.after(cliLimits.certificateLookMs, () => void this.#look());
  }

  async #take(): Promise<void> {
    this.#links.secure(await readTls(this.#env.disk, this.#files));
    this.#env.log.write("info", "new links use other certificates", { ...this.#files });
  }

  /** Changes whenever a file does: they are replaced, not written over. */
  async #state(): Promise<string> {
    const { cert, key, ca } = this.#files;
    const infos = await Promise.all([cert, key, ca].map((path) => this.#env.disk.stat(path)));
    return JSON.stringify(infos.map((info) => info && [info.ino, info.mtimeMs, info.size]));
  }
}
