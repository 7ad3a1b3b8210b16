/** SHA-256 by the server: ProFTPD knows `check-file`, OpenSSH does not. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { patterned } from "../../conformance/case.ts";
import { startProftpd } from "../../servers/proftpd.ts";
import { startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["proftpd", "sshd", "ssh-keygen"]);

/** What can be read there, and by whom. */
interface Place {
  readonly port: number;
  readonly root: string;
  readonly user: string;
  readonly fingerprint: string;
}

async function quorus(...words: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", new URL("../../../cli.ts", import.meta.url).pathname, ...words],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

/** Fetches `in.bin` into the folder, at the level that the source vouches for. */
function workflow({ port, root, user, fingerprint }: Place, keyFile: string): string {
  return `
apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: vouched}
spec:
  source:
    uri: "sftp://127.0.0.1:${port}${root}/in.bin"
    auth: {type: key, username: ${user}, privateKey: ${keyFile}}
    options: {hostKey: "${fingerprint}", serverHash: true}
  destination: {path: "${root}/out.bin"}
  validation: {level: source}
`;
}

async function fetching(place: Place, keyFile: string): Promise<{ code: number; text: string }> {
  await Deno.writeFile(`${place.root}/in.bin`, patterned(3_000_000));
  const file = `${place.root}/w.yaml`;
  await Deno.writeTextFile(file, workflow(place, keyFile));
  return await quorus("run", file, "--data", `${place.root}/state`, "--json");
}

Deno.test({
  name: "a server that knows check-file vouches for a file, and the receipt says so",
  ...needs,
  async fn() {
    const server = await startProftpd();
    try {
      const { code, text } = await fetching(server, server.keyFile);
      assert.equal(code, 0, text);
      assert.match(text, /"verified":"source"/);
      assert.deepEqual(await Deno.readFile(`${server.root}/out.bin`), patterned(3_000_000));
    } finally {
      await server.close();
    }
  },
});

Deno.test({
  name: "a server without check-file vouches for nothing, and the level is not lowered",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      const { code, text } = await fetching(sshd, `${sshd.folder}/user`);
      assert.equal(code, 1, text);
      assert.match(text, /verification level \\?"source\\?" was asked for/);
      await assert.rejects(Deno.stat(`${sshd.root}/out.bin`));
    } finally {
      await sshd.close();
    }
  },
});

Deno.test({
  name: "the server is asked for a hash by stat and by the first range, of empty files too",
  ...needs,
  async fn() {
    const server = await startProftpd();
    const env = realEnv();
    const protocol = sftpProtocol({ knownHosts: null, agentSocket: null });
    const { signal } = new AbortController();
    try {
      for (const content of [patterned(700_000), new Uint8Array(0)]) {
        await Deno.writeFile(`${server.root}/f`, content);
        const sha256 = createHash("sha256").update(content).digest("hex");
        const source = protocol.source!({
          ...plainEndpoint(`sftp://127.0.0.1:${server.port}${server.root}/f`),
          auth: {
            type: "key",
            username: server.user,
            privateKey: await Deno.readTextFile(server.keyFile),
          },
          options: { hostKey: server.fingerprint, serverHash: true },
        }, { env });
        assert.equal((await source.stat(signal)).sha256, sha256);
        const reader = await source.open({ start: 0, end: null }, null, signal);
        assert.equal(reader.facts.sha256, sha256);
        await reader.close();
        await source.close();
      }
    } finally {
      await protocol.close!();
      env.close();
      await server.close();
    }
  },
});
