/** The handshake: who is let in, and the words for who is not. */

import assert from "node:assert/strict";
import type { CertificateProblem, PeerCertificate } from "../../../runtime/env/sockets.ts";
import {
  duplicateNode,
  isFinal,
  type Parties,
  quarantined,
} from "../../../runtime/remote/handshake_refusals.ts";
import { errorsOf, identityOf, type Scene, shake } from "./handshake_sides.ts";

const TOKEN = "correct horse battery staple";

function certificate(names: string[], problem: CertificateProblem | null = null): PeerCertificate {
  return { names, fingerprint: "00", validToMs: Date.UTC(2026, 0, 31), problem };
}

const BOTH = {
  client: { requireCertificate: true },
  server: { requireCertificate: true },
  clientSees: { encrypted: true, certificate: certificate(["quorus://a", "a.example"]) },
  serverSees: { encrypted: true, certificate: certificate(["quorus://b"]) },
} satisfies Scene;

function accepted(scene: Scene): void {
  const { client, server } = shake(scene);
  assert.equal(client?.kind, "accepted");
  assert.equal(server?.kind, "accepted");
}

Deno.test("two nodes without credentials agree on version, incarnations, windows and features", () => {
  const window = { messages: 3, bytes: 30 };
  const windows = {
    consensus: window,
    message: window,
    bulk: window,
    target: window,
    messageBytes: 9,
  };
  const { client, server } = shake({ client: { features: ["x"], windows } });
  assert.equal(client?.kind, "accepted");
  assert.equal(server?.kind, "accepted");
  if (client?.kind !== "accepted" || server?.kind !== "accepted") return;
  const { node, incarnation, renewal, version, self } = client.peer;
  assert.deepEqual([node, incarnation, renewal, version], ["a", "a1", 1, 1]);
  assert.deepEqual(self, identityOf("b"));
  assert.deepEqual(server.peer.self, identityOf("a"));
  assert.deepEqual(server.peer.features, ["x"]);
  assert.deepEqual(server.peer.windows, windows);
  assert.equal(server.peer.link, "main");
});

Deno.test("a common version is the highest that both speak", () => {
  const { client } = shake({
    client: { versions: { min: 1, max: 3 } },
    server: { versions: { min: 2, max: 5 } },
  });
  assert.equal(client?.kind === "accepted" && client.peer.version, 3);
});

Deno.test("the same token lets in, and never travels", () => {
  const scene = { client: { token: TOKEN }, server: { token: TOKEN } };
  accepted(scene);
  assert.ok(!shake(scene).said.join("\n").includes(TOKEN));
});

Deno.test("certificates that name their nodes let in, by URI, DNS or common name", () => {
  accepted(BOTH);
  accepted({ ...BOTH, serverSees: { encrypted: true, certificate: certificate(["b"]) } });
  accepted({
    client: { ...BOTH.client, token: TOKEN },
    server: { ...BOTH.server, token: TOKEN },
    clientSees: BOTH.clientSees,
    serverSees: BOTH.serverSees,
  });
});

Deno.test("a Worker of this process needs no credential", () => {
  accepted({
    client: { token: TOKEN },
    server: { requireCertificate: true },
    clientSees: { own: true },
    serverSees: { own: true },
  });
});

Deno.test("a bulk link names its association", () => {
  const { server } = shake({ call: { link: "bulk", association: "x" } });
  assert.deepEqual(
    server?.kind === "accepted" && [server.peer.link, server.peer.association],
    ["bulk", "x"],
  );
});

const parties: Parties = { self: "a", peer: "b", address: "10.0.0.2:50000" };

