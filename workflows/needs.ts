/** What a definition wants to be told before it can be planned and run. */

import type { Definition } from "./definition.ts";
import type { DeclaredTransfer } from "./schema.ts";
import { type Leaf, Scope } from "./scope.ts";
import { declaredTexts } from "./walk.ts";

/** Names by kind, sorted. */
export interface Needs {
  /** Environment variables whose values become visible text. */
  readonly env: readonly string[];
  /** Files whose contents become visible text. */
  readonly files: readonly string[];
  /** Environment variables that only the agent reads, when it opens a source. */
  readonly sealedEnv: readonly string[];
  /** Files that only the agent reads. */
  readonly sealedFiles: readonly string[];
  readonly secrets: readonly string[];
  /** Names bound by `--var` or configuration: `tenant.storage.root`, variables without a value. */
  readonly values: readonly string[];
  /** Whether the moment of the run matters. */
  readonly date: boolean;
}

/** Everything that the used texts of a definition ask for, variables followed to their ends. */
export function needs(definition: Definition, given: Iterable<string> = []): Needs {
  const scope = new Scope(definition, given);
  const found = new Map<string, Set<string>>();
  const add = (kind: string, name: string) => {
    found.set(kind, (found.get(kind) ?? new Set()).add(name));
  };
  for (const { text, role } of declaredTexts(definition)) {
    if (role === "unused" || role === "variable") continue;
    for (const leaf of scope.leaves(text)) addLeaf(add, leaf, role === "sealed");
  }
  for (const [side, file] of pemFiles(definition)) add(side, file);
  const sorted = (kind: string) => [...found.get(kind) ?? []].sort();
  return {
    env: sorted("env"),
    files: sorted("file"),
    sealedEnv: sorted("sealed env"),
    sealedFiles: sorted("sealed file"),
    secrets: sorted("secret"),
    values: sorted("late").filter((name) => !isOwn(definition, name)),
    date: found.has("date"),
  };
}

function addLeaf(add: (kind: string, name: string) => void, leaf: Leaf, sealed: boolean): void {
  switch (leaf.kind) {
    case "env":
    case "file":
      return add(sealed ? `sealed ${leaf.kind}` : leaf.kind, leaf.name);
    case "secret":
    case "late":
      return add(leaf.kind, leaf.name);
    case "date":
      return add("date", "date");
    case "metadata":
    case "step":
    case "error":
      return;
  }
}

function isOwn(definition: Definition, name: string): boolean {
  const { tenant, namespace } = definition.model.metadata;
  if (name === "tenant.id" || name === "tenant.name") return tenant !== undefined;
  return name === "namespace.name" && namespace !== undefined;
}

function pemFiles(definition: Definition): [string, string][] {
  const { spec } = definition.model;
  const bodies = "transfers" in spec ? [...spec.transfers, spec.defaults ?? {}] : [spec];
  return bodies.flatMap(({ source, destination }) => [source, destination])
    .flatMap((end) => [...Object.values(end?.tls ?? {}), privateKeyOf(end)])
    .filter((text): text is string => text !== undefined && isTlsPath(text))
    .map((text) => ["sealed file", text]);
}

function privateKeyOf(end: Partial<DeclaredTransfer["source" | "destination"]> | undefined) {
  return (end?.auth ?? end?.authentication)?.privateKey;
}

/** Whether a field for PEM text is the path of a file, not the text and not an expression. */
export function isTlsPath(text: string): boolean {
  return !text.includes("${") && !text.includes("-----BEGIN");
}
