/** Secrets that would be recognised anywhere, in every form that they travel in. */

import assert from "node:assert/strict";

export const TOKEN = "CANARYtoken0123456789";
export const HEADER = "CANARYheader0123456789";
export const PASSWORD = "CANARYpass+/ 0123456789";
const CANARY = /CANARY/i;

/** What would show a secret: as it is, encoded for a URL, for `Basic`, and in hexadecimal. */
export function formsOf(secret: string): readonly string[] {
  return [
    secret,
    encodeURIComponent(secret),
    btoa(secret).replace(/=+$/, ""),
    btoa(`user:${secret}`).slice(8).replace(/=+$/, ""),
    new TextEncoder().encode(secret).toHex(),
  ];
}

/** Those of the canaries of this file. */
export const CANARY_FORMS: readonly string[] = [TOKEN, HEADER, PASSWORD].flatMap(formsOf);

/** Where processes find them. */
export const CANARY_SECRETS = {
  QUORUS_SECRET_TOKEN: TOKEN,
  QUORUS_SECRET_HEADER: HEADER,
  QUORUS_SECRET_PASSWORD: PASSWORD,
};

/** The form of a canary that `text` holds, or of another secret; `null` if there is none. */
export function canaryIn(text: string, others: readonly string[] = []): string | null {
  const form = [...CANARY_FORMS, ...others].find((form) => text.includes(form));
  return form ?? CANARY.exec(text)?.[0] ?? null;
}

/** Fails where `text` holds one, and shows what stands around it. */
export function assertClean(text: string, what: string, others: readonly string[] = []): void {
  const found = canaryIn(text, others);
  const at = found === null ? 0 : text.indexOf(found);
  const around = text.slice(Math.max(0, at - 80), at + 60);
  assert.equal(found, null, `${what} holds a secret: ...${around}`);
}

/** Every file below a folder, name and content, bytes taken as Latin-1; resolves to how many there are. */
export async function assertFolderClean(
  folder: string,
  others: readonly string[] = [],
): Promise<number> {
  let files = 0;
  for await (const { name, isDirectory, isFile } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    assertClean(name, `the name of ${path}`, others);
    if (isDirectory) files += await assertFolderClean(path, others);
    if (!isFile) continue;
    files += 1;
    // A process that still runs may remove what it had for a moment.
    const bytes = await Deno.readFile(path).catch(() => new Uint8Array());
    assertClean(new TextDecoder("latin1").decode(bytes), path, others);
  }
  return files;
}

/** One transfer of `uri` to `to` that sends a header and the given credentials. */
export function canaryTransfer(name: string, uri: string, auth: string, to: string): string {
  return `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: ${name}}
spec:
  source:
    uri: "${uri}"
    headers: {X-Api-Key: "\${secret:HEADER}"}
    auth: ${auth}
  destination: {path: "${to}"}
  retry: {maxAttempts: 2, initialDelay: 10ms}
`;
}

export const BEARER = '{type: bearer, token: "${secret:TOKEN}"}';
export const BASIC = '{type: basic, username: user, password: "${secret:PASSWORD}"}';
