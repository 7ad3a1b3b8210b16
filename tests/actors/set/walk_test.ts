import assert from "node:assert/strict";
import type { Directory, Entry } from "../../../protocols/directory.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { walk, type WalkOptions } from "../../../actors/set/walk.ts";

/** Directories by path; a string is a file, an error is what listing fails with. */
type Tree = { readonly [name: string]: Tree | string | ProtocolError };

class PaperDirectory implements Directory {
  readonly capabilities = {
    list: true,
    remove: false,
    rename: false,
    renameNoReplace: false,
    makeDirectory: false,
  };
  readonly #tree: Tree | ProtocolError;
  readonly #pages: number;
  closed = false;

  constructor(tree: Tree | ProtocolError, pages = 2) {
    this.#tree = tree;
    this.#pages = pages;
  }

  uriOf(name: string): string {
    return `paper:///${name}`;
  }

  async *list() {
    await Promise.resolve();
    if (this.#tree instanceof ProtocolError) throw this.#tree;
    const entries = Object.entries(this.#tree).map(([name, one]) => entryOf(name, one));
    const refused: string[] = [];
    for (let at = 0; at < entries.length; at += this.#pages) {
      yield { entries: entries.slice(at, at + this.#pages), refused };
    }
  }

  stat(): Promise<Entry | null> {
    return Promise.reject(new Error("not asked"));
  }
  remove(): Promise<boolean> {
    return Promise.reject(new Error("not asked"));
  }
  rename(): Promise<boolean> {
    return Promise.reject(new Error("not asked"));
  }
  makeDirectory(): Promise<void> {
    return Promise.reject(new Error("not asked"));
  }
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}

function entryOf(name: string, one: Tree[string]): Entry {
  const mtimeMs = typeof one === "string" ? Number(one) : null;
  const fingerprint = { size: 1, mtimeMs, etag: null, version: null };
  return { name, kind: typeof one === "string" ? "file" : "directory", fingerprint, mode: null };
}

async function walked(tree: Tree, more: Partial<WalkOptions> = {}) {
  const opened: PaperDirectory[] = [];
  const files: string[] = [];
  const failures: string[] = [];
  const open = (path: readonly string[]) => {
    let at: Tree[string] = tree;
    for (const name of path) at = (at as Tree)[name]!;
    const directory = new PaperDirectory(at as Tree);
    opened.push(directory);
    return directory;
  };
  const { signal } = new AbortController();
  for await (
    const page of walk({ open, enters: () => true, order: "none", signal, ...more })
  ) {
    failures.push(...page.failures.map(({ path, code }) => `${path} ${code}`));
    for (const { name, kind } of page.entries) {
      if (kind === "file") files.push([...page.path, name].join("/"));
    }
  }
  assert.ok(opened.every(({ closed }) => closed), "every directory is closed");
  return { files, failures };
}

Deno.test("all files of a tree are met once, whatever the pages", async () => {
  const tree = { a: "1", b: { c: "2", d: { e: "3" }, f: "4" }, g: "5", h: {} };
  const { files } = await walked(tree);
  assert.deepEqual(files.sort(), ["a", "b/c", "b/d/e", "b/f", "g"]);
});

Deno.test("a directory that is not to be entered is not listed", async () => {
  const denied = new ProtocolError("denied", "no");
  const { files, failures } = await walked({ a: "1", b: denied as unknown as Tree }, {
    enters: () => false,
  });
  assert.deepEqual([files, failures], [["a"], []]);
});

Deno.test("a directory that cannot be listed is a failure, one that is gone is not", async () => {
  const denied = new ProtocolError("denied", "no") as unknown as Tree;
  const gone = new ProtocolError("notFound", "gone") as unknown as Tree;
  const { files, failures } = await walked({ a: denied, b: gone, c: "1" });
  assert.deepEqual([files, failures], [["c"], ["a/ denied"]]);
});

Deno.test("the declared directory must be there", async () => {
  const gone = new ProtocolError("notFound", "gone") as unknown as Tree;
  await assert.rejects(walked(gone), { code: "notFound" });
});

Deno.test("names and times put the files of each directory in order", async () => {
  const tree = { c: "1", a: "3", b: "2" };
  assert.deepEqual((await walked(tree, { order: "name" })).files, ["a", "b", "c"]);
  assert.deepEqual((await walked(tree, { order: "oldest" })).files, ["c", "b", "a"]);
});

Deno.test("more names than can be put in order are refused, with what to do", async () => {
  const tree = Object.fromEntries(Array.from({ length: 10_001 }, (_, n) => [`f${n}`, "1"]));
  await assert.rejects(walked(tree, { order: "name" }), {
    code: "selectionInvalid",
    message: /leave select.order out/,
  });
  assert.equal((await walked(tree)).files.length, 10_001);
});

Deno.test("directories without end below each other are left, and that is told", async () => {
  let tree: Tree = { file: "1" };
  for (let depth = 0; depth < 70; depth++) tree = { d: tree };
  const { files, failures } = await walked(tree);
  assert.equal(files.length, 0);
  assert.equal(failures.length, 1);
  assert.match(failures[0]!, / tooDeep$/);
});

Deno.test("what whoever walks throws is not taken for a failed listing", async () => {
  const { signal } = new AbortController();
  const open = () => new PaperDirectory({ a: "1" });
  const pages = walk({ open, enters: () => true, order: "none", signal });
  const run = async () => {
    for await (const _ of pages) throw new ProtocolError("denied", "mine");
  };
  await assert.rejects(run, { code: "denied", message: "mine" });
});
