/**
 * Every kind of credentials, at every protocol that takes it, against servers that repeat all they hear in
 * their refusals: nothing that is said or kept holds a secret.
 */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { AUTH_KINDS } from "../../workflows/credentials.ts";
import { type Attack, startAttacker } from "../servers/attacker.ts";
import { assertClean, assertFolderClean, canaryIn, formsOf } from "./canary_text.ts";
import { inFolder } from "./folder.ts";
import { eventsOf, quorus } from "./quorus.ts";

const SECRET = "CANARYkinds+/ 9876543210";
const PLAIN = "CANARYplain9876543210";
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" }) as string;

/** What must be found nowhere, beside what says CANARY. */
const FORMS: readonly string[] = [
  ...formsOf(SECRET),
  ...formsOf(PLAIN),
  btoa(`u:${SECRET}`),
  ...PEM.split("\n").filter((line) => line.length > 40),
  privateKey.export({ type: "pkcs1", format: "pem" }).toString().split("\n")[3]!,
];

const SECRETS = {
  QUORUS_SECRET_PASSWORD: SECRET,
  QUORUS_SECRET_TOKEN: PLAIN,
  QUORUS_SECRET_KEY: PEM,
  QUORUS_SECRET_ACCOUNT_KEY: btoa(SECRET),
  QUORUS_SECRET_SAS: `sv=2023-11-03&sig=${encodeURIComponent(SECRET)}`,
  QUORUS_DEBUG: "1",
  AWS_ACCESS_KEY_ID: "id",
  AWS_SECRET_ACCESS_KEY: SECRET,
  AWS_SESSION_TOKEN: PLAIN,
};

/** Says everything again, in the status line, in headers and in a page that each protocol reads. */
const echo: Attack = async ({ heard, write }) => {
  while (true) {
    const text = await heard();
    const secret = /^authorization: (.*)$/im.exec(text)?.[1] ?? PLAIN;
    const page = JSON.stringify({
      error: { code: 403, message: text, errors: [{ message: text }] },
    });
    const escaped = text.replace(/[<>&]/g, " ");
    const xml = `<?xml version='1.0'?><Error><Code>${PLAIN}</Code><Message>` +
      `${escaped}</Message><StringToSign>${escaped}</StringToSign></Error>`;
    const body = new TextEncoder().encode(/^\w+ \/(storage|upload|token)/.test(text) ? page : xml);
    await write(
      `HTTP/1.1 403 ${secret} ${SECRET}\r\nx-echo: ${secret}\r\nx-ms-error-code: ${PLAIN}\r\n` +
        `x-amz-request-id: ${PLAIN}\r\nretry-after: ${PLAIN}\r\ncontent-length: ${body.length}\r\n\r\n`,
    );
    await write(body);
  }
};

/** Asks for a digest, and then says everything again. */
const digest: Attack = async (client) => {
  await client.heard();
  await client.write(
    'HTTP/1.1 401 Who\r\nwww-authenticate: Digest realm="r", nonce="n", qop="auth"\r\n' +
      "content-length: 0\r\n\r\n",
  );
  await echo(client);
};

/** An FTP server that refuses, and says why, and with what. */
const ftp: Attack = async ({ heard, write }) => {
  await write("220 hello\r\n");
  while (true) {
    const line = (await heard()).trimEnd().split("\r\n").at(-1)!;
    if (/^USER/.test(line)) await write("331 and?\r\n");
    else await write(`530 ${line} is wrong, ${SECRET} too\r\n`);
  }
};

/** Repeats what it hears, and hangs up. */
const hangUp: Attack = async ({ heard, write }) => {
  await write("SSH-2.0-OpenSSH_9.2\r\n");
  await write(`${await heard()} ${SECRET}\r\n`);
  throw new Error("it hangs up");
};

const ATTACKS: Readonly<Record<string, Attack>> = { ftp, sftp: hangUp, smb: hangUp };

/** One kind at one protocol. */
interface Kind {
  readonly kind: keyof typeof AUTH_KINDS;
  readonly protocol: string;
  readonly attack: Attack;
  /** An end, in YAML; a file that a secret is kept in is below `folder`. */
  readonly end: (port: number, folder: string) => string;
}

const web = (kind: Kind["kind"], auth: string, attack = echo): Kind[] =>
  ["http", "dav"].map((protocol) => ({
    ...{ kind, protocol, attack },
    end: (port) => `uri: "${protocol}://127.0.0.1:${port}/f", auth: ${auth}`,
  }));
const s3 = (kind: Kind["kind"], auth: (folder: string, port: number) => string): Kind => ({
  ...{ kind, protocol: "s3", attack: echo },
  end: (port, folder) =>
    `uri: "s3://bucket/f", auth: ${auth(folder, port)}, options: {endpoint: ` +
    `"http://127.0.0.1:${port}"` +
    (kind === "webIdentity" ? `, stsEndpoint: "http://127.0.0.1:${port}"` : "") + "}",
});
const azure = (kind: Kind["kind"], auth: string): Kind => ({
  ...{ kind, protocol: "azblob", attack: echo },
  end: (port) =>
    `uri: "azblob://acc/box/f", auth: ${auth}, options: {endpoint: "http://127.0.0.1:${port}/acc"}`,
});
const gs = (kind: Kind["kind"], auth: (folder: string) => string): Kind => ({
  ...{ kind, protocol: "gs", attack: echo },
  end: (port, folder) =>
    `uri: "gs://bucket/f", auth: ${auth(folder)}, options: {endpoint: "http://127.0.0.1:${port}"}`,
});
const at = (kind: Kind["kind"], protocol: string, auth: string, more = ""): Kind => ({
  ...{ kind, protocol, attack: ATTACKS[protocol]! },
  end: (port, folder) =>
    `uri: "${protocol}://127.0.0.1:${port}/share/f", auth: ${
      auth.replaceAll("FOLDER", folder)
    }${more}`,
});

