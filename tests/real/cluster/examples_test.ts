/** A workflow file that runs with `run` runs with `submit`, unchanged: every YAML example, on one cluster. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { startFileServer } from "../../servers/file_server.ts";
import { bytesFile, generatedFile, sha256Of } from "../../servers/pattern.ts";
import { type ClusterUnderTest, withCluster } from "./cluster_processes.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const SHAPE = { controllers: 1, agents: 1, gateways: 1 };
const STAGE = "staging";
const SECRET = "s3cret-of-the-agents";

const text = (content: string) => bytesFile(new TextEncoder().encode(content));
const RELEASE = generatedFile(300_000, 6);
const FILES = new Map([
  ["/customers.csv", text("id\n7\n")],
  ["/orders.csv", text("id,customer\n1,7\n")],
  ["/details.csv", text("detail\n")],
  ["/summary.csv", text("1\n")],
  ["/emea/customers.json", text("[]")],
  ["/disk.img", generatedFile(3_000_000, 5)],
  ["/notes.txt", text("notes")],
  ["/release.tar", RELEASE],
  ["/database.dump", text("rows")],
]);

/** By example: what lies in the cluster's folder afterwards. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  "02_copy.yaml": ["out/README.md"],
  "03_group.yaml": ["out/customers.csv", "out/orders.csv", "out/summary.csv"],
  "04_variables.yaml": [],
  "05_retry_and_limits.yaml": ["out/disk.img", "out/notes.txt"],
  "06_verify.yaml": ["out/release.tar", "out/notes.txt"],
  "07_actions.yaml": [],
  "14_cluster.yaml": [".quorus/kept/README.md", ".quorus/kept/LICENSE"],
  "17_sets.yaml": [
    ...["out/photos/2026/a.jpg", "out/orders/a.csv"],
    ...["out/scans/a.pdf", "in/scans/done/a.pdf", "out/website/index.html"],
  ],
};

/** What the directories of an example hold. */
const IN = [
  ...["photos/2026/a.jpg", "orders/a.csv", "orders/a.csv.done", "orders/b.csv"],
  ...["scans/a.pdf", "website/index.html"],
];

/** The agents get a folder of secrets, as an operator would give them one. */
async function withSecrets({ cwd, cluster, nodes }: ClusterUnderTest): Promise<string> {
  Deno.mkdirSync(`${cwd}/secrets`);
  Deno.writeTextFileSync(`${cwd}/secrets/export-token`, `${SECRET}\n`);
  const config = `${cwd}/.quorus/cluster/a1/agent.yaml`;
  Deno.writeTextFileSync(config, `secrets: ${cwd}/secrets\n`, { append: true });
  const restarted = await cluster("restart", "a1");
  assert.equal(restarted.code, 0, restarted.err);
  const gateway = (await nodes()).find(({ role }) => role === "gateway");
  return `http://${gateway?.place}`;
}

async function quorus(cwd: string, args: readonly string[], env: Record<string, string>) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${ROOT}cli.ts`, ...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, told: `${out}${err}` };
}

Deno.test("every example that run runs, submit runs", () =>
  withCluster(SHAPE, async (cluster) => {
    const { cwd } = cluster;
    const server = startFileServer({ files: FILES });
    try {
      const url = await withSecrets(cluster);
      for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
        Deno.copyFileSync(`${ROOT}${name}`, `${cwd}/${name}`);
      }
      Deno.mkdirSync(`${cwd}/examples`);
      Deno.writeTextFileSync(`${cwd}/examples/README.md`, "beside the workflow");
      const names = [...Deno.readDirSync(`${ROOT}examples`)].map(({ name }) => name)
        .filter((name) => name.endsWith(".yaml")).sort();
      assert.deepEqual(Object.keys(KEPT), names, "this test knows every example");
      for (const path of IN) {
        Deno.mkdirSync(`${cwd}/in/${path}`.replace(/\/[^/]*$/, ""), { recursive: true });
        Deno.writeTextFileSync(`${cwd}/in/${path}`, path);
      }
      const places = { ORIGIN: server.origin, IN: `${cwd}/in`, OUT: `${cwd}/out` };
      const values = { ...places, SHA256: sha256Of(RELEASE) };
      const env = {
        QUORUS_SERVER: url,
        QUORUS_API_KEY_FILE: `${cwd}/.quorus/cluster/admin.key`,
        STAGE,
      };
      for (const name of names) {
        Deno.copyFileSync(`${ROOT}examples/${name}`, `${cwd}/examples/${name}`);
        // From another folder than the file's own.
        const variables = Object.entries({ ...values, FOLDER: cwd })
          .flatMap(([key, value]) => ["--var", `${key}=${value}`]);
        const ran = await quorus(cwd, ["submit", `examples/${name}`, ...variables, "--wait"], env);
        assert.equal(ran.code, 0, `${name}: ${ran.told}`);
        assert.ok(!ran.told.includes(SECRET), name);
        for (const file of KEPT[name]!) assert.ok(Deno.statSync(`${cwd}/${file}`).isFile, file);
      }
      assert.equal(Deno.readTextFileSync(`${cwd}/out/README.md`), "beside the workflow");
      const { headers } = server.requests("/emea/customers.json").at(-1)!;
      assert.equal(headers.get("x-stage"), STAGE);
      assert.equal(headers.get("authorization"), `Bearer ${SECRET}`);
    } finally {
      await server.close();
    }
  }));
