/** The certificates in `tls/`, as PEM texts. */

/** Reads one of `ca`, `other_ca`, `server`, `server.key`, `wrong_name`, `client`, `client.key` ... */
export function pem(name: string): string {
  return Deno.readTextFileSync(new URL(`./tls/${name}.pem`, import.meta.url));
}

/** The identity of a server: certificate and key under one name. */
export function identity(name: string): { readonly cert: string; readonly key: string } {
  return { cert: pem(name), key: pem(`${name}.key`) };
}
