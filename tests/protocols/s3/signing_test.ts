/** The examples of Amazon's own description ("Signature Calculations for the Authorization Header"). */

import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32, hmacSha256, sha256 } from "../../../runtime/env/sha256.ts";
import { InlineLane } from "../../../runtime/env/inline_lane.ts";
import {
  EMPTY_PAYLOAD,
  encodedPath,
  encodedQuery,
  encodedText,
  sha256Hex,
  signedHeaders,
} from "../../../protocols/s3/signing.ts";

const HASH = { sha256, crc32, hmacSha256, lane: () => new InlineLane() };
const KEY = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  sessionToken: null,
};
const SCOPE = { region: "us-east-1", service: "s3" };
const AT_MS = Date.UTC(2013, 4, 24);
const HOST = "https://examplebucket.s3.amazonaws.com";

interface Example {
  readonly title: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: string;
  readonly signature: string;
}

const EXAMPLES: readonly Example[] = [
  {
    title: "a range of an object",
    method: "GET",
    path: "/test.txt",
    headers: { range: "bytes=0-9" },
    payload: EMPTY_PAYLOAD,
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    title: "an object that is put",
    method: "PUT",
    path: encodedPath("/test$file.text"),
    headers: {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    payload: sha256Hex(HASH, "Welcome to Amazon S3."),
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    title: "a question about the bucket",
    method: "GET",
    path: "/?lifecycle",
    headers: {},
    payload: EMPTY_PAYLOAD,
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    title: "a listing",
    method: "GET",
    path: `/?${encodedQuery({ prefix: "J", "max-keys": "2" })}`,
    headers: {},
    payload: EMPTY_PAYLOAD,
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
];

for (const { title, method, path, headers, payload, signature } of EXAMPLES) {
  Deno.test(`signing: ${title} has the signature that Amazon gives`, () => {
    const url = new URL(HOST + path);
    const signed = signedHeaders(HASH, { method, url, headers, payload }, KEY, SCOPE, AT_MS);
    assert.equal(/Signature=(\w+)$/.exec(signed.authorization ?? "")?.[1], signature);
    assert.equal(signed["x-amz-date"], "20130524T000000Z");
  });
}

Deno.test("signing: a session token is sent and signed, a user agent is sent only", () => {
  const url = new URL(`${HOST}/x`);
  const key = { ...KEY, sessionToken: "token" };
  const request = { method: "GET", url, headers: { "user-agent": "q" }, payload: EMPTY_PAYLOAD };
  const signed = signedHeaders(HASH, request, key, SCOPE, AT_MS);
  assert.equal(signed["x-amz-security-token"], "token");
  assert.match(signed.authorization!, /SignedHeaders=[^,]*x-amz-security-token/);
  assert.ok(!signed.authorization!.includes("user-agent"));
  assert.ok(!JSON.stringify(signed).includes(KEY.secretAccessKey));
});

Deno.test("signing: what was encoded passes through URL unchanged, and is decoded to itself", () => {
  const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((text) => text.isWellFormed() && !/^\.{1,2}$/.test(text) && !text.includes("/"));
  fc.assert(fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
    const path = `/${segments.join("/")}`;
    const url = new URL(`https://h${encodedPath(path)}`);
    assert.equal(url.pathname, encodedPath(path));
    assert.equal(decodeURIComponent(url.pathname), path);
  }));
  assert.equal(encodedText("a b!'()*~-_."), "a%20b%21%27%28%29%2A~-_.");
});
