/** The tidy check: `deno run -A tests/tidy/tidy.ts` prints what it found and exits 1 if anything. */

import { type Finding, type RepositoryFile, show } from "./finding.ts";
import { checkCycles, checkDeadFiles, graphOf } from "./import_checks.ts";
import { repositoryRoot } from "./repository.ts";
import { checkText } from "./text_checks.ts";

/** All findings of the repository's `files`; `entries` are where the product is entered. */
export function tidy(
  files: readonly RepositoryFile[],
  entries: readonly string[],
  registryUrl?: string,
): Finding[] {
  const graph = graphOf(files);
  return [
    ...files.flatMap((file) => checkText(file, registryUrl)),
    ...checkCycles(graph),
    ...checkDeadFiles(graph, entries),
  ];
}

/** The entries of the product: the exports of deno.json and the command line. */
export function entriesOf(denoJson: string): string[] {
  const { exports } = JSON.parse(denoJson) as { exports: Record<string, string> };
  return [...Object.values(exports).map((path) => path.replace(/^\.\//, "")), "cli.ts"];
}

/** The paths of all files that belong to the repository, committed or not, ignored ones left out. */
export function repositoryPaths(): string[] {
  const { success, stdout } = new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: repositoryRoot,
    stdout: "piped",
    stderr: "null",
  }).outputSync();
  if (!success) return walk("");
  const names = new TextDecoder().decode(stdout).split("\0").filter((name) => name !== "");
  return [...new Set(names)].sort();
}

/** The same without git, for an unpacked archive. */
function walk(folder: string): string[] {
  const skipped = new Set([".git", ".quorus", "coverage", "node_modules"]);
  return [...Deno.readDirSync(repositoryRoot + folder)].flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = folder + entry.name;
    return entry.isDirectory ? walk(`${path}/`) : entry.isFile ? [path] : [];
  });
}

/** The text of a file; undefined when it is gone, no plain file, or not text. */
function readText(path: string): string | undefined {
  try {
    const info = Deno.lstatSync(repositoryRoot + path);
    if (!info.isFile) return undefined;
    const text = Deno.readTextFileSync(repositoryRoot + path);
    return text.includes("\0") ? undefined : text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Every text file of the repository. */
export function repositoryFiles(): RepositoryFile[] {
  return repositoryPaths().flatMap((path) => {
    const text = readText(path);
    return text === undefined ? [] : [{ path, text }];
  });
}

if (import.meta.main) {
  const files = repositoryFiles();
  const entries = entriesOf(Deno.readTextFileSync(`${repositoryRoot}deno.json`));
  const findings = tidy(files, entries, Deno.env.get("NPM_CONFIG_REGISTRY"));
  for (const finding of findings) console.log(show(finding));
  console.log(`tidy: ${files.length} files, ${findings.length} findings`);
  if (findings.length > 0) Deno.exit(1);
}