const PASSWORD = '{type: basic, username: u, password: "${secret:PASSWORD}"}';
const KINDS: readonly Kind[] = [
  ...web("basic", PASSWORD),
  ...web("bearer", '{type: bearer, token: "${secret:TOKEN}"}'),
  ...web("header", '{type: header, header: X-Api-Key, value: "${secret:TOKEN}"}'),
  ...web("digest", '{type: digest, username: u, password: "${secret:PASSWORD}"}', digest),
  at("basic", "ftp", PASSWORD, ', options: {tls: "none"}'),
  at("basic", "sftp", PASSWORD),
  at("key", "sftp", '{type: key, username: u, privateKey: "${secret:KEY}"}'),
  at(
    "key",
    "sftp",
    '{type: key, username: u, privateKey: "${secret:KEY}", passphrase: "${secret:PASSWORD}"}',
  ),
  at("agent", "sftp", "{type: agent, username: u}"),
  at("basic", "smb", PASSWORD),
  at("kerberos", "smb", '{type: kerberos, username: u, file: "FOLDER/tickets"}'),
  s3(
    "accessKey",
    () =>
      '{type: accessKey, accessKeyId: id, secretAccessKey: "${secret:PASSWORD}", ' +
      'sessionToken: "${secret:TOKEN}"}',
  ),
  s3("environment", () => "{type: environment}"),
  s3("profile", (folder) => `{type: profile, file: "${folder}/profiles", profile: one}`),
  s3(
    "webIdentity",
    (folder) => `{type: webIdentity, roleArn: "arn:aws:iam::1:role/r", file: "${folder}/jwt"}`,
  ),
  azure("sharedKey", '{type: sharedKey, account: acc, accountKey: "${secret:ACCOUNT_KEY}"}'),
  azure("sas", '{type: sas, token: "${secret:SAS}"}'),
  azure("bearer", '{type: bearer, token: "${secret:TOKEN}"}'),
  gs("bearer", () => '{type: bearer, token: "${secret:TOKEN}"}'),
  gs("profile", (folder) => `{type: profile, file: "${folder}/service.json"}`),
];

/** Files of secrets, as other tools keep them. */
async function writeFiles(folder: string, port: number): Promise<void> {
  const service = {
    type: "service_account",
    client_email: "robot@p.iam.gserviceaccount.com",
    private_key_id: "k",
    private_key: PEM,
    token_uri: `http://127.0.0.1:${port}/token`,
  };
  const files: Record<string, string> = {
    tickets: `\u0005\u0004${SECRET}`,
    profiles: `[one]\naws_access_key_id = id\naws_secret_access_key = ${SECRET}\n`,
    jwt: PLAIN,
    "service.json": JSON.stringify(service),
  };
  for (const [name, text] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder}/${name}`, text);
  }
}

function workflow(source: string, destination: string): string {
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: t}
spec:
  source: {${source}}
  destination: {${destination}}
  retry: {maxAttempts: 2, initialDelay: 10ms}
`;
}

Deno.test("every kind of credentials has its canary", () => {
  const kinds = new Set(KINDS.map(({ kind }) => kind));
  assert.deepEqual([...kinds].sort(), Object.keys(AUTH_KINDS).sort());
  for (const form of FORMS) assert.notEqual(canaryIn(`x ${form} y`, FORMS), null, form);
});

for (const [index, { kind, protocol, attack, end }] of KINDS.entries()) {
  Deno.test(`${protocol} ${kind} (${index}): a server that repeats it in its refusal shows nobody a secret`, () =>
    inFolder(async (folder) => {
      const server = startAttacker(attack);
      const secrets = await Deno.makeTempDir({ prefix: "quorus-kinds-" });
      try {
        await writeFiles(secrets, server.port);
        await Deno.writeTextFile(`${folder}/local`, "content");
        const remote = end(server.port, secrets);
        const ways = [[remote, `path: "${folder}/out"`], [`path: "${folder}/local"`, remote]];
        for (const [way, [source, destination]] of ways.entries()) {
          const file = `${folder}/${way}.yaml`;
          await Deno.writeTextFile(file, workflow(source!, destination!));
          const words = [
            "run",
            file,
            "--data",
            `${folder}/state${way}`,
            way === 0 ? "--json" : "--trace",
          ];
          const { code, out, err } = await quorus(words, { env: SECRETS });
          assert.equal(code, 1, out + err);
          if (way === 0) {
            assert.ok(
              eventsOf(out).some(({ error }) => error !== null && error !== undefined),
              out,
            );
          }
          assertClean(out + err, `what ${words.join(" ")} said`, FORMS);
          assert.ok(await assertFolderClean(`${folder}/state${way}`, FORMS) > 0);
        }
      } finally {
        await server.close();
        await Deno.remove(secrets, { recursive: true });
      }
    }));
}
