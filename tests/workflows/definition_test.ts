/** Defaults, refusals, digests, and files that try to hurt. */

import assert from "node:assert/strict";
import { runDigest } from "../../workflows/digest.ts";
import { LIMITS } from "../../workflows/limits.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import { nearest } from "../../workflows/suggest.ts";
import { unsupported } from "../../workflows/unsupported.ts";
import { BINDINGS, codes, define, group, NOW_MS, plan, PROTOCOLS, transfer } from "./fixtures.ts";

Deno.test("defaults lie under each transfer's own words", () => {
  const made = plan(group({
    defaults: {
      retry: { maxAttempts: 7, backoff: "fixed" },
      source: { timeout: "30s", headers: { A: "1", B: "1" }, auth: { type: "bearer", token: "t" } },
      destination: { conflict: "skip-if-same", createDirectories: false },
    },
    transfers: [
      transfer("a"),
      transfer("b", {
        source: {
          uri: "https://a.example/x",
          headers: { B: "2" },
          authentication: { type: "basic", username: "u", password: "${secret:P}" },
        },
        destination: { path: "/data/b", conflict: "fail" },
        retry: { maxAttempts: 1 },
      }),
    ],
  }));
  const [a, b] = made.transfers.map(({ template }) => template);
  assert.deepEqual([a!.retry.maxAttempts, a!.retry.backoff, b!.retry.maxAttempts], [7, "fixed", 1]);
  assert.deepEqual([a!.destination.conflict, b!.destination.conflict], ["skip", "fail"]);
  assert.equal(b!.destination.createDirectories, false);
  assert.equal(b!.source.timeoutMs, 30_000);
  assert.deepEqual(b!.source.headers, { A: ["1"], B: ["2"] });
  assert.deepEqual(a!.source.auth, { type: "bearer", token: ["t"] });
  assert.deepEqual(b!.source.auth, {
    type: "basic",
    username: ["u"],
    password: [{ secret: "P" }],
  });
});

Deno.test("authentication by header becomes a header, tls files become references", () => {
  const [only] = plan(group({
    transfers: [transfer("a", {
      source: {
        uri: "https://a.example/x",
        auth: { type: "header", header: "X-Key", value: "${secret:K}" },
        tls: { ca: "/etc/ca.pem", key: "${secret:PEM}", cert: "-----BEGIN CERTIFICATE-----" },
      },
    })],
  })).transfers;
  assert.deepEqual(only!.template.source.headers, { "X-Key": [{ secret: "K" }] });
  assert.equal(only!.template.source.auth, null);
  assert.deepEqual(only!.template.source.tls, {
    ca: [{ file: "/etc/ca.pem" }],
    cert: ["-----BEGIN CERTIFICATE-----"],
    key: [{ secret: "PEM" }],
  });
});

Deno.test("what would weaken safety is refused, wherever it was declared", () => {
  const definition = define(group({
    defaults: { destination: { encryption: { enabled: true } } },
    transfers: [
      transfer("a", { source: { uri: "ftp://a.example/x" } }),
      transfer("b", { source: { uri: "https://a.example/x", protocol: "http" } }),
      transfer("c", { source: { uri: "https://a.example/x", auth: { type: "kerberos" } } }),
      transfer("d", { validation: { checksum: { algorithm: "MD5" } } }),
      transfer("e", {
        destination: { uri: "memory://box/x", auth: { type: "bearer", token: "t" } },
      }),
    ],
  }));
  const credentials = { https: ["basic", "bearer", "header"] };
  const found = unsupported(definition, { protocols: PROTOCOLS, credentials });
  assert.deepEqual(found.map(({ path, severity }) => [path, severity]), [
    ["spec.transfers[0].source.uri", "refused"],
    ["spec.defaults.destination.encryption", "refused"],
    ["spec.transfers[1].source.protocol", "refused"],
    ["spec.transfers[2].source.auth.type", "refused"],
    ["spec.transfers[3].validation.checksum.algorithm", "refused"],
    ["spec.transfers[4].destination.auth.type", "refused"],
  ]);
});

Deno.test("encryption that is switched off and plain files are nothing to warn about", () => {
  const transfers = [
    transfer("a", { destination: { path: "/x", encryption: { enabled: false } } }),
  ];
  assert.deepEqual(unsupported(define(group({ transfers })), { protocols: PROTOCOLS }), []);
});

