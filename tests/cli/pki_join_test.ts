/** How a new node gets its certificate: a token, once, from the authority and from nobody else. */

import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { main } from "../../cli/program.ts";
import { PkiFolder } from "../../cli/pki/folder.ts";
import { fileGrants, parseToken, tokenText } from "../../cli/pki/tokens.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { inFolder, writeFiles } from "./folder.ts";
import { MemoryProcess, quorus } from "./memory_process.ts";

const ISSUE = ["--cluster", "demo", "--dir", "pki"];

/** An authority that answers; `token` makes one for agent a7. */
function withAuthority(
  work: (cwd: string, token: (...flags: string[]) => Promise<string>) => Promise<void>,
): Promise<void> {
  return inFolder(async (cwd) => {
    assert.equal((await quorus(["pki", "init", ...ISSUE], { cwd })).code, 0);
    const serve = ["pki", "serve", ...ISSUE, "--listen", "127.0.0.1:0"];
    const server = new MemoryProcess(serve, { cwd });
    const serving = main(server);
    await server.written("can join at");
    const url = /wss:\S+/.exec(server.output)![0];
    try {
      await work(cwd, async (...flags) => {
        const args = ["pki", "token", "a7", "--role", "agent", "--url", url, ...ISSUE, ...flags];
        const made = await quorus(args, { cwd });
        assert.equal(made.code, 0, made.err);
        return made.out;
      });
    } finally {
      server.interrupt("SIGTERM");
      assert.equal(await serving, 0);
    }
  });
}

const join = (cwd: string, token: string) => {
  writeFiles(cwd, { token });
  return quorus(["join", "--token", "token", "--dir", "new"], { cwd });
};

Deno.test("a token gets its node a certificate for a key that never left it, once", () =>
  withAuthority(async (cwd, token) => {
    const text = await token();
    const first = await join(cwd, text);
    assert.equal(first.code, 0, first.err);
    assert.match(first.out, /^node: a7\ntls:\n {2}cert: .*a7\.pem\n/);
    const certificate = new X509Certificate(Deno.readTextFileSync(`${cwd}/new/a7.pem`));
    const authority = new X509Certificate(Deno.readTextFileSync(`${cwd}/new/ca.pem`));
    assert.ok(certificate.verify(authority.publicKey));
    assert.match(certificate.subjectAltName!, /quorus-role:\/\/demo\/agent\/a7/);
    const key = Deno.readTextFileSync(`${cwd}/new/a7.key`);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.equal(Deno.statSync(`${cwd}/new/a7.key`).mode! & 0o777, 0o600);
    const second = await join(cwd, text);
    assert.equal(second.code, 3);
    assert.match(second.err, /unknown, used or expired/);
  }));

Deno.test("the authority keeps the hash of a token's secret, never the secret", () =>
  withAuthority(async (cwd, token) => {
    const { secret, id } = parseToken((await token()).trim());
    const kept = Deno.readTextFileSync(`${cwd}/pki/join-tokens.json`);
    assert.ok(kept.includes(id));
    assert.ok(!kept.includes(secret));
    assert.equal(Deno.statSync(`${cwd}/pki/join-tokens.json`).mode! & 0o777, 0o600);
  }));

Deno.test("a wrong secret gets nothing and does not spend the token", () =>
  withAuthority(async (cwd, token) => {
    const good = parseToken((await token()).trim());
    const wrong = tokenText({ ...good, secret: "0".repeat(64) });
    assert.equal((await join(cwd, wrong)).code, 3);
    assert.equal((await join(cwd, tokenText(good))).code, 0);
  }));

Deno.test("a node speaks with the authority of its token only", () =>
  withAuthority(async (cwd, token) => {
    const good = parseToken((await token()).trim());
    const other = realEnv({ logLevel: "error" });
    try {
      const impostor = new PkiFolder(other, `${cwd}/impostor`);
      await impostor.init("impostor", 1);
      const { cert: ca } = await impostor.authority();
      const ran = await join(cwd, tokenText({ ...good, ca }));
      assert.equal(ran.code, 4);
      // A node of the cluster that answers in the authority's place.
      const pki = new PkiFolder(other, `${cwd}/pki`);
      await pki.issue("demo", "a1", ["agent"], 1);
      const read = (name: string) => Deno.readTextFileSync(`${cwd}/pki/${name}`);
      const heard: string[] = [];
      const listener = await other.sockets.listen({
        hostname: "127.0.0.1",
        port: 0,
        tls: { cert: read("a1.pem"), key: read("a1.key") },
        bounds: { frameBytes: 65_536, lowBytes: 0 },
      }, (socket) =>
        socket.open({
          frame: () => heard.push("a frame"),
          drained: () => {},
          closed: () => {},
        }));
      const misled = await join(cwd, tokenText({ ...good, url: listener.url }));
      assert.equal(misled.code, 4);
      assert.match(misled.err, /who answers there is not the authority/);
      assert.deepEqual(heard, []);
      await listener.close();
    } finally {
      other.close();
    }
  }));

Deno.test("a token expires; what is no token is refused with exit code 2", () =>
  inFolder(async (cwd) => {
    const env = realEnv();
    const clock = { ms: 1_000 };
    const now = { now: () => clock.ms, monotonic: () => clock.ms };
    const grants = fileGrants({ ...env, clock: now }, cwd);
    const grant = { id: "i", sha256: "s", node: "a7", roles: ["agent" as const], days: 1 };
    await grants.add({ ...grant, expiresMs: 2_000 });
    assert.equal(await grants.take("i", "other"), null);
    clock.ms = 2_000;
    assert.equal(await grants.take("i", "s"), null);
    env.close();
    const ran = await join(cwd, "qj1_nonsense");
    assert.equal(ran.code, 2);
    assert.match(ran.err, /cannot use this join token/);
  }));