/** Scene, then what the client and what the server says. */
const REFUSALS: readonly [string, Scene, string, string][] = [
  [
    "another token, found by the client",
    { client: { token: "x" }, server: { token: TOKEN } },
    'WrongToken: refuse node "a" at 10.0.0.1:4100: its proof does not match our join token; start both nodes with the same token',
    'WrongToken: link with 10.0.0.2:50000: refused by the other side: node "b" refuses node "a": your proof does not match its join token; start both nodes with the same token',
  ],
  [
    "a server without the token",
    { client: { token: TOKEN } },
    'WrongToken: refuse node "a" at 10.0.0.1:4100: it gave no proof of the join token that we ask for; start it with our token',
    'WrongToken: link with 10.0.0.2:50000: refused by the other side: node "b" refuses node "a": it asks for a join token and you proved none; start this node with its token',
  ],
  [
    "a client without the token",
    { server: { token: TOKEN } },
    'WrongToken: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": it asks for a join token and you proved none; start this node with its token',
    'WrongToken: refuse node "b" at 10.0.0.2:50000: it gave no proof of the join token that we ask for; start it with our token',
  ],
  [
    "no certificate",
    { ...BOTH, serverSees: {} },
    'NoCertificate: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": it requires a certificate and none was shown; configure certificate and key of this node, and use wss://',
    'NoCertificate: refuse node "b" at 10.0.0.2:50000: it showed no certificate and we require one; give it a certificate of our authority',
  ],
  [
    "another authority",
    { ...BOTH, serverSees: { certificate: certificate(["quorus://b"], "unknownAuthority") } },
    'UnknownAuthority: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": your certificate is of an authority that it does not trust; have it signed by one that it trusts',
    'UnknownAuthority: refuse node "b" at 10.0.0.2:50000: its certificate is of an authority that we do not trust; have it signed by one of ours, or add its authority',
  ],
  [
    "an expired certificate",
    { ...BOTH, serverSees: { certificate: certificate(["quorus://b"], "expired") } },
    'ExpiredCertificate: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": your certificate expired on 2026-01-31; issue a new one (and check both clocks)',
    'ExpiredCertificate: refuse node "b" at 10.0.0.2:50000: its certificate expired on 2026-01-31; issue a new one (and check both clocks)',
  ],
  [
    "the certificate of another client",
    { ...BOTH, serverSees: { certificate: certificate(["quorus://c", "c"]) } },
    'WrongName: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": your certificate names "quorus://c", "c", not "quorus://b"; use the certificate of this node, or correct the node\'s id',
    'WrongName: refuse node "b" at 10.0.0.2:50000: its certificate names "quorus://c", "c", not "quorus://b"; use the certificate of that node',
  ],
  [
    "the certificate of another server",
    { ...BOTH, clientSees: { certificate: certificate(["quorus://c"]) } },
    'WrongName: refuse node "a" at 10.0.0.1:4100: its certificate names "quorus://c", not "quorus://a"; use the certificate of that node',
    'WrongName: link with 10.0.0.2:50000: refused by the other side: node "b" refuses node "a": your certificate names "quorus://c", not "quorus://a"; use the certificate of this node, or correct the node\'s id',
  ],
  [
    "another node than was called",
    { call: { expected: "c" } },
    'WrongName: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": you called node "c"; correct the URL or the id of that peer',
    'WrongName: refuse node "b" at 10.0.0.2:50000: it called node "c" and reached us; correct the URL or the id in its configuration',
  ],
  [
    "an old client",
    { server: { versions: { min: 2, max: 3 } } },
    'VersionMismatch: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "unknown": you speak link versions 1-1, it speaks 2-3; upgrade the older of the two',
    'VersionMismatch: refuse node "unknown" at 10.0.0.2:50000: it speaks link versions 1-1, we speak 2-3; upgrade the older of the two',
  ],
  [
    "a second node of the same id",
    { serverDecides: () => duplicateNode(parties, "10.0.0.9:50001") },
    'DuplicateNode: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": another process with the id "b" is connected from 10.0.0.9:50001 and alive; give each node its own id, or stop one',
    'DuplicateNode: refuse node "b" at 10.0.0.2:50000: another process with that id is connected from 10.0.0.9:50001 and alive; give each node its own id, or stop one',
  ],
  [
    "an incarnation that was given up",
    { serverDecides: () => quarantined(parties, "b1.1") },
    'Quarantined: link with 10.0.0.1:4100: refused by the other side: node "a" refuses node "b": your incarnation b1.1 was given up and its actors were told so; come back with a new one (the default), or restart',
    'Quarantined: refuse node "b" at 10.0.0.2:50000: its incarnation b1.1 was given up and our actors were told so; it may come back with a new one',
  ],
  [
    "itself",
    { serverNode: "b", serverIdentity: identityOf("b"), call: { expected: null } },
    'SelfConnect: link with 10.0.0.1:4100: refused by the other side: node "b" refuses node "b": that is this node itself; take its own URL out of its peers',
    'SelfConnect: refuse node "b" at 10.0.0.2:50000: that is this node itself; take its own URL out of its peers',
  ],
];

