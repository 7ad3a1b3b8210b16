/** Certificates and keys as they are in files. */

import type { Disk, Env } from "../../runtime/env/env.ts";
import type { HttpTls } from "../../runtime/env/http_server.ts";
import type { ListenTls } from "../../runtime/env/sockets.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { CommonSettings } from "../config/roles.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";
import type { Certificates } from "./certificates.ts";

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

/** The certificate and key of the API. */
export async function readHttpTls(
  disk: Disk,
  { cert, key }: Pick<TlsFiles, "cert" | "key">,
): Promise<HttpTls> {
  const read = (path: string, what: string) =>
    readTextFile(disk, path, what, cliLimits.valueFileBytes);
  return {
    cert: await read(cert, "the certificate of the API"),
    key: await read(key, "the key of the API"),
  };
}

/** Keeps the certificate of some links up to date. */
export function keepLinks(
  certificates: Certificates,
  { disk }: Pick<Env, "disk">,
  files: TlsFiles,
  links: Pick<Links, "secure">,
  use: "links" | "Raft links" = "links",
): void {
  certificates.keep({
    use,
    cert: files.cert,
    files: [files.cert, files.key, files.ca],
    take: async () => links.secure(await readTls(disk, files)),
  });
}
