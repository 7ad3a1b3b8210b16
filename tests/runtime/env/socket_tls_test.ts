/** Certificates of links: what each side learns of a good one and of every kind of bad one. */

import assert from "node:assert/strict";
import { SocketError } from "../../../runtime/env/errors.ts";
import { realSockets } from "../../../runtime/env/real/sockets.ts";
import type {
  CertificateProblem,
  ListenTls,
  Socket,
  SocketErrorCode,
} from "../../../runtime/env/sockets.ts";
import {
  expired,
  type Identity,
  makeAuthority,
  nodeIdentity,
  notYetValid,
} from "../../servers/pki.ts";
import { SocketRecorder } from "./socket_recorder.ts";

const BOUNDS = { frameBytes: 65_536, lowBytes: 16_384 };
const ours = makeAuthority("Our authority");
const theirs = makeAuthority("Their authority");
const trusted = [ours.cert];
const good = nodeIdentity(ours, "node-a", { dnsNames: ["a.example"] });
const forever = () => new AbortController().signal;

/** Bad identities and what is wrong with each. */
const BAD: readonly { name: string; identity: Identity; problem: CertificateProblem }[] = [
  {
    name: "of another authority",
    identity: nodeIdentity(theirs, "node-b"),
    problem: "unknownAuthority",
  },
  { name: "expired", identity: nodeIdentity(ours, "node-b", expired()), problem: "expired" },
  {
    name: "not yet valid",
    identity: nodeIdentity(ours, "node-b", notYetValid()),
    problem: "notYetValid",
  },
  {
    name: "of an impostor with our authority's name",
    identity: nodeIdentity(makeAuthority("Our authority"), "node-b"),
    problem: "unknownAuthority",
  },
];

interface Server {
  readonly url: string;
  readonly failures: string[];
  /** The next connection. */
  accepted(): Promise<Socket>;
  /** The next failure before a connection. */
  failed(): Promise<string>;
  close(): Promise<void>;
}

async function serve(tls: ListenTls): Promise<Server> {
  const failures: string[] = [];
  let accepted = Promise.withResolvers<Socket>();
  const failed = Promise.withResolvers<string>();
  const listener = await realSockets.listen({
    hostname: "127.0.0.1",
    port: 0,
    tls,
    bounds: BOUNDS,
    failed: (address, reason) => {
      failures.push(`${address}: ${reason}`);
      failed.resolve(reason);
    },
  }, (socket) => accepted.resolve(socket));
  return {
    url: listener.url,
    failures,
    failed: () => failed.promise,
    close: () => listener.close(),
    async accepted() {
      const socket = await accepted.promise;
      accepted = Promise.withResolvers();
      return socket;
    },
  };
}

async function connect(server: Server, tls: Partial<ListenTls>): Promise<[Socket, Socket]> {
  const options = { url: server.url, tls, bounds: BOUNDS, signal: forever() };
  const client = await realSockets.connect(options);
  return [client, await server.accepted()];
}

async function end(sockets: readonly [Socket, Socket]): Promise<void> {
  const recorders = sockets.map((socket) => new SocketRecorder(socket));
  sockets[0].close(4_000, "");
  for (const recorder of recorders) await recorder.ended();
}

function failsWith(code: SocketErrorCode, problem?: CertificateProblem) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.code, code, error.message);
    if (problem !== undefined) assert.deepEqual(error.details, { problem });
    return true;
  };
}

Deno.test("both sides learn names, fingerprint and end of a good certificate", async () => {
  const server = await serve({ ...good, caCerts: trusted });
  const own = nodeIdentity(ours, "node-b");
  const [client, accepted] = await connect(server, { ...own, caCerts: trusted });
  const seen = client.peer.certificate!;
  assert.deepEqual(seen.names, ["quorus://node-a", "a.example", "node-a"]);
  assert.equal(seen.problem, null);
  const der = Uint8Array.fromBase64(good.cert.replace(/-----[^-]+-----/g, "").replace(/\s/g, ""));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  assert.equal(seen.fingerprint, digest.toHex());
  assert.ok(seen.validToMs > Date.now() && seen.validToMs < Date.now() + 11 * 86_400_000);
  assert.deepEqual(accepted.peer.certificate!.names, ["quorus://node-b", "node-b"]);
  assert.equal(accepted.peer.certificate!.problem, null);
  await end([client, accepted]);
  await server.close();
});

for (const { name, identity, problem } of BAD) {
  Deno.test(`a client's certificate ${name} passes TLS and is told as ${problem}`, async () => {
    const server = await serve({ ...good, caCerts: trusted });
    for (let round = 0; round < 2; round += 1) { // a second time nothing is remembered
      const pair = await connect(server, { ...identity, caCerts: trusted });
      const { certificate } = pair[1].peer;
      assert.equal(certificate!.problem, problem);
      assert.deepEqual(certificate!.names, ["quorus://node-b", "node-b"]);
      await end(pair);
    }
    await server.close();
  });

  Deno.test(`a client refuses a server's certificate ${name}, and both say so`, async () => {
    const server = await serve(identity);
    const options = { url: server.url, tls: { caCerts: trusted }, bounds: BOUNDS };
    const connection = realSockets.connect({ ...options, signal: forever() });
    await assert.rejects(connection, failsWith("certificate", problem));
    assert.match(await server.failed(), /alert|certificate|CA/i);
    await server.close();
  });
}

