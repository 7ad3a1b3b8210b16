/** Paths and URIs: what is declared is trusted, what variables bring in stays below it. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { fileURLToPath } from "node:url";
import { resolveTransfer } from "../../workflows/resolve.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { codes, group, plan, succeeded, transfer } from "./fixtures.ts";

function text(
  destination: Record<string, unknown>,
  variables: Record<string, unknown> = {},
): string {
  return group({
    variables,
    transfers: [transfer("users"), transfer("copy", { destination, dependsOn: ["users"] })],
  });
}

function resolve(
  destination: Record<string, unknown>,
  values: Record<string, string> = {},
  uri = "file:///data/users",
): TransferSpec["destination"] {
  const planned = plan(text(destination), { values, env: values }).transfers[1]!;
  return resolveTransfer(planned, { users: succeeded({ uri }) }).destination;
}

Deno.test("paths become file URIs with every odd character escaped", () => {
  const { uri, root } = resolve({ path: "/data/a b/ü#?%.json" });
  assert.equal(uri, "file:///data/a%20b/%C3%BC%23%3F%25.json");
  assert.equal(root, null);
});

Deno.test("property: a file URI leads back to its path", () => {
  const segment = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })
    .filter((name) => !/[\p{Cc}/$]/u.test(name) && !/^\.+$/.test(name));
  fc.assert(
    fc.property(fc.array(segment, { minLength: 1, maxLength: 5 }), (names) => {
      const path = `/${names.join("/")}`;
      assert.equal(fileURLToPath(resolve({ path }).uri), path);
    }),
    { numRuns: 100 },
  );
});

Deno.test("relative paths start at the base, which must be given", () => {
  assert.equal(resolve({ path: "out/./x/../users.json" }).uri, "file:///base/out/users.json");
  assert.deepEqual(codes(text({ path: "out/a" }), { pathBase: null }), ["pathInvalid"]);
});

Deno.test("the root ends at the last / in front of the first variable", () => {
  const of = (path: string) => resolve({ path }, { X: "x", R: "/srv/r" }).root;
  assert.equal(of("/data/in/pre-${X}/y"), "file:///data/in/");
  assert.equal(of("${R}/in/${X}"), "file:///srv/r/in/");
  assert.equal(of("out/${X}"), "file:///base/out/");
  assert.equal(of("pre-${X}"), "file:///base/");
  assert.equal(of("/data/${date:yyyy}/${metadata.labels.zone}"), null);
  assert.equal(of("${R}/plain"), null);
  const uri = resolve({ uri: "memory://box/in/${X}.json" }, { X: "x" });
  assert.deepEqual([uri.uri, uri.root], ["memory://box/in/x.json", "memory://box/in/"]);
});

Deno.test("a variable cannot lead out of what was declared", () => {
  for (const X of ["../../etc/passwd", "a/../../b", "..", "../inside"]) {
    const found = codes(text({ path: "/data/in/${X}" }), { values: { X } });
    assert.ok(["pathEscapes", "pathInvalid"].includes(found[0]!), `${X}: ${found}`);
  }
  for (const X of ["../x", "%2e%2e/x", "a%2fb", "a%5Cb"]) {
    const found = codes(text({ uri: "memory://box/in/${X}" }), { values: { X } });
    assert.deepEqual(found, ["pathEscapes"], X);
  }
  assert.equal(resolve({ path: "/data/in/${X}" }, { X: "deep/er" }).uri, "file:///data/in/deep/er");
});

Deno.test("property: whatever a variable holds, the file stays below the root or is refused", () => {
  const piece = fc.constantFrom("..", ".", "/", "a", "//", "%2e", "\\", "~");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const X = pieces.join("");
      if (codes(text({ path: "/data/in/${X}" }), { values: { X } }).length > 0) return;
      const { uri } = resolve({ path: "/data/in/${X}" }, { X });
      assert.ok(fileURLToPath(uri).startsWith("/data/in/"), uri);
      assert.ok(!fileURLToPath(uri).split("/").includes(".."), uri);
    }),
  );
});

Deno.test("an earlier result is held back like any other variable", () => {
  const destination = { path: "/data/in/${users.result.uri}" };
  assert.throws(() => resolve(destination, {}, "../../etc/passwd"), { code: "pathEscapes" });
  assert.equal(resolve(destination, {}, "ok").uri, "file:///data/in/ok");
  assert.deepEqual(codes(text({ path: "${users.result.uri}/x" })), ["pathEscapes"]);
  assert.deepEqual(codes(text({ uri: "https://${users.result.uri}/x" })), ["pathEscapes"]);
});

Deno.test("names that no file system should see are refused", () => {
  const of = (X: string) => codes(text({ path: "/data/${X}" }), { values: { X } });
  for (
    const X of ["", "a\u0000b", "a\nb", "dir/", "x".repeat(300), "\ud800", "a/".repeat(2_500) + "x"]
  ) {
    assert.deepEqual(of(X), ["pathInvalid"], JSON.stringify(X.slice(0, 20)));
  }
});

Deno.test("credentials in a URI are refused and not repeated", () => {
  const made = text({ uri: "https://me:hunter2@a.example/x" });
  assert.deepEqual(codes(made), ["pathInvalid"]);
  for (const uri of ["sftp://ann:hunter2@h/f", "https://ann@h/f", "davs://token@h/f"]) {
    assert.deepEqual(codes(text({ uri })), ["pathInvalid"], uri);
  }
});

Deno.test("a URI may name the user of a server with accounts", () => {
  assert.equal(resolve({ uri: "sftp://ann@a.example/f" }).uri, "sftp://ann@a.example/f");
});

Deno.test("a protocol that contradicts its place is refused when the transfer starts", () => {
  assert.throws(() => resolve({ path: "/data/x", protocol: "nfs" }), {
    code: "protocolContradiction",
  });
  assert.throws(() => resolve({ uri: "${U}", protocol: "https" }, { U: "http://a.example/x" }), {
    code: "protocolContradiction",
  });
});
