/** Real sockets: certificates that do not hold, and servers that never stop talking. */

import assert from "node:assert/strict";
import type { TlsOptions } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolError } from "../../../protocols/errors.ts";
import { ftpProtocol } from "../../../protocols/ftp/protocol.ts";
import { failure, NEVER } from "../../conformance/case.ts";
import { expired, type Identity, makeAuthority, notYetValid } from "../../servers/pki.ts";
import { identity, pem } from "../../servers/tls_files.ts";

const AUTH = { type: "basic", username: "u", password: "hunter2" } as const;

/** What a client meets at a server of implicit TLS with this certificate, or in clear without one. */
async function met(
  served: Identity | null,
  tls: TlsOptions | null,
  talk: (conn: Deno.Conn) => Promise<void> = () => Promise.resolve(),
): Promise<ProtocolError> {
  const where = { hostname: "127.0.0.1", port: 0 };
  const listener = served === null ? Deno.listen(where) : Deno.listenTls({ ...where, ...served });
  const served1 = serveOne(listener, talk);
  const env = realEnv();
  const protocol = ftpProtocol();
  const scheme = served === null ? "ftp" : "ftps";
  const options: Record<string, string> = served === null
    ? { tls: "none" }
    : { tlsMode: "implicit" };
  const uri = `${scheme}://localhost:${listener.addr.port}/x`;
  try {
    const source = protocol.source!({ ...plainEndpoint(uri), auth: AUTH, tls, options }, { env });
    const error = await failure(() => source.stat(NEVER), "stat");
    assert.ok(!error.message.includes("hunter2"));
    return error;
  } finally {
    await protocol.close!();
    listener.close();
    await served1;
    env.close();
  }
}

async function serveOne(
  listener: Deno.Listener | Deno.TlsListener,
  talk: (conn: Deno.Conn) => Promise<void>,
): Promise<void> {
  try {
    const conn = await listener.accept();
    try {
      await talk(conn);
    } finally {
      conn.close();
    }
  } catch {
    // The client hung up, or never came.
  }
}

const authority = makeAuthority("the authority");
const CA = { caCerts: [authority.cert] };
const NAMES = { commonName: "localhost", dnsNames: ["localhost"] };

const WRONG: readonly [string, Identity, TlsOptions | null, RegExp][] = [
  ["has expired", authority.issue({ ...NAMES, ...expired() }), CA, /has expired; have it renewed/],
  ["is not valid yet", authority.issue({ ...NAMES, ...notYetValid() }), CA, /not valid yet/],
  [
    "is for another host",
    authority.issue({ commonName: "other", dnsNames: ["other.example"] }),
    CA,
    /for another host than localhost/,
  ],
  ["nobody vouches for", identity("server"), null, /no authority that is known here|self-signed/],
  [
    "another authority signed",
    identity("server"),
    { caCerts: [pem("other_ca")] },
    /authority|self-signed/,
  ],
];

for (const [what, served, tls, message] of WRONG) {
  Deno.test(`ftps: a certificate that ${what} is told as such`, async () => {
    const error = await met(served, tls);
    assert.equal(error.code, "tls", error.message);
    assert.match(error.message, message);
    assert.equal(error.retryable, false);
  });
}

Deno.test("ftps: a server that speaks no TLS is told as such", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = serveOne(listener, async (conn) => {
    await conn.write(new TextEncoder().encode("220 in clear\r\n"));
    await conn.read(new Uint8Array(1_000));
  });
  const env = realEnv();
  const protocol = ftpProtocol();
  const uri = `ftps://localhost:${listener.addr.port}/x`;
  const endpoint = { ...plainEndpoint(uri), auth: AUTH, options: { tlsMode: "implicit" } };
  const source = protocol.source!(endpoint, { env });
  const error = await failure(() => source.stat(NEVER), "stat");
  assert.equal(error.code, "tls", error.message);
  assert.match(error.message, /not TLS; check the port/);
  await protocol.close!();
  listener.close();
  await served;
  env.close();
});

Deno.test("ftp: a banner without an end costs no more than a reply may have", async () => {
  let sent = 0;
  const error = await met(null, null, async (conn) => {
    const piece = new TextEncoder().encode(`220-${"x".repeat(65_000)}\r\n`);
    for (; sent < 1e9; sent += piece.length) await writeAll(conn, piece);
  });
  assert.equal(error.code, "badResponse", error.message);
  assert.ok(sent < 50_000_000, `${sent} bytes were sent`);
});

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

Deno.test("ftp: a port where nobody listens is unreachable, and the message says which once", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const env = realEnv();
  const protocol = ftpProtocol();
  const endpoint = {
    ...plainEndpoint(`ftp://127.0.0.1:${port}/x`),
    auth: AUTH,
    options: { tls: "none" },
  };
  const source = protocol.source!(endpoint, { env });
  const error = await failure(() => source.stat(NEVER), "stat");
  assert.equal(error.code, "unreachable");
  assert.match(error.message, /nobody listens/);
  assert.equal(error.message.split(`127.0.0.1:${port}`).length, 2, "the place is named once");
  await protocol.close!();
  env.close();
});