Deno.test("a client without a certificate is let in as one that has shown none", async () => {
  const server = await serve({ ...good, caCerts: trusted });
  const pair = await connect(server, { caCerts: trusted });
  assert.equal(pair[1].peer.certificate, null);
  await end(pair);
  await server.close();
});

Deno.test("a server without authorities asks for no certificate", async () => {
  const server = await serve(good);
  const pair = await connect(server, { ...nodeIdentity(ours, "node-b"), caCerts: trusted });
  assert.equal(pair[1].peer.certificate, null);
  await end(pair);
  await server.close();
});

Deno.test("with no authorities of its own a client trusts the system's alone", async () => {
  const server = await serve(good);
  for (const tls of [{}, { caCerts: [] }]) {
    const options = { url: server.url, tls, bounds: BOUNDS, signal: forever() };
    await assert.rejects(
      realSockets.connect(options),
      failsWith("certificate", "unknownAuthority"),
    );
  }
  await server.close();
});

Deno.test("a name that pretends to be two stays one", async () => {
  const uris = ["quorus://node-b, URI:quorus://node-c"];
  const identity = ours.issue({ commonName: "node-b, DNS:node-c", uris });
  const server = await serve({ ...good, caCerts: trusted });
  const pair = await connect(server, { ...identity, caCerts: trusted });
  assert.deepEqual(pair[1].peer.certificate!.names, [...uris, "node-b, DNS:node-c"]);
  await end(pair);
  await server.close();
});

Deno.test("a certificate with another node's key never gets a connection", async () => {
  const server = await serve({ ...good, caCerts: trusted });
  const stolen = { cert: nodeIdentity(ours, "node-b").cert, key: good.key, caCerts: trusted };
  const options = { url: server.url, tls: stolen, bounds: BOUNDS, signal: forever() };
  await assert.rejects(realSockets.connect(options), failsWith("tls"));
  await server.close();
});

Deno.test("what is no certificate, key or authority is told as such", async () => {
  const server = await serve(good);
  const cases: readonly [Partial<ListenTls>, RegExp][] = [
    [{ ...good, cert: "no certificate" }, /the certificate cannot be read/],
    [{ ...good, key: "no key" }, /the key cannot be read/],
    [{ ...good, caCerts: [ours.cert, "nobody"] }, /authority 2 of/],
    [{ cert: good.cert }, /go together/],
  ];
  for (const [tls, message] of cases) {
    const check = (error: unknown) => {
      assert.match(String(error), message);
      return failsWith("tls")(error);
    };
    const options = { url: server.url, tls, bounds: BOUNDS, signal: forever() };
    await assert.rejects(realSockets.connect(options), check);
    const listen = { hostname: "127.0.0.1", port: 0, tls: tls as ListenTls, bounds: BOUNDS };
    await assert.rejects(realSockets.listen(listen, () => {}), check);
  }
  await server.close();
});

const UPGRADE = [
  "GET / HTTP/1.1",
  "Host: x",
  "Upgrade: websocket",
  "Connection: Upgrade",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "\r\n",
].join("\r\n");

/** What `openssl s_client` was answered. */
async function openssl(args: readonly string[], input: string): Promise<string> {
  const command = new Deno.Command("openssl", {
    args: ["s_client", "-tls1_2", ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

// Deno 2.9.6 calls the socket of a resumed session authorized, whatever its certificate was.
Deno.test("a resumed TLS session proves no certificate and is refused", async () => {
  const folder = await Deno.makeTempDir({ prefix: "quorus-tls-" });
  const file = (name: string) => `${folder}/${name}`;
  const foreign = nodeIdentity(theirs, "node-b");
  await Deno.writeTextFile(file("cert"), foreign.cert);
  await Deno.writeTextFile(file("key"), foreign.key);
  const server = await serve({ ...good, caCerts: trusted });
  const to = ["-connect", new URL(server.url).host];
  const shown = ["-cert", file("cert"), "-key", file("key")];
  await openssl([...to, ...shown, "-sess_out", file("session")], "Q\n");
  const answer = await openssl([...to, "-sess_in", file("session"), "-ign_eof"], UPGRADE);
  assert.match(answer, /Reused, TLSv1.2/);
  assert.match(answer, /HTTP\/1.1 403 TLS session resumed/);
  assert.match(await server.failed(), /resumed/);
  await server.close();
  await Deno.remove(folder, { recursive: true });
});
