/** Credentials, certificates and redirects: who is trusted, and with what. */

import assert from "node:assert/strict";
import type { SourceEndpoint } from "../../../protocols/contract.ts";
import { startClientCertificateServer } from "../../servers/client_certificate_server.ts";
import { startFileServer } from "../../servers/file_server.ts";
import { startHostileServer } from "../../servers/hostile_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { identity, pem } from "../../servers/tls_files.ts";
import { failing, noAbort, readRange, withSources } from "./reading.ts";

const FILES = new Map([["/file", bytesFile(new TextEncoder().encode("content"))]]);
const SECRETS: Partial<SourceEndpoint> = {
  headers: { "X-Api-Key": "key-secret", "Cookie": "cookie-secret", "Accept-Language": "de" },
  auth: { type: "bearer", token: "bearer-secret" },
};
const TRUST = { caCerts: [pem("ca")] };

Deno.test("http: declared credentials and headers reach the declared origin", async () => {
  const server = startFileServer({ files: FILES });
  await withSources(async (source) => {
    await readRange(source(server.url("/file"), SECRETS));
    await readRange(source(server.url("/file"), {
      auth: { type: "basic", username: "Jürgen", password: "pä:ss" },
    }));
  });
  const [bearer, basic] = server.requests();
  assert.equal(bearer!.headers.get("authorization"), "Bearer bearer-secret");
  assert.equal(bearer!.headers.get("x-api-key"), "key-secret");
  assert.equal(bearer!.headers.get("cookie"), "cookie-secret");
  assert.equal(bearer!.headers.get("accept-encoding"), "identity");
  const sent = basic!.headers.get("authorization")!.slice("Basic ".length);
  const decoded = new TextDecoder().decode(Uint8Array.fromBase64(sent));
  assert.equal(decoded, "Jürgen:pä:ss");
  await server.close();
});

Deno.test("http: a redirect to another origin takes no credential along", async () => {
  const target = startFileServer({ files: FILES });
  const first = startHostileServer({ elsewhere: target.url("/file") });
  await withSources(async (source) => {
    const bytes = await readRange(source(`${first.origin}/redirects-elsewhere`, SECRETS));
    assert.equal(new TextDecoder().decode(bytes), "content");
  });
  assert.equal(first.requests[0]!.headers.get("authorization"), "Bearer bearer-secret");
  const headers = target.requests()[0]!.headers;
  for (const name of ["authorization", "x-api-key", "cookie"]) {
    assert.equal(headers.get(name), undefined, name);
  }
  assert.equal(headers.get("accept-language"), "de");
  await first.close();
  await target.close();
});

Deno.test("http: a redirect within the origin keeps the credentials", async () => {
  const server = startHostileServer();
  await withSources(async (source) => {
    await readRange(source(`${server.origin}/redirects-here`, SECRETS));
  });
  assert.equal(server.requests[1]!.headers.get("authorization"), "Bearer bearer-secret");
  await server.close();
});

Deno.test("http: a redirect from https to http is refused before it is followed", async () => {
  const plain = startFileServer({ files: FILES });
  const secure = startHostileServer({
    elsewhere: plain.url("/file"),
    tls: identity("server"),
  });
  await withSources(async (source) => {
    const reading = readRange(source(`${secure.origin}/redirects-elsewhere`, { tls: TRUST }));
    assert.equal((await failing(reading, "insecure")).retryable, false);
  });
  assert.equal(plain.requests().length, 0);
  await secure.close();
  await plain.close();
});

Deno.test("http: no error message shows a query, user info or credential", async () => {
  const server = startHostileServer();
  const paths = [
    "/status/403",
    "/truncates",
    "/garbage",
    "/gzip",
    "/redirects-with-user",
    "/closes",
  ];
  await withSources(async (source) => {
    for (const path of paths) {
      const reading = readRange(source(`${server.origin}${path}?sig=query-secret`, SECRETS));
      const shown = await reading.then(() => "", (thrown) => everyMessage(thrown));
      assert.match(shown, /\(query hidden\)/);
      assert.doesNotMatch(shown, /secret/, path);
    }
  });
  await server.close();
});

/** Message, details and stack of an error and all its causes. */
function everyMessage(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  const details = "details" in thrown ? JSON.stringify(thrown.details) : "";
  return `${thrown.stack} ${details} ${everyMessage(thrown.cause)}`;
}

Deno.test("https: a certificate of the declared authority is accepted", async () => {
  const server = startFileServer({ files: FILES, tls: identity("server") });
  await withSources(async (source) => {
    const bytes = await readRange(source(server.url("/file"), { tls: TRUST }));
    assert.equal(new TextDecoder().decode(bytes), "content");
  });
  await server.close();
});

Deno.test("https: an unknown authority, or another one, gives tls", async () => {
  const server = startFileServer({ files: FILES, tls: identity("server") });
  await withSources(async (source) => {
    const other = { caCerts: [pem("other_ca")] };
    for (const tls of [null, other]) {
      const error = await failing(readRange(source(server.url("/file"), { tls })), "tls");
      assert.equal(error.retryable, false);
    }
  });
  await server.close();
});

Deno.test("https: a certificate for another name gives tls", async () => {
  const server = startFileServer({ files: FILES, tls: identity("wrong_name") });
  await withSources(async (source) => {
    await failing(readRange(source(server.url("/file"), { tls: TRUST })), "tls");
  });
  await server.close();
});

Deno.test("https: a server without TLS gives tls", async () => {
  const server = startFileServer({ files: FILES });
  await withSources(async (source) => {
    const uri = `https://127.0.0.1:${server.port}/file`;
    await failing(readRange(source(uri, { tls: TRUST })), "tls");
  });
  await server.close();
});

Deno.test("https: the client certificate is shown, and its lack gives tls", async () => {
  const server = await startClientCertificateServer();
  await withSources(async (source) => {
    const uri = `${server.origin}/who`;
    const bytes = await readRange(source(uri, { tls: { ...TRUST, ...identity("client") } }));
    assert.equal(new TextDecoder().decode(bytes), "quorus test client");
    await failing(readRange(source(uri, { tls: TRUST })), "tls");
  });
  await server.close();
});

Deno.test("https: a redirect to another origin does not show the client certificate", async () => {
  const target = await startClientCertificateServer();
  const first = startHostileServer({ elsewhere: `${target.origin}/who`, tls: identity("server") });
  await withSources(async (source) => {
    const tls = { ...TRUST, ...identity("client") };
    const reading = source(`${first.origin}/redirects-elsewhere`, { tls }).stat(noAbort());
    await failing(reading, "tls");
  });
  await first.close();
  await target.close();
});
