/** Digest authentication as pure functions: challenges as they are written, answers as RFCs give them. */

import assert from "node:assert/strict";
import { parseChallenges, parseParameters } from "../../../protocols/http/challenge.ts";
import {
  authorizationOf,
  digestAmong,
  type DigestChallenge,
} from "../../../protocols/http/digest.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

const { hash } = simulatedEnv({ seed: 1 });

function fields(authorization: string): ReadonlyMap<string, string> {
  return parseParameters(authorization.replace(/^Digest /, ""));
}

function challenge(text: string): DigestChallenge {
  const found = digestAmong(parseChallenges(text));
  assert.ok(found !== null, text);
  return found;
}

const RFC_7616 = 'realm="http-auth@example.org", qop="auth, auth-int", ' +
  'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ' +
  'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"';
const MUFASA = { username: "Mufasa", password: "Circle of Life" };
const REQUEST = {
  method: "GET",
  target: "/dir/index.html",
  count: 1,
  clientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
};

for (
  const [algorithm, response] of [
    ["SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"],
    ["MD5", "8ca523f5e9506fed4657c9700eebdbec"],
  ] as const
) {
  Deno.test(`digest: the example of RFC 7616, 3.9.1, is answered as printed there (${algorithm})`, () => {
    const asked = challenge(`Digest ${RFC_7616}, algorithm=${algorithm}`);
    const answer = authorizationOf(asked, MUFASA, REQUEST, hash);
    assert.equal(
      answer,
      'Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", ' +
        `algorithm=${algorithm}, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", ` +
        'nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, ' +
        `response="${response}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`,
    );
  });
}

Deno.test("digest: the example of RFC 2617, 3.5, which names no algorithm, is MD5", () => {
  const asked = challenge(
    'Digest realm="testrealm@host.com", qop="auth,auth-int", ' +
      'nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", opaque="5ccc069c403ebaf9f0171e9517f40e41"',
  );
  const user = { username: "Mufasa", password: "Circle Of Life" };
  const answer = authorizationOf(asked, user, { ...REQUEST, clientNonce: "0a4f113b" }, hash);
  assert.equal(fields(answer).get("response"), "6629fae49393a05397450978507c4ef1");
});

Deno.test("digest: of several challenges the strongest that is known is answered", () => {
  const md5 = `Digest ${RFC_7616}, algorithm=MD5`;
  const sha256 = `Digest ${RFC_7616}, algorithm=SHA-256`;
  const other = `Digest ${RFC_7616}, algorithm=SHA-512-256`;
  assert.equal(challenge(`Basic realm="x", ${md5}, ${other}, ${sha256}`).algorithm, "SHA-256");
  assert.equal(challenge(`${md5}, Basic realm="x"`).algorithm, "MD5");
  for (
    const text of [
      other,
      'Basic realm="x"',
      "Negotiate",
      "",
      'Digest realm="x", qop="auth"',
      'Digest realm="x", nonce="n"',
      'Digest realm="x", nonce="n", qop="auth-int"',
      'Digest realm="x", nonce="n\u0007", qop="auth"',
    ]
  ) assert.equal(digestAmong(parseChallenges(text)), null, text);
});

Deno.test("digest: a session's key is made with both nonces (RFC 7616, 3.4.2)", () => {
  const asked = challenge(`Digest ${RFC_7616}, algorithm=MD5-sess`);
  const answer = authorizationOf(asked, MUFASA, REQUEST, hash);
  assert.equal(fields(answer).get("algorithm"), "MD5-sess");
  // Made step by step by another program.
  assert.equal(fields(answer).get("response"), "e783283f46242139c486a698fec7211d");
});

Deno.test("digest: a user may be sent as a hash, and odd names as they can be written", () => {
  const plain = challenge(`Digest ${RFC_7616}, algorithm=SHA-256, charset=UTF-8`);
  const hidden = challenge(`Digest ${RFC_7616}, algorithm=SHA-256, userhash=true`);
  const user = { username: "Jäsøn (Doe)", password: "Secret, or not?" };
  const named = authorizationOf(plain, user, REQUEST, hash);
  assert.ok(named.includes("username*=UTF-8''J%C3%A4s%C3%B8n%20%28Doe%29,"), named);
  const unnamed = fields(authorizationOf(hidden, user, REQUEST, hash));
  assert.match(unnamed.get("username") ?? "", /^[0-9a-f]{64}$/);
  assert.equal(unnamed.get("userhash"), "true");
  const quoting = { username: 'a "b" \\c', password: "x" };
  assert.equal(fields(authorizationOf(plain, quoting, REQUEST, hash)).get("username"), 'a "b" \\c');
});

Deno.test("digest: the count of a nonce is eight hexadecimal digits", () => {
  const asked = challenge(`Digest ${RFC_7616}`);
  const counted = (count: number) =>
    fields(authorizationOf(asked, MUFASA, { ...REQUEST, count }, hash)).get("nc");
  assert.equal(counted(1), "00000001");
  assert.equal(counted(0xabcdef), "00abcdef");
});

Deno.test("challenges: schemes with parameters, with a token and with nothing, in one field", () => {
  const found = parseChallenges(
    'Negotiate, NTLM TlRMTVNTUAAB==, , Basic realm="a, \\"b\\" = c" , charset=UTF-8,Digest a=b , c = "d"',
  ).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);
  assert.deepEqual(found, [
    ["negotiate", {}],
    ["ntlm", {}],
    ["basic", { realm: 'a, "b" = c', charset: "UTF-8" }],
    ["digest", { a: "b", c: "d" }],
  ]);
});

Deno.test("challenges: what cannot be read ends them, in bounded time", () => {
  assert.deepEqual(parseChallenges('a="b"'), []);
  assert.equal(parseChallenges('Basic realm="never ends').length, 1);
  assert.equal(parseChallenges(`Digest ${"x ".repeat(30_000)}`).length > 0, true);
  for (
    const text of [" ".repeat(60_000), '"'.repeat(60_000), ", ".repeat(30_000), "=".repeat(60_000)]
  ) {
    assert.deepEqual(parseChallenges(text), []);
  }
});
