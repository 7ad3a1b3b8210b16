/** The template language. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { formatDate, parseText, type TextPart } from "../../workflows/expression.ts";
import { maskSealed } from "../../workflows/sealed.ts";
import { resolveAction, resolveTransfer } from "../../workflows/resolve.ts";
import { codes, failed, group, NOW_MS, plan, succeeded, transfer } from "./fixtures.ts";

const write = (part: TextPart): string =>
  typeof part === "string" ? part.replaceAll("${", () => "$${") : part.written;

Deno.test("dates follow Java-style patterns in UTC", () => {
  assert.equal(formatDate("yyyy-MM-dd'T'HH:mm:ss.SSSX", NOW_MS), "2026-11-21T09:05:06.007Z");
  assert.equal(formatDate("yy/M/d h a ''DDD", NOW_MS), "26/11/21 9 AM '325");
});

Deno.test("$${ stands for a literal ${", () => {
  assert.deepEqual(parseText("a$${b}${date:yyyy}").parts.map(write), ["a$${b}", "${date:yyyy}"]);
  const one = plan(group({ transfers: [transfer("a", { destination: { path: "/data/$${x}" } })] }));
  assert.deepEqual(one.transfers[0]!.template.destination.location.text, ["/data/${x}"]);
});

Deno.test("property: a text is its parts written one after the other", () => {
  const literal = fc.string().filter((text) => !/[$]/.test(text));
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,8}$/);
  const expression = fc.oneof(
    name.map((word) => `\${${word}}`),
    fc.tuple(name, name).map(([step, field]) => `\${${step}.result.${field}}`),
    fc.constantFrom("${date:yyyy-MM-dd}", "${env:HOME}", "${secret:a/b c}", "${file:/etc/x}"),
    fc.constant("$${"),
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(literal, expression)), (pieces) => {
      const text = pieces.join("");
      const { parts, problems } = parseText(text);
      assert.deepEqual(problems, []);
      assert.equal(parts.map(write).join(""), text);
      for (const part of parts) {
        if (typeof part !== "string") {
          assert.equal(text.slice(part.offset, part.offset + part.written.length), part.written);
        }
      }
    }),
  );
});

Deno.test("variables may use each other, and --var wins over what is declared", () => {
  const text = group({
    variables: { A: "${B}/x", B: "/root", PORT: 8080 },
    transfers: [transfer("a", { destination: { path: "${A}/${PORT}" } })],
  });
  const path = (values: Record<string, string>) =>
    plan(text, { values }).transfers[0]!.template.destination.location.text;
  assert.deepEqual(path({}), ["/root/x/8080"]);
  assert.deepEqual(path({ B: "/other" }), ["/other/x/8080"]);
});

Deno.test("a variable without a value must be given", () => {
  const text = group({
    variables: { REGION: null },
    transfers: [transfer("a", { destination: { path: "/data/${REGION}" } })],
  });
  assert.deepEqual(codes(text), ["unbound"]);
  assert.deepEqual(codes(text, { values: { REGION: "eu" } }), []);
});

Deno.test("environment and files are text in a path and references in a header", () => {
  const text = group({
    variables: { TOKEN: "Bearer ${file:/run/token}${env:SUFFIX}${secret:PEPPER}" },
    transfers: [transfer("a", {
      source: { uri: "https://a.example/${env:WHERE}", headers: { Authorization: "${TOKEN}" } },
      destination: { path: "/data/${file:/run/name}" },
    })],
  });
  const bindings = { env: { WHERE: "here" }, files: { "/run/name": "report\n" } };
  const { template } = plan(text, bindings).transfers[0]!;
  assert.deepEqual(template.source.location.text, ["https://a.example/here"]);
  assert.deepEqual(template.destination.location.text, ["/data/report"]);
  const header = template.source.headers.Authorization!;
  assert.deepEqual(header, [
    "Bearer ",
    { file: "/run/token" },
    { env: "SUFFIX" },
    { secret: "PEPPER" },
  ]);
  assert.equal(maskSealed(header), "Bearer ${file:/run/token}${env:SUFFIX}${secret:PEPPER}");
  assert.deepEqual(codes(text), ["unbound", "unbound"]);
});

Deno.test("earlier results fill uris, paths, headers and checksums", () => {
  const text = group({
    transfers: [
      transfer("users"),
      transfer("copy", {
        source: {
          uri: "https://a.example/by-hash/${users.result.checksum}",
          headers: { "X-Bytes": "${users.result.bytes}" },
        },
        validation: { checksum: { value: "${users.result.checksum}" } },
        dependsOn: ["users"],
      }),
    ],
  });
  const copy = plan(text).transfers[1]!;
  const spec = resolveTransfer(copy, { users: succeeded() });
  assert.equal(spec.source.uri, `https://a.example/by-hash/${"a".repeat(64)}`);
  assert.deepEqual(spec.source.headers, { "X-Bytes": ["1000"] });
  assert.equal(spec.validation.checksum?.valueHex, "a".repeat(64));
  assert.throws(() => resolveTransfer(copy, {}), { code: "missingResult" });
  const wrong = { users: succeeded({ checksum: "x" }) };
  assert.throws(() => resolveTransfer(copy, wrong), { code: "badChecksum" });
});

Deno.test("variables that double each other are stopped", () => {
  const variables: Record<string, string> = { V0: "0123456789" };
  for (let index = 1; index <= 40; index++) {
    variables[`V${index}`] = `\${V${index - 1}}\${V${index - 1}}`;
  }
  const transfers = [transfer("a", { destination: { path: "/data/${V40}" } })];
  assert.ok(codes(group({ variables, transfers })).includes("tooMany"));
});

Deno.test("a message arrives even when a fact is missing, a cleanup does not guess", () => {
  const made = plan(group({
    transfers: [transfer("users")],
    onFailure: [
      { action: "notify", target: "log", message: "${users.result.bytes} of ${error.transfer}" },
      { action: "cleanup", target: "/data/${users.result.checksum}", retentionDays: 1 },
    ],
  }));
  const failure = { message: "no route", code: "net", transfer: "users" };
  const results = { users: failed("no route") };
  const [notify, cleanup] = made.onFailure;
  assert.deepEqual(resolveAction(notify!, results, failure), {
    type: "notify",
    target: "log",
    message: "(unknown) of users",
  });
  assert.throws(() => resolveAction(cleanup!, results, failure), { code: "missingResult" });
});

Deno.test("options of a source may use variables", () => {
  const source = {
    uri: "https://a.example/x",
    options: { depth: 3, zone: "${metadata.labels.zone}" },
  };
  const made = plan(group({ transfers: [transfer("a", { source })] }));
  assert.deepEqual(made.transfers[0]!.template.source.options, { depth: 3, zone: "dmz" });
});

Deno.test("a text that grows too long with its values is stopped", () => {
  const transfers = [transfer("a", {
    source: { uri: "https://a.example/x", headers: { A: "${BIG}".repeat(100) } },
  })];
  const text = group({ variables: { BIG: "x".repeat(1_000) }, transfers });
  assert.deepEqual(codes(text), ["tooMany"]);
});

Deno.test("a plan is plain JSON", () => {
  const text = group({
    transfers: [transfer("a"), transfer("b", { dependsOn: ["a"], condition: "${a.success}" })],
  });
  const made = plan(text);
  assert.deepEqual(JSON.parse(JSON.stringify(made)), made);
});
