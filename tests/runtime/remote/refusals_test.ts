/**
 * Every refusal of a link, over real sockets, in the words that people will read in two logs;
 * `UPDATE_GOLDEN=1 deno test -A tests/runtime/remote/refusals_test.ts` writes them anew.
 */

import assert from "node:assert/strict";
import { expired, makeAuthority } from "../../servers/pki.ts";
import { play, type Scene, tlsOptions } from "./refusals.ts";

const GOLDEN = new URL("../../golden/refusals.txt", import.meta.url);
const TOKEN = "the join token of this cluster, long and random";
const ours = makeAuthority("Ours");
const theirs = makeAuthority("Theirs");
const [a, b] = [tlsOptions(ours, "a"), tlsOptions(ours, "b")];

const CERTIFICATES = { called: {}, calling: b.call(ours), listenTls: a.listen(ours) };

const SCENES: readonly Scene[] = [
  { title: "a wrong token", called: { token: TOKEN }, calling: { token: "another token" } },
  { title: "no token", called: { token: TOKEN }, calling: {} },
  {
    ...CERTIFICATES,
    title: "a certificate of an authority that the called node does not trust",
    calling: tlsOptions(theirs, "b").call(ours),
  },
  {
    ...CERTIFICATES,
    title: "a called node whose certificate is of an authority that the calling one does not trust",
    listenTls: tlsOptions(theirs, "a").listen(ours),
  },
  {
    ...CERTIFICATES,
    title: "an expired certificate",
    calling: tlsOptions(ours, "b", expired()).call(ours),
  },
  {
    ...CERTIFICATES,
    title: "a called node whose certificate has expired",
    listenTls: tlsOptions(ours, "a", expired()).listen(ours),
  },
  {
    ...CERTIFICATES,
    title: "a certificate of another node",
    calling: tlsOptions(ours, "c").call(ours),
  },
  {
    ...CERTIFICATES,
    title: "a called node whose certificate is of another node",
    listenTls: tlsOptions(ours, "c").listen(ours),
  },
  { ...CERTIFICATES, title: "no certificate", calling: { tls: { caCerts: [ours.cert] } } },
  {
    title: "wss:// dialled, but the called node listens without TLS",
    called: { token: TOKEN },
    calling: b.call(ours),
    scheme: "wss:",
  },
  {
    title: "ws:// dialled, but the called node listens with TLS",
    called: { token: TOKEN },
    calling: { token: TOKEN },
    listenTls: a.listen(ours),
    scheme: "ws:",
  },
  {
    title: "another node than was called",
    called: { token: TOKEN },
    calling: { token: TOKEN },
    expected: "c",
  },
  {
    title: "a version that the called node, which is older, does not speak",
    called: { token: TOKEN },
    calling: { token: TOKEN },
    version: 2,
  },
  {
    title: "a second node with the same id",
    called: { token: TOKEN },
    calling: { token: TOKEN },
    second: true,
  },
];

Deno.test("every refusal says on both sides what is wrong and what to do", async () => {
  let text = "";
  for (const scene of SCENES) {
    const { called, calling } = await play(scene);
    text += `${scene.title}\n  called node:  ${called}\n  calling node: ${calling}\n\n`;
  }
  for (const secret of [TOKEN, "another token", "PRIVATE KEY"]) assert.ok(!text.includes(secret));
  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, text);
  assert.equal(text, await Deno.readTextFile(GOLDEN));
});
