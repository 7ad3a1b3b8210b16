import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { networkPlaceOf, uriOnHost } from "../../../protocols/network_uri.ts";
import { sftpPlaceOf } from "../../../protocols/sftp/endpoint.ts";

const AUTH = { type: "basic", username: "u", password: "hunter2" } as const;
const PIN = `SHA256:${"a".repeat(43)}`;

function endpoint(uri: string, more: Partial<Endpoint> = {}): Endpoint {
  return { ...plainEndpoint(uri), auth: AUTH, ...more };
}

function refusal(uri: string, more: Partial<Endpoint> = {}): string {
  try {
    sftpPlaceOf(endpoint(uri, more));
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown));
    assert.ok(!thrown.message.includes("hunter2"), "no secret in a message");
    return `${thrown.code}: ${thrown.message}`;
  }
  assert.fail("it was accepted");
}

Deno.test("a URI says host, port, user and path, decoded", () => {
  const place = networkPlaceOf(["sftp"], "sftp://me@[::1]:2222/a%20b/%C3%BC");
  assert.deepEqual(place, { user: "me", host: "::1", port: 2222, path: "/a b/ü" });
  assert.equal(uriOnHost("sftp", place, "/x y/%"), "sftp://me@[::1]:2222/x%20y/%25");
  assert.equal(networkPlaceOf(["sftp"], "SFTP://Host.Example/x").host, "host.example");
});

Deno.test("what cannot be a place is refused before anything is contacted, in words", () => {
  assert.match(
    refusal("sftp://u:hunter2@h/x"),
    /badEndpoint: .* password, which would end up in logs/,
  );
  assert.match(refusal("sftp://h"), /names no path/);
  assert.match(refusal("sftp:///x"), /names no host/);
  assert.match(refusal("sftp://h:0/x"), /the port is none/);
  assert.match(refusal("sftp://h/x?y"), /write %3F/);
  assert.match(refusal("sftp://h/a%2Fb"), /%2F would hide a slash/);
  assert.match(refusal("sftp://h/a%00"), /NUL/);
  assert.match(refusal("sftp://other@h/x"), /different users/);
  assert.match(refusal("sftp://h/x", { auth: null }), /declare "auth" of type basic, key, agent/);
  assert.match(
    refusal("sftp://h/x", { auth: { type: "bearer", token: "hunter2" } }),
    /it takes basic/,
  );
  assert.match(refusal("sftp://h/x", { headers: { a: "b" } }), /no headers/);
  assert.match(
    refusal("sftp://h/x", { options: { hostkey: PIN } }),
    /there is no option "hostkey"/,
  );
  assert.match(refusal("sftp://h/x", { options: { hostKey: "MD5:aa" } }), /no fingerprint/);
  assert.match(refusal("sftp://h/x", { options: { jump: "a b" } }), /names no host/);
});

Deno.test("options say whom to trust and whom to go through", () => {
  const { target, label } = sftpPlaceOf(endpoint("sftp://h:2222/x", {
    options: { hostKey: `${PIN}, ${PIN}`, jump: "gate@j:23", jumpHostKey: PIN },
  }));
  assert.equal(label, "sftp://h:2222");
  assert.deepEqual(target.pins, [PIN, PIN]);
  assert.deepEqual(target.jump, { user: "gate", host: "j", port: 23 });
  assert.deepEqual(target.jumpPins, [PIN]);
});

Deno.test("what the ssh program cannot be told is left to the library by auto", () => {
  const transportOf = (auth: Endpoint["auth"], options: Record<string, string>) =>
    sftpPlaceOf(endpoint("sftp://h/x", { auth, options })).target.transport;
  const agent = { type: "agent", username: "u" } as const;
  assert.equal(transportOf(agent, {}), "library");
  assert.equal(transportOf(agent, { transport: "auto" }), "auto");
  assert.equal(transportOf(agent, { transport: "auto", hostKey: PIN }), "library");
  const password = { type: "basic", username: "u", password: "p" } as const;
  assert.equal(transportOf(password, { transport: "auto" }), "library");
});
