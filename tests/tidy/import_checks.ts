/** Checks of the import graph: cycles, and files that nothing reaches. */

import type { Finding, RepositoryFile } from "./finding.ts";
import { resolve } from "./layers.ts";
import { type Import, importsOf } from "./source_text.ts";

/** Folders whose every file must be reached from an entry. */
const sourceFolders = ["actors/", "cli/", "gateway/", "protocols/", "runtime/", "workflows/"];

/** An import of one of our own files. */
interface Edge {
  readonly target: string;
  readonly kind: Import["kind"];
  readonly line: number;
}

/** Who imports whom among our own files. */
export type Graph = ReadonlyMap<string, readonly Edge[]>;

/** The graph of the TypeScript files among `files`. */
export function graphOf(files: readonly RepositoryFile[]): Graph {
  const graph = new Map<string, Edge[]>();
  for (const { path, text } of files) {
    if (!path.endsWith(".ts")) continue;
    const edges = importsOf(text).filter(({ specifier }) => specifier.startsWith("."))
      .map(({ specifier, kind, line }) => ({ target: resolve(path, specifier), kind, line }));
    graph.set(path, edges);
  }
  return graph;
}

/** One finding for each cycle of imports that exist at run time. */
export function checkCycles(graph: Graph): Finding[] {
  const findings: Finding[] = [];
  const finished = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string, line: number) => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      findings.push(cycle([...trail.slice(start), path], line));
      return;
    }
    if (finished.has(path)) return;
    trail.push(path);
    for (const edge of graph.get(path) ?? []) {
      if (edge.kind === "value") visit(edge.target, edge.line);
    }
    trail.pop();
    finished.add(path);
  };
  for (const path of graph.keys()) visit(path, 1);
  return findings;
}

function cycle(trail: readonly string[], line: number): Finding {
  return {
    path: trail.at(-2) ?? "",
    line,
    what: `Import cycle: ${trail.join(" -> ")}`,
    why: "None of these files can be understood or tested without the others",
    instead: "Move what both need to a file of its own, or import the type only",
  };
}

/** Source files that no entry, and no Worker that an entry starts, reaches. */
export function checkDeadFiles(graph: Graph, entries: readonly string[]): Finding[] {
  const missing = entries.filter((entry) => !graph.has(entry));
  if (missing.length > 0) return missing.map(missingEntry);
  const reached = new Set<string>();
  const queue = [...entries];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (reached.has(path)) continue;
    reached.add(path);
    for (const { target } of graph.get(path) ?? []) queue.push(target);
  }
  return [...graph.keys()]
    .filter((path) => sourceFolders.some((folder) => path.startsWith(folder)))
    .filter((path) => !reached.has(path) && !/_(test|bench)\.ts$/.test(path))
    .map(deadFile);
}

function missingEntry(path: string): Finding {
  return {
    path,
    line: 1,
    what: "This entry does not exist",
    why: "Without it nobody can tell which files are dead",
    instead: "Write it, or take it out of deno.json",
  };
}

function deadFile(path: string): Finding {
  return {
    path,
    line: 1,
    what: "No entry reaches this file",
    why: "Code that nothing uses is read, kept and wrong",
    instead: "Import it where it is used, or delete it; what only tests need stands under tests/",
  };
}