Deno.test("a run is the document and the values it uses, not the moment and no secret", () => {
  const text = group({
    variables: { DAY: "${date:yyyy-MM-dd}", TOKEN: "${env:TOKEN}", MODE: "full" },
    transfers: [transfer("a", {
      source: { uri: "https://a.example/${env:PLACE}", headers: { Authorization: "${TOKEN}" } },
      destination: { path: "/data/${DAY}-${MODE}" },
    })],
  });
  const definition = define(text);
  const digest = (more: Record<string, unknown>) =>
    runDigest(definition, { ...BINDINGS, ...more }, (value) => `#${value.length}`);
  const env = { PLACE: "here", TOKEN: "hunter2" };
  const first = digest({ env });
  assert.equal(first, digest({ env: { ...env, UNUSED: "1" }, nowMs: NOW_MS + 86_400_000 }));
  assert.equal(first, digest({ env: { ...env, TOKEN: "other" } }));
  assert.ok(!first.includes("hunter2") && !first.includes("here"));
  assert.notEqual(first, digest({ env: { ...env, PLACE: "elsewhere" } }));
  assert.notEqual(first, digest({ env, values: { MODE: "part" } }));
  assert.notEqual(first, digest({ env, pathBase: "/elsewhere" }));
  assert.equal(
    runDigest(define(text), { ...BINDINGS, env }),
    runDigest(definition, { ...BINDINGS, env }),
  );
});

Deno.test("files beyond a limit are answered at once", () => {
  const code = (text: string) =>
    parseDocuments(text, { file: "x.yaml" }).diagnostics.map((found) => found.code);
  assert.deepEqual(code("x".repeat(LIMITS.fileBytes + 1)), ["fileTooLarge"]);
  assert.deepEqual(code("é".repeat(LIMITS.fileBytes / 2 + 1)), ["fileTooLarge"]);
  assert.deepEqual(code("\n".repeat(LIMITS.lines + 1)), ["fileTooLarge"]);
  assert.ok(code("--- 1\n".repeat(LIMITS.documents + 1)).includes("tooMany"));
  assert.ok(code("a: " + "[".repeat(20_000)).includes("tooDeep"));
  assert.ok(code("- ".repeat(20_000) + "a").includes("tooDeep"));
  const aliases = `a: &a {${"k: v, ".repeat(0)}x: [${"1,".repeat(2_000)}]}\n` +
    Array.from({ length: 2_000 }, (_, index) => `b${index}: *a`).join("\n");
  assert.deepEqual(code(aliases), ["aliasBomb"]);
});

Deno.test("100,000 keys in one map are read in seconds, not hours", () => {
  const text = Array.from({ length: 100_000 }, (_, index) => `k${index}: 1`).join("\n");
  const { diagnostics } = parseDocuments(text + "\nk5: 2", { file: "x.yaml" });
  assert.deepEqual(diagnostics.map(({ code }) => code), ["duplicateKey"]);
});

Deno.test("anchors may be shared by many transfers", () => {
  const transfers = Array.from(
    { length: 500 },
    (_, index) =>
      `  - {name: t${index}, source: {uri: "https://a.example/x"}, ` +
      `destination: {path: /data/${index}}, retry: *r}`,
  );
  const text = `apiVersion: quorus.dev/v1\nkind: TransferGroup\nmetadata: {name: many}\nspec:\n` +
    `  defaults: {retry: &r {maxAttempts: 9}}\n  transfers:\n${transfers.join("\n")}\n`;
  assert.equal(plan(text).transfers[499]!.template.retry.maxAttempts, 9);
});

Deno.test("keys of Object's prototype are ordinary names", () => {
  assert.deepEqual(codes(group({ transfers: [transfer("a", { constructor: 1 })] })), [
    "unknownKey",
  ]);
  const path = "/data/${toString}";
  assert.deepEqual(codes(group({ transfers: [transfer("a", { destination: { path } })] })), [
    "unknownVariable",
  ]);
});

Deno.test("a suggestion is near or is not made", () => {
  assert.equal(nearest("maxAttemps", ["maxAttempts", "maxDelay"]), "maxAttempts");
  assert.equal(nearest("retries", ["source", "retry"]), "retry");
  assert.equal(nearest("uirs", ["uris"]), "uris");
  assert.equal(nearest("completely", ["different"]), null);
});

Deno.test("10,000 transfers are read and planned", () => {
  const transfers = Array.from({ length: 10_000 }, (_, index) => transfer(`file-${index}`));
  const made = plan(group({ execution: { strategy: "parallel" }, transfers }));
  assert.equal(made.transfers.length, 10_000);
  assert.equal(made.levels[0]!.length, 10_000);
});