for (const [name, scene, client, server] of REFUSALS) {
  Deno.test(`refused with words for both sides: ${name}`, () => {
    assert.deepEqual(errorsOf(shake(scene)), [client, server]);
  });
}

Deno.test("a client sends nothing but its hello before the server has proved itself", () => {
  const { said } = shake({ client: { token: TOKEN }, server: { token: "x" } });
  const client = said.filter((line) => line.startsWith("client"));
  assert.equal(client.length, 2);
  assert.match(client[1]!, /"h":"refuse"/);
});

Deno.test("a proof of one side is none of the other's: what is mirrored is refused", () => {
  const { said } = shake({ client: { token: TOKEN }, server: { token: TOKEN } });
  const proof = /"proof":"([0-9a-f]{64})"/.exec(said[2]!)?.[1];
  assert.ok(said[2]!.startsWith("server"));
  const { server } = shake({
    client: { token: TOKEN },
    server: { token: TOKEN },
    wire: (frame, from) =>
      from === "client" && frame.length < 200
        ? new TextEncoder().encode(`\u0001${JSON.stringify({ h: "proof", proof })}`)
        : frame,
  });
  assert.equal(server?.kind === "refused" && server.error.code, "WrongToken");
});

Deno.test("what was said is part of the proof: a changed hello is found", () => {
  const { client } = shake({
    client: { token: TOKEN },
    server: { token: TOKEN },
    wire: (frame, from) => {
      if (from !== "client") return frame;
      const text = new TextDecoder().decode(frame);
      return new TextEncoder().encode(text.replace('"link":"main"', '"link":"bulk"'));
    },
  });
  assert.equal(client?.kind === "refused" && client.error.code, "WrongToken");
});

Deno.test("a client that refuses after the server's proof proves its refusal", () => {
  const { server } = shake({
    client: { token: TOKEN },
    server: { token: TOKEN },
    clientDecides: () => quarantined(parties, "a1.1"),
  });
  assert.ok(server?.kind === "refused");
  assert.deepEqual([server.error.code, server.theirs, server.proved], ["Quarantined", true, true]);
});

Deno.test("a refusal of someone who has proved nothing says so", () => {
  const refuse = JSON.stringify({ h: "refuse", code: "Quarantined", message: "evil\u0007\n" });
  const { server } = shake({
    server: { token: TOKEN },
    wire: (frame, from) =>
      from === "client" && frame.length < 200 ? new TextEncoder().encode(`\u0001${refuse}`) : frame,
  });
  assert.ok(server?.kind === "refused");
  assert.deepEqual([server.theirs, server.proved], [true, false]);
  assert.match(server.error.message, /evil {2}$/); // control characters are not for our log
});

Deno.test("what mends itself is dialled again, what does not is final", () => {
  assert.deepEqual(
    (["DuplicateNode", "Quarantined", "Superseded", "LinkLost"] as const).map(isFinal),
    [false, false, false, false],
  );
  assert.ok(isFinal("WrongToken") && isFinal("WrongName") && isFinal("SelfConnect"));
});
