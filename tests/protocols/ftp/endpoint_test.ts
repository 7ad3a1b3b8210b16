import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { ftpPlaceOf } from "../../../protocols/ftp/endpoint.ts";
import { FtpRefusal } from "../../../protocols/ftp/meaning.ts";

const AUTH = { type: "basic", username: "u", password: "hunter2" } as const;

function endpoint(uri: string, more: Partial<Endpoint> = {}): Endpoint {
  return { ...plainEndpoint(uri), auth: AUTH, ...more };
}

function refusal(uri: string, more: Partial<Endpoint> = {}): string {
  try {
    ftpPlaceOf(endpoint(uri, more));
  } catch (thrown) {
    assert.ok(thrown instanceof ProtocolError, String(thrown));
    assert.ok(!thrown.message.includes("hunter2"), "no secret in a message");
    return `${thrown.code}: ${thrown.message}`;
  }
  assert.fail("it was accepted");
}

function target(uri: string, options: Endpoint["options"] = {}) {
  const { port, encryption } = ftpPlaceOf(endpoint(uri, { options })).target;
  return [port, encryption];
}

Deno.test("ftps is explicit TLS on 21 unless told to be implicit, which is 990", () => {
  assert.deepEqual(target("ftps://h/x"), [21, "required"]);
  assert.deepEqual(target("FTPS://h:2121/x", { tlsMode: "explicit" }), [2121, "required"]);
  assert.deepEqual(target("ftps://h/x", { tlsMode: "implicit" }), [990, "implicit"]);
  assert.deepEqual(target("ftps://h:991/x", { tlsMode: "implicit" }), [991, "implicit"]);
});

Deno.test("ftp encrypts where it can, and sends no password without unless that is said", () => {
  assert.deepEqual(target("ftp://h/x"), [21, "unlessAnonymous"]);
  for (const tls of ["required", "optional", "none"]) {
    assert.deepEqual(target("ftp://h/x", { tls }), [21, tls]);
  }
});

Deno.test("what cannot be a place is refused before anything is contacted, in words", () => {
  assert.match(
    refusal("ftp://u:hunter2@h/x"),
    /badEndpoint: .* password, which would end up in logs/,
  );
  assert.match(refusal("ftp://h"), /names no path/);
  assert.match(refusal("ftp://other@h/x"), /different users/);
  assert.match(refusal("ftp://u@h/x", { auth: null }), /a user without a password/);
  assert.match(
    refusal("ftp://h/x", { auth: { type: "bearer", token: "hunter2" } }),
    /it takes basic/,
  );
  assert.match(refusal("ftp://h/x", { headers: { a: "b" } }), /no headers/);
  assert.match(refusal("ftp://h/x", { options: { TLS: "none" } }), /there is no option "TLS"/);
  assert.match(refusal("ftp://h/x", { options: { tls: "maybe" } }), /required or optional or none/);
  assert.match(refusal("ftps://h/x", { options: { tls: "none" } }), /always encrypted/);
  assert.match(refusal("ftp://h/x", { options: { tlsMode: "implicit" } }), /write ftps:/);
  assert.match(refusal("ftp://h/x", { options: { tls: "none" }, tls: {} }), /remove one of them/);
  assert.match(refusal("ftp://h/x", { options: { sessions: 0 } }), /it can be 1 to 64/);
  assert.match(
    refusal("ftp://h/x", { options: { passiveAddress: "1.2.3.4" } }),
    /it can be control/,
  );
});

Deno.test("nothing that would end a command gets into one", () => {
  for (const code of ["%0A", "%0D", "%0D%0ADELE%20y", "%01", "%7F"]) {
    assert.match(refusal(`ftp://h/a${code}/x`), /nameRefused: .*control character/, code);
  }
  assert.match(refusal("ftp://h/a%00"), /NUL/);
  const auth = { type: "basic", username: "u\r\nDELE x", password: "hunter2" } as const;
  assert.match(refusal("ftp://h/x", { auth }), /control character/);
  const password = { type: "basic", username: "u", password: "hunter2\nx" } as const;
  assert.match(refusal("ftp://h/x", { auth: password }), /control character/);
});

Deno.test("refusals mean what their code says, and what their text says where it is vague", () => {
  const meaning = (code: number, text: string) => {
    const { code: ours, isVague, retryable } = new FtpRefusal("x", "ftp://h", {
      code,
      lines: [text],
    });
    return `${ours}${isVague ? "?" : ""}${retryable ? " again" : ""}`;
  };
  assert.equal(meaning(421, "Timeout."), "unreachable again");
  assert.equal(meaning(421, "Too many connections from your address."), "rateLimited again");
  assert.equal(meaning(425, "Failed to establish connection."), "unreachable again");
  assert.equal(meaning(426, "Transfer aborted."), "unreachable again");
  assert.equal(meaning(450, "No such file or directory"), "notFound");
  assert.equal(meaning(450, "File busy"), "io again");
  assert.equal(meaning(451, "Local error"), "serverError again");
  assert.equal(meaning(451, "No space left on device"), "noSpace");
  assert.equal(meaning(452, "x"), "noSpace");
  assert.equal(meaning(552, "x"), "noSpace");
  assert.equal(meaning(502, "x"), "unsupported");
  assert.equal(meaning(530, "Login incorrect."), "unauthenticated");
  assert.equal(
    meaning(530, "Sorry, the maximum number of clients is connected"),
    "rateLimited again",
  );
  assert.equal(meaning(522, "SSL connection failed: session reuse required"), "tls");
  assert.equal(meaning(425, "TLS session of data connection not resumed."), "tls");
  assert.equal(meaning(534, "x"), "insecure");
  assert.equal(meaning(550, "Permission denied."), "denied");
  assert.equal(meaning(550, "/x: No such file or directory"), "notFound");
  assert.equal(meaning(550, "File exists"), "exists");
  assert.equal(meaning(550, "Failed to open file."), "denied?");
  assert.equal(meaning(553, "Could not create file."), "denied?");
  assert.equal(meaning(350, "x"), "badResponse again");
  const shown = new FtpRefusal("x", "h", { code: 550, lines: ["a\u0007\u202eb"] });
  assert.ok(!shown.message.includes("\u0007"));
});
