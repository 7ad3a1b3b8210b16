import assert from "node:assert/strict";
import { revealer } from "../../../actors/agent/reveal.ts";

const reveal = revealer({
  secret: (name) =>
    name === "TOKEN" ? Promise.resolve("s3cret") : Promise.reject(new Error("none")),
  env: (name) => Promise.resolve(`env:${name}`),
  file: (path) => Promise.resolve(`file:${path}`),
});

Deno.test("references are joined with the text around them", async () => {
  assert.equal(await reveal(["Bearer ", { secret: "TOKEN" }]), "Bearer s3cret");
  assert.equal(await reveal([{ env: "A" }, "/", { file: "/b" }]), "env:A/file:/b");
  assert.equal(await reveal([]), "");
});

Deno.test("a missing secret is named, and the others are not shown", async () => {
  await assert.rejects(reveal([{ secret: "TOKEN" }, { secret: "OTHER" }]), (error: Error) => {
    assert.match(error.message, /\$\{secret:OTHER\}/);
    assert.doesNotMatch(error.message, /s3cret/);
    assert.equal((error as Error & { code: string }).code, "secretMissing");
    return true;
  });
});
