/** What roles are made of: their folder, who may be what, which places may be named, certificates. */

import assert from "node:assert/strict";
import { holderOf, isHeld, takeDataFolder } from "../../cli/roles/data_folder.ts";
import { placeRule } from "../../cli/roles/places.ts";
import { CertificateRoles, settingsRoles } from "../../cli/roles/role_book.ts";
import { Certificates } from "../../cli/roles/certificates.ts";
import { readTls } from "../../cli/roles/tls.ts";
import { makeAuthority } from "../servers/pki.ts";
import type { Env } from "../../runtime/env/env.ts";
import { realEnv } from "../../runtime/env/real.ts";
import type { ListenTls } from "../../runtime/env/sockets.ts";
import type { PeerEvent, PeerView } from "../../runtime/remote/peer.ts";
import { inFolder, writeFiles } from "./folder.ts";

Deno.test("a data folder is one process's until it lets go, and says whose", () =>
  inFolder(async (cwd) => {
    const env = realEnv();
    const path = `${cwd}/data`;
    assert.equal(await isHeld(env.disk, path), false);
    const folder = await takeDataFolder(env.disk, path, 4_711);
    assert.equal(await holderOf(env.disk, path), 4_711);
    await assert.rejects(takeDataFolder(env.disk, path, 4_712), { code: "locked" });
    await folder.release();
    assert.equal(await holderOf(env.disk, path), null);
    env.close();
  }));

Deno.test("settings give roles to those whom they name, and to nobody else", () => {
  const controllers = { c1: "ws://127.0.0.1:1" };
  const book = settingsRoles({ controllers, roles: { a1: ["agent"], c1: ["gateway"] } }, {
    node: "c1",
    roles: ["controller"],
  });
  assert.deepEqual(book.rolesOf("c1"), ["controller", "gateway"]);
  assert.deepEqual(book.rolesOf("a1"), ["agent"]);
  assert.deepEqual(book.rolesOf("a2"), []);
});

Deno.test("certificates give roles to linked nodes, anew when they come back with another one", () => {
  const peers = new Map<string, readonly string[] | null>();
  const views = () =>
    [...peers].map(([node, certificateNames]) => ({ node, certificateNames }) as PeerView);
  const listeners: ((event: PeerEvent) => void)[] = [];
  const book = new CertificateRoles("demo", { node: "c1", roles: ["controller"] });
  book.attach({ peers: views, subscribe: (listener) => (listeners.push(listener), () => {}) });
  assert.deepEqual(book.rolesOf("a1"), []);
  peers.set("a1", ["quorus-role://demo/agent/a1"]);
  assert.deepEqual(book.rolesOf("a1"), ["agent"]);
  peers.set("a1", ["quorus-role://demo/gateway/a1"]);
  for (const listener of listeners) listener({ kind: "up", peer: views()[0]!, reason: "" });
  assert.deepEqual(book.rolesOf("a1"), ["gateway"]);
  peers.set("plain", null);
  assert.deepEqual(book.rolesOf("plain"), []);
});

Deno.test("places that lead elsewhere are refused", () => {
  const rule = placeRule(false);
  for (
    const uri of [
      "http://127.0.0.1/x",
      "http://169.254.169.254/latest",
      "http://[::1]/",
      "http://localhost/",
      "file:///data/../etc/passwd",
      "file:///data/%2e%2e/etc",
      "file:///data/a%2Fb",
    ]
  ) assert.notEqual(rule.refuse("source", uri), null, uri);
  for (const uri of ["http://10.0.0.1/x", "https://example.org/a..b", "file:///data/..hidden"]) {
    assert.equal(rule.refuse("source", uri), null, uri);
  }
  assert.equal(placeRule(true).refuse("source", "http://127.0.0.1/x"), null);
});

