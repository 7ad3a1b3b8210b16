/** Every YAML example is valid and does what its comments say, run by the real command line. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { type FileServer, startFileServer } from "../servers/file_server.ts";
import { bytesFile, generatedFile, type ServedFile, sha256Of } from "../servers/pattern.ts";
import { inFolder } from "../scenario/folder.ts";
import { endOf, eventsOf, quorus } from "../scenario/quorus.ts";

const EXAMPLES = resolve(import.meta.dirname ?? ".", "../../examples");

interface Scene {
  readonly server: FileServer;
  readonly out: string;
  readonly state: string;
  /** Runs an example with ORIGIN, OUT and the values given. */
  run(example: string, values?: Record<string, string>): ReturnType<typeof quorus>;
  text(name: string): string;
  names(folder?: string): string[];
}

function textFile(text: string): ServedFile {
  return bytesFile(new TextEncoder().encode(text));
}

async function withServer(
  files: Readonly<Record<string, ServedFile>>,
  test: (scene: Scene) => Promise<void>,
): Promise<void> {
  await inFolder(async (folder) => {
    const server = startFileServer({ files: new Map(Object.entries(files)) });
    const out = `${folder}/out`;
    const state = `${folder}/state`;
    try {
      await test({
        server,
        out,
        state,
        run: (example, values = {}) => {
          const given = Object.entries({ ORIGIN: server.origin, OUT: out, ...values });
          const variables = given.flatMap(([name, value]) => ["--var", `${name}=${value}`]);
          const env = { STAGE: "test", QUORUS_SECRET_EXPORT_TOKEN: "s3cret" };
          const args = ["run", `examples/${example}`, ...variables, "--data", state, "--json"];
          return quorus(args, { env });
        },
        text: (name) => Deno.readTextFileSync(`${out}/${name}`),
        names: (inner = "") =>
          [...Deno.readDirSync(`${out}/${inner}`)].map(({ name }) => name).sort(),
      });
    } finally {
      await server.close();
    }
  });
}

/** Everything that is kept below a folder, as one text. */
function bytesBelow(folder: string): string {
  return [...Deno.readDirSync(folder)].map(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory
      ? bytesBelow(path)
      : new TextDecoder("latin1").decode(Deno.readFileSync(path));
  }).join("");
}

function states(out: string): Record<string, string | undefined> {
  const changes = eventsOf(out).filter(({ type }) => type === "job.changed");
  return Object.fromEntries(changes.map(({ name, state }) => [name, state]));
}

Deno.test("every YAML example is valid", async () => {
  const files = [...Deno.readDirSync(EXAMPLES)].map(({ name }) => name)
    .filter((name) => name.endsWith(".yaml")).map((name) => `examples/${name}`);
  assert.ok(files.length >= 6);
  const { code, out, err } = await quorus(["validate", ...files, "examples/demo/demo.yaml"]);
  assert.equal(code, 0, out + err);
});

Deno.test("examples/README.md names every example", () => {
  const readme = Deno.readTextFileSync(`${EXAMPLES}/README.md`);
  for (const { name } of Deno.readDirSync(EXAMPLES)) {
    assert.ok(readme.includes(name) || name === "README.md", name);
  }
});

Deno.test("02_copy copies the file beside it, and again when it is run again", async () => {
  await withServer({}, async ({ run, text, out: folder }) => {
    for (const _ of [1, 2]) {
      const { code, out, err } = await run("02_copy.yaml");
      assert.equal(code, 0, out + err);
      assert.equal(text("README.md"), Deno.readTextFileSync(`${EXAMPLES}/README.md`));
      await Deno.remove(`${folder}/README.md`);
    }
  });
});

Deno.test("03_group orders transfers, skips by condition, and names a file by its hash", async () => {
  const orders = textFile("id,customer\n1,7\n");
  const files = {
    "/customers.csv": textFile("id\n7\n"),
    "/orders.csv": orders,
    "/summary.csv": textFile("1\n"),
  };
  await withServer(files, async ({ run, names }) => {
    const { code, out, err } = await run("03_group.yaml");
    assert.equal(code, 0, out + err);
    assert.equal(states(out).details, "skipped");
    assert.equal(states(out).summary, "succeeded");
    assert.deepEqual(names(), ["archive", "customers.csv", "orders.csv", "summary.csv"]);
    assert.deepEqual(names("archive"), [`orders-${sha256Of(orders)}.csv`]);
  });
});

Deno.test("03_group takes the other branch when there are many orders", async () => {
  const files = {
    "/customers.csv": textFile("id\n7\n"),
    "/orders.csv": generatedFile(1_000_001, 3),
    "/details.csv": textFile("detail\n"),
    "/summary.csv": textFile("1\n"),
  };
  await withServer(files, async ({ run, names }) => {
    const { code, out, err } = await run("03_group.yaml");
    assert.equal(code, 0, out + err);
    assert.ok(names().includes("details.csv"));
  });
});

