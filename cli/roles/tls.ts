/** Certificates and keys as they are in files. */

import type { Disk } from "../../runtime/env/env.ts";
import type { HttpTls } from "../../runtime/env/http_server.ts";
import type { ListenTls } from "../../runtime/env/sockets.ts";
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

/** When the certificate in a file ends, in ms since 1970; null where it is none. */
export async function certificateEndMs(disk: Disk, cert: string): Promise<number | null> {
  const text = await readTextFile(disk, cert, "the certificate", cliLimits.valueFileBytes);
  const [first] = text.match(CERTIFICATE) ?? [];
  if (first === undefined) return null;
  const { certificateFacts } = await import("../pki/x509.ts");
  try {
    return (await certificateFacts(first)).toMs;
  } catch {
    return null; // whoever uses it says what is wrong with it
  }
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
