import assert from "node:assert/strict";
import { azurePlaceOf, azureUri } from "../../../protocols/azure/endpoint.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { Endpoint } from "../../../protocols/contract.ts";

const KEY = btoa("a key that must not be seen");
const URI = "azblob://myaccount/box/a/b.csv";

function place(more: Partial<Endpoint> = {}, uri = URI) {
  return azurePlaceOf({ ...plainEndpoint(uri), ...more });
}

Deno.test("the account is the host, the container the first segment, the rest the blob", () => {
  const found = place();
  assert.deepEqual(
    [found.account, found.origin, found.path, found.label],
    ["myaccount", "https://myaccount.blob.core.windows.net", "/box/a/b.csv", "azblob://myaccount"],
  );
  assert.equal(place({}, azureUri("myaccount", "/box/ü %/x")).path, "/box/ü %/x");
});

Deno.test("an endpoint of one's own takes the place of the public one, path included", () => {
  const options = { endpoint: "http://127.0.0.1:10000/devstoreaccount1/" };
  assert.equal(place({ options }).origin, "http://127.0.0.1:10000/devstoreaccount1");
});

const REFUSED: readonly [string, Partial<Endpoint>, string?][] = [
  ["no container", {}, "azblob://myaccount/"],
  ["a container that is none", {}, "azblob://myaccount/Box_1/x"],
  ["a port", {}, "azblob://myaccount:80/box/x"],
  ["a host that is no account", {}, "azblob://my.account/box/x"],
  ["an account key that is no base64", {
    auth: { type: "sharedKey", account: "myaccount", accountKey: "%%% no base64 %%%" },
  }],
  ["credentials of another account", {
    auth: { type: "sharedKey", account: "other", accountKey: KEY },
  }],
  ["credentials of another kind", { auth: { type: "basic", username: "u", password: "p4ssw0rd" } }],
  ["a signature that would add to the path", { auth: { type: "sas", token: "sv=1&sig=a#/../x" } }],
  ["a token with a line break", { auth: { type: "bearer", token: "secret\r\nx: y" } }],
  ["a token over plain http", {
    auth: { type: "bearer", token: "secret-token" },
    options: { endpoint: "http://storage.example" },
  }],
  ["an endpoint with user info", { options: { endpoint: "https://me:secret@host" } }],
  ["an endpoint of another scheme", { options: { endpoint: "ftp://host" } }],
  ["an unknown option", { options: { tier: "Hot" } }],
  ["a tier that is none", { options: { accessTier: "Warm" } }],
  ["blocks beyond the service's", { options: { blockMiB: 4_001 } }],
  ["an option that breaks headers", { options: { contentType: "a\r\nb: c" } }],
  ["a header of one's own", { headers: { "x-ms-copy-source": "http://other" } }],
  ["a customer key that is too short", { headers: { "x-ms-encryption-key": btoa("short") } }],
];

for (const [what, more, uri] of REFUSED) {
  Deno.test(`azblob: ${what} is refused before anything is contacted, and no secret is shown`, () => {
    assert.throws(() => place(more, uri), (thrown: Error & { code?: string }) => {
      assert.equal(thrown.code, "badEndpoint");
      assert.doesNotMatch(thrown.message, /secret|p4ss|must not be seen|%%%/);
      return true;
    });
  });
}

Deno.test("names that the service would store under another name are refused", () => {
  for (
    const name of ["a%5Cb", "dots...", "x/../y", "x//y", "x./y", "nul%0A", `${"x".repeat(256)}`]
  ) {
    assert.throws(() => place({}, `azblob://myaccount/box/${name}`), { code: "nameRefused" }, name);
  }
});
