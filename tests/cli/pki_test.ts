/** Certificates: what they say, for how long, and that TLS takes them. */

import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { PkiFolder } from "../../cli/pki/folder.ts";
import { rolesIn, urisOf } from "../../cli/pki/names.ts";
import { certifyRequest, requestCertificate } from "../../cli/pki/x509.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { inFolder } from "./folder.ts";
import { quorus } from "./memory_process.ts";

const DAY_MS = 86_400_000;

/** A folder whose clock the test sets. */
function withPki(work: (pki: PkiFolder, clock: { ms: number }, path: string) => Promise<void>) {
  return inFolder(async (cwd) => {
    const env = realEnv();
    const clock = { ms: Date.now() };
    const { disk } = env;
    const shifted = { disk, clock: { now: () => clock.ms, monotonic: () => clock.ms } };
    try {
      await work(new PkiFolder(shifted, `${cwd}/pki`), clock, `${cwd}/pki`);
    } finally {
      env.close();
    }
  });
}

Deno.test("a node's certificate names it and its roles, and its authority vouches for it", () =>
  withPki(async (pki, _clock, path) => {
    await pki.init("test", 10);
    const { names, roles } = await pki.issue("demo", "c1", ["controller", "gateway"], 5);
    assert.deepEqual(names, [
      "c1",
      "quorus://c1",
      "quorus://c1.raft",
      "quorus-role://demo/controller/c1",
      "quorus-role://demo/gateway/c1",
    ]);
    assert.deepEqual(roles.map(({ role }) => role), ["controller", "gateway"]);
    const authority = new X509Certificate(Deno.readTextFileSync(`${path}/ca.pem`));
    const leaf = new X509Certificate(Deno.readTextFileSync(`${path}/c1.pem`));
    assert.ok(leaf.verify(authority.publicKey));
    assert.ok(leaf.checkIssued(authority));
    assert.equal(leaf.ca, false);
    for (const key of ["ca.key", "c1.key"]) {
      assert.equal(Deno.statSync(`${path}/${key}`).mode! & 0o777, 0o600);
    }
  }));

Deno.test("a certificate is due in the last third of its time, and rotate gives a new key", () =>
  withPki(async (pki, clock, path) => {
    await pki.init("test", 365);
    await pki.issue("demo", "a1", ["agent"], 90);
    const state = async () =>
      (await pki.list()).find(({ commonName }) => commonName === "a1")?.state;
    assert.equal(await state(), "valid");
    clock.ms += 61 * DAY_MS;
    assert.equal(await state(), "renew");
    const before = Deno.readTextFileSync(`${path}/a1.key`);
    const { roles, toMs } = await pki.rotate("a1");
    assert.deepEqual(roles, [{ cluster: "demo", role: "agent" }]);
    assert.ok(Math.abs(toMs - clock.ms - 90 * DAY_MS) < DAY_MS);
    assert.notEqual(Deno.readTextFileSync(`${path}/a1.key`), before);
    assert.equal(await state(), "valid");
    clock.ms += 91 * DAY_MS;
    assert.equal(await state(), "expired");
  }));

Deno.test("no certificate outlives its authority; an expired authority issues none", () =>
  withPki(async (pki, clock) => {
    const authority = await pki.init("test", 30);
    const leaf = await pki.issue("demo", "a1", ["agent"], 90);
    assert.equal(leaf.toMs, authority.toMs);
    clock.ms += 31 * DAY_MS;
    await assert.rejects(pki.issue("demo", "a2", ["agent"], 1), { code: "expired" });
  }));

Deno.test("a new authority is trusted beside the earlier one until that is retired", () =>
  withPki(async (pki, _clock, path) => {
    await pki.init("one", 30);
    await pki.issue("demo", "a1", ["agent"], 9);
    await pki.renewAuthority("two", 30);
    const authorities = (await pki.list()).filter(({ isAuthority }) => isAuthority);
    assert.deepEqual(authorities.map(({ commonName }) => commonName), ["two", "one"]);
    await pki.rotate("a1");
    const [newest] = Deno.readTextFileSync(`${path}/ca.pem`).split(/(?<=END CERTIFICATE-----\n)/);
    const leaf = new X509Certificate(Deno.readTextFileSync(`${path}/a1.pem`));
    assert.ok(leaf.verify(new X509Certificate(newest!).publicKey));
    await pki.retireAuthorities();
    assert.equal((await pki.list()).filter(({ isAuthority }) => isAuthority).length, 1);
  }));

Deno.test("roles count for the node and the cluster that they name, and for no other", () => {
  const names = urisOf("demo", "a1", ["agent"]);
  assert.deepEqual(rolesIn(names, "demo", "a1"), ["agent"]);
  assert.deepEqual(rolesIn(names, "demo", "a2"), []);
  assert.deepEqual(rolesIn(names, "other", "a1"), []);
  assert.deepEqual(rolesIn(["quorus-role://demo/agent/a1/x"], "demo", "a1"), []);
  assert.deepEqual(rolesIn(["quorus-role://demo/emperor/a1"], "demo", "a1"), []);
});

Deno.test("a request gets a certificate for its key, with the names that the authority says", () =>
  withPki(async (pki) => {
    await pki.init("test", 30);
    const authority = await pki.authority();
    const { csr, key } = await requestCertificate("c1");
    const validity = { fromMs: Date.now(), toMs: Date.now() + DAY_MS };
    const names = { node: "a7", uris: urisOf("demo", "a7", ["agent"]) };
    const pem = await certifyRequest(authority, csr, names, validity);
    const { createPrivateKey } = await import("node:crypto");
    const certificate = new X509Certificate(pem!);
    assert.ok(certificate.checkPrivateKey(createPrivateKey(key)));
    assert.match(certificate.subject, /CN=a7/);
    assert.equal(await certifyRequest(authority, "no request", names, validity), null);
    const at = csr.length - 60;
    const broken = csr.slice(0, at) + (csr[at] === "A" ? "B" : "A") + csr.slice(at + 1);
    assert.equal(await certifyRequest(authority, broken, names, validity), null);
  }));

Deno.test("the verbs make, show and rotate; mistakes are named with exit code 2", () =>
  inFolder(async (cwd) => {
    const pki = (...args: string[]) => quorus(["pki", ...args, "--dir", "pki"], { cwd });
    const early = await pki("issue", "a1", "--role", "agent");
    assert.equal(early.code, 2);
    assert.match(early.err, /there is no authority in .*: make one with quorus pki init/);
    assert.equal((await pki("init")).code, 0);
    assert.equal((await pki("init")).code, 2);
    assert.equal((await pki("issue", "a1", "--role", "agent")).code, 0);
    assert.equal((await pki("issue", "ca", "--role", "agent")).code, 2);
    assert.equal((await pki("issue", "a2")).code, 2);
    assert.equal((await pki("rotate")).out, "nothing is due\n");
    assert.match((await pki("rotate", "a1")).out, /a1 +agent of quorus +valid/);
    const shown = JSON.parse((await pki("show", "-o", "json")).out);
    assert.deepEqual(shown.certificates.map(({ name }: { name: string }) => name), [
      "Quorus authority of quorus",
      "a1",
    ]);
  }));