/** Certificates whose looks are begun by hand, and what is told of them. */
function handLooked(env: Env) {
  const looks: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const told: string[] = [];
  const timers = {
    ...env.timers,
    after: (_ms: number, look: () => void) => {
      looks.push(look);
      waiting.shift()?.();
      return { cancel: () => {} };
    },
  };
  const log = { write: (level: string, text: string) => void told.push(`${level} ${text}`) };
  const looked = () => new Promise<void>((resolve) => waiting.push(resolve));
  const lookAgain = async () => {
    const done = looked();
    looks.shift()!();
    await done;
  };
  const certificates = new Certificates({ ...env, timers, log } as Env);
  return { certificates, told, looked, lookAgain };
}

function replaceFile(path: string, text: string): void {
  Deno.writeTextFileSync(`${path}.new`, text);
  Deno.renameSync(`${path}.new`, path);
}

Deno.test("certificates are taken up when their files change; those that do not fit stay out", () =>
  inFolder(async (cwd) => {
    const env = realEnv({ logLevel: "error" });
    const { certificates, told, looked, lookAgain } = handLooked(env);
    const given: ListenTls[] = [];
    const pem = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";
    writeFiles(cwd, { cert: pem, key: "one", ca: pem + pem });
    const files = { cert: `${cwd}/cert`, key: `${cwd}/key`, ca: `${cwd}/ca` };
    const take = async () => {
      const tls = await readTls(env.disk, files);
      if (tls.key === "wrong") throw new Error("it does not fit");
      given.push(tls);
    };
    const first = looked();
    certificates.keep({ use: "links", cert: files.cert, files: Object.values(files), take });
    await first;
    await lookAgain();
    assert.equal(given.length, 0, "nothing has changed");
    replaceFile(files.key, "wrong");
    await lookAgain();
    await lookAgain();
    assert.deepEqual(told, ["warn the certificates cannot be taken up; those in use stay"], "once");
    replaceFile(files.key, "two");
    await lookAgain();
    assert.deepEqual(given.map(({ key }) => key), ["two"]);
    assert.equal(given[0]?.caCerts?.length, 2);
    await certificates.reload();
    assert.equal(given.length, 2, "whoever is told to look takes them up at once");
    certificates.stop();
    env.close();
  }));

Deno.test("a certificate that ends within 14 days is told of, in the log and among the checks", () =>
  inFolder(async (cwd) => {
    const env = realEnv({ logLevel: "error" });
    const { certificates, told, looked, lookAgain } = handLooked(env);
    const authority = makeAuthority("an authority");
    const dayMs = 86_400_000;
    const until = (days: number) => {
      const validToMs = Date.now() + days * dayMs;
      return authority.issue({ commonName: "g1", uris: ["quorus://g1"], validToMs });
    };
    const files = { cert: `${cwd}/cert`, key: `${cwd}/key` };
    const put = ({ cert, key }: { readonly cert: string; readonly key: string }) => {
      replaceFile(files.key, key);
      replaceFile(files.cert, cert);
    };
    put(until(13));
    const first = looked();
    const take = () => Promise.resolve();
    certificates.keep({ use: "API", cert: files.cert, files: Object.values(files), take });
    await first;
    const soon = "warn the certificate ends soon: issue another one (quorus pki rotate)";
    assert.deepEqual(told, [soon]);
    await lookAgain();
    assert.deepEqual(told, [soon], "once a day");
    const [check] = certificates.checks();
    assert.equal(check?.ok, true);
    assert.match(check?.detail ?? "", /^warning: it ends in 1[23] days/);
    put(until(15));
    await lookAgain();
    assert.deepEqual(told.slice(1), ["info new connections use other certificates"]);
    assert.match(certificates.checks()[0]!.detail, /^it holds until /);
    assert.ok(certificates.endMs("API")! > Date.now() + 14 * dayMs);
    put(until(-0.5));
    await lookAgain();
    assert.equal(certificates.checks()[0]!.ok, false);
    certificates.stop();
    env.close();
  }));
