/** What may be declared, and what is said of the rest. */

import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { keyOf, s3PlaceOf, urlOf } from "../../../protocols/s3/endpoint.ts";

const CANARY = "canary-of-a-secret";

function placeOf(uri: string, more: Partial<Endpoint> = {}) {
  return s3PlaceOf({ ...plainEndpoint(uri), ...more });
}

Deno.test("Amazon's buckets stand in the host's name, others in the path", () => {
  const amazon = placeOf("s3://my-bucket/a/b c.csv", { options: { region: "eu-west-1" } });
  assert.equal(
    urlOf(amazon, keyOf(amazon.path)).href,
    "https://my-bucket.s3.eu-west-1.amazonaws.com/a/b%20c.csv",
  );
  const dotted = placeOf("s3://my.bucket/x");
  assert.equal(urlOf(dotted, "x").href, "https://s3.us-east-1.amazonaws.com/my.bucket/x");
  const other = placeOf("s3://Upper/x", { options: { endpoint: "http://h:9/base/" } });
  assert.equal(urlOf(other, "x", { a: "1" }).href, "http://h:9/base/Upper/x?a=1");
});

const REFUSED: readonly [string, string, Partial<Endpoint>, RegExp][] = [
  ["an unknown option", "s3://b/x", { options: { nope: 1 } }, /no option "nope"/],
  ["a host with a port", "s3://b:9000/x", {}, /name the server by option/],
  ["a user", "s3://u@b/x", {}, /name of a bucket/],
  ["a password", `s3://u:${CANARY}@b/x`, {}, /password/],
  ["a query", "s3://b/x?versionId=1", {}, /%3F/],
  ["no path", "s3://b", {}, /no path/],
  ["a short part", "s3://b/x", { options: { partSize: 5 } }, /partSize/],
  ["a foreign header", "s3://b/x", { headers: { authorization: CANARY } }, /remove it/],
  ["a header with a line break", "s3://b/x", {
    headers: { "content-type": `${CANARY}\r\nx: y` },
  }, /line break/],
  ["a customer's key in the clear", "s3://b/x", {
    headers: { "x-amz-server-side-encryption-customer-key": CANARY },
    options: { endpoint: "http://h" },
  }, /https only/],
  ["a customer's key that is none", "s3://b/x", {
    headers: { "x-amz-server-side-encryption-customer-key": CANARY },
  }, /32 bytes/],
  ["a token in the clear", "s3://b/x", { options: { stsEndpoint: "http://h" } }, /https/],
  ["an endpoint with a user", "s3://b/x", {
    options: { endpoint: `https://u:${CANARY}@h` },
  }, /no address/],
  ["credentials of another kind", "s3://b/x", { auth: { type: "bearer", token: CANARY } }, /takes/],
  ["a key id without KMS", "s3://b/x", { options: { kmsKeyId: "k" } }, /aws:kms/],
];

for (const [what, uri, more, message] of REFUSED) {
  Deno.test(`s3 endpoint: ${what} is refused and no secret is shown`, () => {
    assert.throws(() => placeOf(uri, more), (thrown: Error & { code?: string }) => {
      assert.equal(thrown.code, "badEndpoint");
      assert.match(thrown.message, message);
      assert.ok(!thrown.message.includes(CANARY), thrown.message);
      return true;
    });
  });
}

Deno.test("keys that would become others on their way are refused", () => {
  for (const path of ["/a/../b", "/./a", `/${"x".repeat(1_025)}`]) {
    assert.throws(() => keyOf(path), { code: "nameRefused" });
  }
  assert.equal(keyOf("/a//b/..c"), "a//b/..c");
});
