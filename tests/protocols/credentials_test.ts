import assert from "node:assert/strict";
import { assertCredentials, CREDENTIAL_TYPES, credentialsOf } from "../../protocols/credentials.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { AUTH_KINDS } from "../../workflows/credentials.ts";

Deno.test("what can be declared is what protocols know, field by field", () => {
  const declared = Object.entries(AUTH_KINDS)
    .filter(([type]) => type !== "header")
    .map(([type, { required }]) => [type, required]);
  assert.deepEqual(CREDENTIAL_TYPES, declared);
});

Deno.test("credentials of an unknown kind or without a field are refused by name", () => {
  const refusal = (fields: { type: string } & Record<string, string>) => {
    try {
      credentialsOf(fields);
    } catch (thrown) {
      assert.ok(thrown instanceof ProtocolError);
      return [thrown.code, thrown.message];
    }
    return null;
  };
  assert.equal(refusal({ type: "basic", username: "u", password: "hunter2" }), null);
  assert.deepEqual(refusal({ type: "basic", username: "hunter2" }), [
    "badEndpoint",
    "cannot use credentials of type basic: password is missing; declare it",
  ]);
  assert.equal(refusal({ type: "toString" })?.[0], "badEndpoint");
});

Deno.test("a protocol refuses kinds that it does not take, naming those it does", () => {
  const token = credentialsOf({ type: "bearer", token: "hunter2" });
  assert.equal(assertCredentials(null, ["basic"], "read x"), null);
  assert.equal(assertCredentials(token, ["basic", "bearer"], "read x"), token);
  assert.throws(() => assertCredentials(token, ["basic", "key"], "read x"), {
    code: "badEndpoint",
    message: "cannot read x with credentials of type bearer: it takes basic, key",
  });
});
