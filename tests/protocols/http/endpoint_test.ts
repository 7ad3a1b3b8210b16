/** What may be declared as an http source, and what is answered to the rest. */

import assert from "node:assert/strict";
import type { SourceEndpoint } from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { firstHop } from "../../../protocols/http/endpoint.ts";
import { endpoint, NOBODY } from "./reading.ts";

const URI = "https://host.example/path?sig=query-hush";

function refusal(uri: string, more: Partial<SourceEndpoint> = {}): string {
  try {
    firstHop(endpoint(uri, more), 1_000, NOBODY);
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError);
    assert.equal(thrown.code, "badEndpoint");
    assert.equal(thrown.retryable, false);
    assert.doesNotMatch(thrown.message, /hush/);
    return thrown.message;
  }
  return "";
}

Deno.test("a URI with credentials is refused, with a hint and without them", () => {
  assert.match(refusal("https://user:hush@host/x"), /declare them as "auth"/);
  assert.match(refusal("https://hush@host/x"), /declare them as "auth"/);
});

Deno.test("a URI that is none, or has another scheme or a fragment, is refused", () => {
  assert.match(refusal("https://"), /does not parse/);
  assert.match(refusal("ftp://host/x"), /use http: or https:/);
  assert.match(refusal("https://host/part#1"), /write %23/);
});

Deno.test("headers that break framing, ranges or routing are refused by name", () => {
  for (const name of ["Host", "Content-Length", "connection", "RANGE", "Accept-Encoding", "TE"]) {
    assert.match(refusal(URI, { headers: { [name]: "hush" } }), new RegExp(`"${name}"`));
  }
});

Deno.test("header names and values that could start a new line are refused", () => {
  for (const value of ["hush\r\nX: y", "hush\n", "hush\0", "hush\u{1f642}", "\x7fhush"]) {
    assert.match(refusal(URI, { headers: { "X-Key": value } }), /"X-Key"/);
  }
  for (const name of ["", "a b", "a:b", "a\r\nb", "ü"]) {
    assert.match(refusal(URI, { headers: { [name]: "hush" } }), /no header name/);
  }
  assert.match(refusal(URI, { headers: { a: "1", A: "2" } }), /twice/);
  assert.match(refusal(URI, { headers: { a: "x".repeat(2_000) } }), /at most 1000/);
});

Deno.test("credentials that cannot be sent as they are, or twice, are refused", () => {
  const basic = (username: string, password: string) =>
    refusal(URI, { auth: { type: "basic", username, password } });
  assert.match(basic("a:b", "hush"), /RFC 7617/);
  assert.match(basic("a", "hush\n"), /line break/);
  assert.match(refusal(URI, { auth: { type: "bearer", token: "hush\n" } }), /bearer token/);
  assert.match(refusal(URI, { auth: { type: "bearer", token: "" } }), /bearer token/);
  const auth = { type: "bearer", token: "hush" } as const;
  assert.match(refusal(URI, { auth, headers: { authorization: "hush" } }), /keep one/);
});

Deno.test("the label of an endpoint hides its query", () => {
  const hop = firstHop(endpoint(URI), 1_000, NOBODY);
  assert.equal(hop.label, "https://host.example/path (query hidden)");
  assert.equal(hop.headers["accept-encoding"], "identity");
});
