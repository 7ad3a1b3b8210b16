import assert from "node:assert/strict";
import { parseDocuments } from "../../workflows/parse.ts";
import { planGroup } from "../../workflows/planner.ts";
import { resolveTransfer } from "../../workflows/resolve.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { unsupported } from "../../workflows/unsupported.ts";

type Declared = Readonly<Record<string, unknown>>;

function planned(source: Declared, destination: Declared, values: Record<string, string> = {}) {
  const text = JSON.stringify({
    apiVersion: "quorus.dev/v1",
    kind: "Transfer",
    metadata: { name: "set" },
    spec: { source, destination },
  });
  const { definitions, diagnostics } = parseDocuments(text, {
    file: "set.yaml",
    given: Object.keys(values),
  });
  const [definition] = definitions;
  if (definition === undefined) return { diagnostics, spec: null, definition: null };
  const bindings = { nowMs: 0, env: {}, files: {}, values, pathBase: "/base" };
  const result = planGroup(definition, bindings);
  const [transfer] = result.plan?.transfers ?? [];
  const spec = transfer === undefined ? null : resolveTransfer(transfer, {});
  return { diagnostics: result.diagnostics, spec, definition };
}

function specOf(source: Declared, destination: Declared, values = {}): TransferSpec {
  const { spec, diagnostics } = planned(source, destination, values);
  assert.ok(spec !== null, diagnostics.map(({ message }) => message).join("\n"));
  return spec;
}

Deno.test("two directories make a set with all files at any depth", () => {
  const { source, destination, set } = specOf({ uri: "file:///in/" }, { path: "out/" });
  assert.deepEqual([source.uri, destination.uri], ["file:///in/", "file:///base/out/"]);
  assert.equal(destination.preserveMtime, true);
  assert.deepEqual(set, {
    ...{ glob: null, include: [], exclude: [], depth: null },
    ...{ minAgeMs: null, maxAgeMs: null, minBytes: null, maxBytes: null, stable: null },
    ...{ onlyNew: null, order: "none", compare: "mtime", after: null, mirror: null },
    ...{ concurrentFiles: 16, maxFailures: 1_000 },
  });
});

Deno.test("a glob is split from its directory, in paths and in URIs", () => {
  const cases: readonly [Declared, string, string, number | null][] = [
    [{ path: "/in/*.csv" }, "file:///in/", "/*.csv", 0],
    [{ path: "*.csv" }, "file:///base/", "/*.csv", 0],
    [{ uri: "sftp://host/a/2026-*/x/*.csv" }, "sftp://host/a/", "/2026-*/x/*.csv", 2],
    [{ uri: "file:///in/**/*.csv" }, "file:///in/", "/**/*.csv", null],
    [{ uri: "file:///in/a%2A%20*.csv" }, "file:///in/", "/a\\* *.csv", 0],
  ];
  for (const [source, directory, glob, depth] of cases) {
    const spec = specOf(source, { path: "/out/" });
    assert.deepEqual(
      [spec.source.uri, spec.set?.glob, spec.set?.depth],
      [directory, glob, depth],
    );
  }
});

Deno.test("an escaped star, or one in a query, is part of a single file's name", () => {
  const escaped = specOf({ uri: "file:///in/a%2A.csv" }, { path: "/out/a.csv" });
  const query = specOf({ uri: "https://a.example/x?all=*" }, { path: "/out/a.csv" });
  assert.deepEqual([escaped.set, query.set], [undefined, undefined]);
});

Deno.test("a variable may hold the glob, and cannot lead out of what was declared", () => {
  const spec = specOf({ path: "/in/${WHICH}" }, { path: "/out/" }, { WHICH: "2026-*.csv" });
  assert.deepEqual([spec.source.uri, spec.set?.glob], ["file:///in/", "/2026-*.csv"]);
  for (const WHICH of ["../secret/*.csv", "../*", "a/../../*.csv"]) {
    const { spec } = planned({ path: "/in/${WHICH}" }, { path: "/out/" }, { WHICH });
    assert.equal(spec, null, WHICH);
  }
});

Deno.test("units, ledgers, markers and archives are planned", () => {
  const { set } = specOf({
    path: "/in/",
    after: { move: "/in/done/" },
    select: {
      minAge: "30s",
      maxSize: "1MiB",
      recursive: false,
      stable: { observations: 3 },
      order: "oldest",
    },
  }, { path: "/out/" });
  assert.deepEqual([set?.minAgeMs, set?.maxBytes, set?.depth], [30_000, 1_048_576, 0]);
  assert.deepEqual(set?.stable, { observations: 3, everyMs: 5_000 });
  assert.deepEqual(set?.after, { move: "file:///in/done/" });
  const ledger = specOf({
    path: "/in/",
    select: { onlyNew: { ledger: "daily", keep: "90d" }, stable: { marker: "*.done" } },
  }, { path: "/out/" });
  assert.deepEqual(ledger.set?.onlyNew, { ledger: "daily", keepMs: 7_776_000_000 });
  assert.deepEqual(ledger.set?.stable, { marker: "*.done" });
});

Deno.test("an archive that is no directory is told at its place", () => {
  const { spec, diagnostics } = planned({ path: "/in/", after: { move: "/done" } }, {
    path: "/out/",
  });
  assert.equal(spec, null);
  assert.match(diagnostics[0]?.message ?? "", /names no directory; end it with \//);
});

Deno.test("protocols whose directories cannot be listed are refused as sources of sets", () => {
  const { definition } = planned({ uri: "https://a.example/in/" }, { path: "/out/" });
  const found = unsupported(definition!, {
    protocols: ["file", "https"],
    directories: ["file"],
  });
  assert.deepEqual(found.map(({ severity, path }) => [severity, path]), [
    ["refused", "spec.source.uri"],
  ]);
});
