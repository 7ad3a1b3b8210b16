/** The documents of the original paper validate as they stand. */

import assert from "node:assert/strict";
import { hasErrors } from "../../workflows/diagnostic.ts";
import { needs } from "../../workflows/needs.ts";
import { parseDocuments } from "../../workflows/parse.ts";
import { planGroup } from "../../workflows/planner.ts";
import { resolveAction, resolveTransfer } from "../../workflows/resolve.ts";
import { unsupported } from "../../workflows/unsupported.ts";
import { BINDINGS, define, fixture, PROTOCOLS, succeeded } from "./fixtures.ts";

const TENANT = { storage: { root: "/srv/acme" } };

Deno.test("the paper's transfer validates, and what is not carried out is named", () => {
  const definition = define(fixture("transfer.yaml"));
  const found = unsupported(definition, { protocols: PROTOCOLS });
  const refused = found.filter(({ severity }) => severity === "refused").map(({ path }) => path);
  assert.deepEqual(refused, [
    "spec.source.authentication.type",
    "spec.destination.protocol",
    "spec.destination.encryption",
    "spec.validation.dataQuality",
  ]);
  const warned = found.filter(({ severity }) => severity === "warning").map(({ path }) => path);
  assert.deepEqual(warned, [
    "spec.source.networkOptimization.useInternalRouting",
    "spec.monitoring.metricsEnabled",
    "spec.monitoring.alertOnFailure",
    "spec.monitoring.integrations",
    "spec.monitoring.tags",
  ]);
  assert.equal(found.find(({ path }) => path === "spec.destination.encryption")?.line, 41);
});

Deno.test("the paper's transfer plans as a group of one", () => {
  const { plan } = planGroup(define(fixture("transfer.yaml")), BINDINGS);
  assert.ok(plan);
  assert.deepEqual(plan.levels, [["internal-data-sync"]]);
  const { template } = plan.transfers[0]!;
  assert.deepEqual(template.destination.location.text, [
    "/corporate-storage/data-warehouse/customers/customers-2026-11-21.json",
  ]);
  assert.equal(template.destination.permissions, 0o640);
  assert.deepEqual(template.source.headers["X-Network-Zone"], ["internal-dmz"]);
  assert.deepEqual(template.validation, {
    minBytes: 10_000_000,
    maxBytes: 5_000_000_000,
    checksum: { algorithm: "sha256", valueHex: null, required: true },
    level: "none",
  });
  assert.deepEqual(template.retry, {
    maxAttempts: 5,
    backoff: "exponential",
    initialDelayMs: 500,
    maxDelayMs: 10_000,
    multiplier: 2,
  });
});

Deno.test("the paper's group asks for its tenant's root and keeps its token a reference", () => {
  const definition = define(fixture("group.yaml"));
  assert.deepEqual(needs(definition), {
    env: [],
    files: [],
    sealedEnv: ["API_TOKEN"],
    sealedFiles: [],
    secrets: [],
    values: ["tenant.storage.root"],
    date: true,
  });
  assert.deepEqual(
    planGroup(definition, BINDINGS).diagnostics.map(({ code }) => code),
    ["unbound"],
  );
});

Deno.test("the paper's group plans and resolves with its variables supplied", () => {
  const bindings = { ...BINDINGS, tenant: TENANT };
  const { plan } = planGroup(define(fixture("group.yaml")), bindings);
  assert.ok(plan);
  assert.deepEqual(plan.levels, [["user-data"], ["order-data"], ["analytics-data"]]);
  assert.equal(plan.timeoutMs, 3_600_000);
  assert.equal(plan.variables.AUTH_TOKEN, "${env:API_TOKEN}");
  const spec = resolveTransfer(plan.transfers[0]!, {});
  assert.equal(spec.destination.uri, "file:///srv/acme/backup/2026-11-21/users.json");
  assert.deepEqual(spec.source.headers.Authorization, [{ env: "API_TOKEN" }]);
  assert.deepEqual(plan.transfers[2]!.condition?.refersTo, ["user-data", "order-data"]);
  const failure = { message: "no route", code: "net", transfer: "user-data" };
  assert.deepEqual(resolveAction(plan.onFailure[0]!, { "user-data": succeeded() }, failure), {
    type: "notify",
    target: "email://ops-team@company.com",
    message: "Daily backup failed: no route",
  });
});

const SEEDS = new URL("../../../shared/seeds/", import.meta.url);

function originals(): { kind: string; text: string }[] {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(SEEDS)];
  } catch {
    return [];
  }
  const found: { kind: string; text: string }[] = [];
  for (const entry of entries.filter(({ name }) => name.startsWith("001_"))) {
    const paper = Deno.readTextFileSync(new URL(entry.name, SEEDS));
    for (const block of paper.matchAll(/```yaml\n([\s\S]*?)```/g)) {
      const kind = /^kind: (\w+)$/m.exec(block[1]!)?.[1];
      if (kind !== undefined && block[1]!.includes("quorus.dev/v1")) {
        found.push({ kind, text: block[1]! });
      }
    }
  }
  return found;
}

for (const { kind, text } of originals()) {
  Deno.test(`the original ${kind} is answered as promised`, () => {
    const { definitions, diagnostics } = parseDocuments(text, { file: "paper.yaml" });
    if (kind === "Transfer" || kind === "TransferGroup") {
      assert.ok(!hasErrors(diagnostics));
      assert.ok(planGroup(definitions[0]!, { ...BINDINGS, tenant: TENANT }).plan);
    } else {
      assert.deepEqual(diagnostics.map(({ code }) => code), ["unsupportedKind"]);
    }
  });
}
