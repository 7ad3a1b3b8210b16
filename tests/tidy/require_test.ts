import assert from "node:assert/strict";
import { findProgram, requirePrograms } from "../real/require.ts";

Deno.test("requirePrograms() runs the test when every program is there", () => {
  assert.deepEqual(requirePrograms(["sh"]), { ignore: false });
});

Deno.test("requirePrograms() skips the test when a program is missing", () => {
  assert.deepEqual(requirePrograms(["sh", "nginx"], () => undefined, false), { ignore: true });
});

Deno.test("requirePrograms() fails with the package's name when nothing may be skipped", () => {
  const missing = (name: string) => name === "nginx" ? undefined : `/bin/${name}`;
  assert.throws(
    () => requirePrograms(["sh", "nginx"], missing, true),
    /apt-get install nginx-light/,
  );
});

Deno.test("requirePrograms() tells Debian's packages from those of npm", () => {
  assert.throws(
    () => requirePrograms(["nginx", "azurite-blob"], () => undefined, true),
    /apt-get install nginx-light && npm install --global azurite@/,
  );
});

Deno.test("findProgram() looks for a file in the folders given", () => {
  assert.equal(findProgram("sh", ["/nowhere", "/bin"]), "/bin/sh");
  assert.equal(findProgram("sh", ["/nowhere"]), undefined);
});
