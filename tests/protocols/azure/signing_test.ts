import assert from "node:assert/strict";
import { sharedKeyAuthorization, stringToSign } from "../../../protocols/azure/signing.ts";
import { hmacSha256 } from "../../../runtime/env/sha256.ts";
import type { Hashing } from "../../../runtime/env/env.ts";

// The examples of "Authorize with Shared Key" on learn.microsoft.com.
Deno.test("the string to sign is that of the documentation's example", () => {
  const request = {
    method: "GET",
    url: new URL(
      "https://myaccount.blob.core.windows.net/mycontainer?comp=metadata&restype=container&timeout=20",
    ),
    headers: { "x-ms-date": "Fri, 26 Jun 2015 23:39:12 GMT", "x-ms-version": "2015-02-21" },
    bodyBytes: 0,
  };
  assert.equal(
    stringToSign("myaccount", request),
    "GET\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:Fri, 26 Jun 2015 23:39:12 GMT\nx-ms-version:2015-02-21\n" +
      "/myaccount/mycontainer\ncomp:metadata\nrestype:container\ntimeout:20",
  );
});

Deno.test("a query with several values of a name, and the path of an emulator, are signed as documented", () => {
  const request = {
    method: "GET",
    url: new URL(
      "http://127.0.0.1:10000/devstoreaccount1/box?include=snapshots&include=metadata&Comp=list",
    ),
    headers: {},
    bodyBytes: 0,
  };
  assert.ok(
    stringToSign("devstoreaccount1", request).endsWith(
      "/devstoreaccount1/devstoreaccount1/box\ncomp:list\ninclude:metadata,snapshots",
    ),
  );
});

Deno.test("lengths, conditions and ranges are signed, and the signature names the account alone", () => {
  const request = {
    method: "PUT",
    url: new URL("https://a.blob.core.windows.net/box/x%20y"),
    headers: { "if-match": '"1"', "content-md5": "abc", "x-ms-b": " two  words ", "x-ms-a": "1" },
    bodyBytes: 11,
  };
  const text = stringToSign("a", request);
  assert.equal(text, 'PUT\n\n\n11\nabc\n\n\n\n"1"\n\n\n\nx-ms-a:1\nx-ms-b:two words\n/a/box/x%20y');
  const hash = { hmacSha256 } as unknown as Hashing;
  const key = new TextEncoder().encode("secret key");
  const header = sharedKeyAuthorization(hash, "a", key, request);
  assert.match(header, /^SharedKey a:[A-Za-z0-9+/]{43}=$/);
  assert.ok(!header.includes("secret"));
});