Deno.test("04_variables builds places from values, and sends the secret but shows it nowhere", async () => {
  const files = { "/apac/customers.json": textFile("[]") };
  await withServer(files, async ({ run, names, server, state }) => {
    const { code, out, err } = await run("04_variables.yaml", { REGION: "apac" });
    assert.equal(code, 0, out + err);
    assert.match(names("sales/apac").join(), /^customers-\d{4}-\d\d-\d\d\.json$/);
    const headers = server.requests("/apac/customers.json")[0]?.headers;
    assert.equal(headers?.get("authorization"), "Bearer s3cret");
    assert.equal(headers?.get("x-stage"), "test");
    assert.doesNotMatch(out + err, /s3cret/);
    assert.doesNotMatch(bytesBelow(state), /s3cret/);
  });
});

Deno.test("05_retry_and_limits survives a cut connection, and gives up at once where told", async () => {
  const disk = generatedFile(6_000_000, 5);
  await withServer({ "/disk.img": disk }, async ({ run, server, out: folder }) => {
    server.put("/notes.txt", textFile("notes"));
    server.cut("/disk.img", 700_000);
    server.refuse("/notes.txt", 503);
    const { code, out } = await run("05_retry_and_limits.yaml");
    assert.equal(code, 1);
    assert.equal(endOf(out, "disk-image")?.receipt?.sha256, sha256Of(disk));
    assert.ok((endOf(out, "disk-image")?.attempts ?? 0) > 1);
    assert.equal(endOf(out, "no-patience")?.attempts, 1);
    assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["disk.img"]);
  });
});

Deno.test("06_verify publishes what has the right hash, leaves an equal file alone, renames", async () => {
  const release = generatedFile(2_000_000, 6);
  const files = { "/release.tar": release, "/notes.txt": textFile("notes") };
  await withServer(files, async ({ run, out: folder, names, server }) => {
    const values = { SHA256: sha256Of(release) };
    const first = await run("06_verify.yaml", values);
    assert.equal(first.code, 0, first.err);
    assert.equal((Deno.statSync(`${folder}/release.tar`).mode ?? 0) & 0o777, 0o640);
    const second = await run("06_verify.yaml", values);
    assert.equal(second.code, 0, second.err);
    assert.deepEqual(names(), ["notes (1).txt", "notes.txt", "release.tar"]);
    assert.equal(server.bytesServed("/release.tar"), release.size);
  });
});

Deno.test("06_verify publishes nothing when the hash is another", async () => {
  const files = { "/release.tar": generatedFile(50_000, 6), "/notes.txt": textFile("notes") };
  await withServer(files, async ({ run, names }) => {
    const { code, out } = await run("06_verify.yaml", { SHA256: "0".repeat(64) });
    assert.equal(code, 1);
    assert.equal(endOf(out, "release")?.error?.code, "checksumMismatch");
    assert.deepEqual(names(), []);
  });
});

Deno.test("07_actions tells of success, and of failure with its reason", async () => {
  await withServer({ "/database.dump": generatedFile(1_234, 7) }, async ({ run, server }) => {
    const good = await run("07_actions.yaml");
    assert.equal(good.code, 0, good.err);
    assert.match(good.out, /backup of 1234 bytes is at file:/);
    server.remove("/database.dump");
    const bad = await run("07_actions.yaml");
    assert.equal(bad.code, 1);
    assert.match(bad.out, /backup failed: .*404/);
    assert.match(bad.out, /rolled back/);
  });
});

Deno.test("17_sets copies directories, remembers, moves what was copied, and mirrors", async () => {
  await inFolder(async (folder) => {
    const put = async (path: string, text: string) => {
      const at = `${folder}/in/${path}`;
      await Deno.mkdir(at.slice(0, at.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(at, text);
    };
    for (const path of ["photos/2026/a.jpg", "photos/b.jpg", "scans/a.pdf", "scans/b.pdf"]) {
      await put(path, path);
    }
    for (const path of ["orders/1.csv", "orders/1.csv.done", "orders/2.csv", "orders/tmp/3.csv"]) {
      await put(path, path);
    }
    for (const name of ["index", "old", "new"]) await put(`website/${name}.html`, name);
    const values = [`IN=${folder}/in`, `OUT=${folder}/out`].flatMap((value) => ["--var", value]);
    const args = ["run", "examples/17_sets.yaml", ...values, "--data", `${folder}/state`, "--json"];
    const first = await quorus(args);
    assert.equal(first.code, 0, first.out + first.err);
    assert.deepEqual(below(`${folder}/out`), [
      "orders/1.csv",
      "photos/2026/a.jpg",
      "photos/b.jpg",
      ...["scans/a.pdf", "scans/b.pdf"],
      ...["website/index.html", "website/new.html", "website/old.html"],
    ]);
    assert.deepEqual(below(`${folder}/in/scans`), ["done/a.pdf", "done/b.pdf"]);
    await Deno.remove(`${folder}/out/orders/1.csv`);
    await Deno.remove(`${folder}/in/website/old.html`);
    await put("orders/2.csv.done", "");
    const second = await quorus(args);
    assert.equal(second.code, 0, second.out + second.err);
    assert.deepEqual(below(`${folder}/out/orders`), ["2.csv"]);
    assert.deepEqual(below(`${folder}/out/website`), ["index.html", "new.html"]);
  });
});

function below(folder: string): string[] {
  return [...Deno.readDirSync(folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? below(`${folder}/${name}`).map((path) => `${name}/${path}`) : [name]
  ).sort();
}
