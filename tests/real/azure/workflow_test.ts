/** Workflow files whose ends are in a storage account, run by the command line. */

import assert from "node:assert/strict";
import { patterned } from "../../conformance/case.ts";
import { quorus } from "../../scenario/quorus.ts";
import { type Azurite, startAzurite } from "../../servers/azurite.ts";
import { requirePrograms } from "../require.ts";
import { makeContainer } from "./harness.ts";
import { rclone } from "./rclone.ts";

const needs = requirePrograms(["azurite-blob", "rclone"]);

/** One emulator for all: it takes seconds to start. */
const azurite = needs.ignore ? null : await startAzurite();
if (azurite !== null) await makeContainer(azurite);
Deno.test.afterAll(() => azurite?.close());

async function withAzurite(body: (azurite: Azurite) => Promise<void>): Promise<void> {
  assert.ok(azurite !== null);
  const folder = await Deno.makeTempDir({ dir: azurite.folder });
  await body({ ...azurite, folder });
}

/** The example of the page for users. */
async function pageExample(): Promise<string> {
  const page = new URL("../../../protocols/azure/README.md", import.meta.url);
  return /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
}

const secrets = ({ accountKey }: Azurite) => ({ QUORUS_SECRET_AZURE_KEY: accountKey });

Deno.test({
  name: "azblob: the example of the page runs as it stands, and once only where the name is taken",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { folder, account, endpoint } = azurite;
      await Deno.writeTextFile(`${folder}/orders.csv`, "1;2\n");
      await rclone(azurite, "copyto", `${folder}/orders.csv`, "az:box/in/orders.csv");
      const file = `${folder}/page.yaml`;
      await Deno.writeTextFile(file, await pageExample());
      const values = Object.entries({ ACCOUNT: account, CONTAINER: "box", ENDPOINT: endpoint })
        .flatMap(([name, value]) => ["--var", `${name}=${value}`]);
      const env = secrets(azurite);
      const first = await quorus(["run", file, ...values, "--data", `${folder}/a`], { env });
      assert.equal(first.code, 0, first.out + first.err);
      const name = `archive/orders-${new Date().getUTCFullYear()}.csv`;
      assert.equal(await rclone(azurite, "cat", `az:box/${name}`), "1;2\n");
      const second = await quorus(["run", file, ...values, "--data", `${folder}/b`], { env });
      assert.equal(second.code, 1);
      assert.match(second.out + second.err, /taken|exists/);
      assert.ok(!(second.out + second.err).includes(azurite.accountKey));
    }),
});

Deno.test({
  name: "files of many sizes go to the account and back, and rclone finds them to be the same",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { folder, account, endpoint } = azurite;
      const [there, back] = [`${folder}/there`, `${folder}/back`];
      for (const made of [there, back]) await Deno.mkdir(made);
      const sizes = [0, 1, 8_388_607, 8_388_608, 8_388_609, 20_000_000];
      for (const size of sizes) await Deno.writeFile(`${there}/${size}`, patterned(size, size));
      const access = `auth: {type: sharedKey, account: ${account}, ` +
        `accountKey: "\${secret:AZURE_KEY}"}, options: {endpoint: "${endpoint}"}`;
      const place = `azblob://${account}/box/a`;
      const transfers = sizes.map((size) => `
    - name: there-${size}
      source: {path: "${there}/${size}"}
      destination: {uri: "${place}/${size}", ${access}, preserveMtime: true}
    - name: back-${size}
      dependsOn: [there-${size}]
      source: {uri: "${place}/${size}", ${access}}
      destination: {path: "${back}/${size}", preserveMtime: true}`);
      const file = `${folder}/w.yaml`;
      const head = "apiVersion: quorus.dev/v1\nkind: TransferGroup\nmetadata: {name: round}\n";
      await Deno.writeTextFile(file, `${head}spec:\n  transfers:${transfers.join("")}\n`);
      const words = ["run", file, "--data", `${folder}/s`];
      const { code, out, err } = await quorus(words, { env: secrets(azurite) });
      assert.equal(code, 0, out + err);
      for (const size of sizes) {
        assert.deepEqual(await Deno.readFile(`${back}/${size}`), patterned(size, size));
      }
      // Sizes and MD5s are those of the account, times those of its metadata.
      await rclone(azurite, "check", there, "az:box/a");
      const diff = await rclone(azurite, "lsf", "--format", "pt", "az:box/a");
      const mtime = (await Deno.stat(`${there}/1`)).mtime!;
      const local = new Date(mtime.getTime() - mtime.getTimezoneOffset() * 60_000).toISOString();
      assert.ok(diff.includes(`1;${local.slice(0, 19).replace("T", " ")}`), diff);
    }),
});

Deno.test({
  name: "what rclone wrote in blocks of its own is read, and what it writes over is replaced by it",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { folder, account, endpoint } = azurite;
      await Deno.writeFile(`${folder}/big`, patterned(20_000_000, 5));
      const chunk = ["--azureblob-chunk-size", "4Mi"];
      await rclone(azurite, ...chunk, "copyto", `${folder}/big`, "az:box/odd/ü %1 + x");
      const file = `${folder}/w.yaml`;
      const uri = `azblob://${account}/box/odd/${encodeURIComponent("ü %1 + x")}`;
      const access = `auth: {type: sharedKey, account: ${account}, ` +
        `accountKey: "\${secret:AZURE_KEY}"}, options: {endpoint: "${endpoint}"}`;
      await Deno.writeTextFile(
        file,
        `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: over}
spec:
  transfers:
    - name: get
      source: {uri: "${uri}", ${access}}
      destination: {path: "${folder}/got"}
    - name: put
      dependsOn: [get]
      source: {path: "${folder}/w.yaml"}
      destination: {uri: "${uri}", ${access}, conflict: overwrite}
`,
      );
      const words = ["run", file, "--data", `${folder}/s`];
      const { code, out, err } = await quorus(words, { env: secrets(azurite) });
      assert.equal(code, 0, out + err);
      assert.deepEqual(await Deno.readFile(`${folder}/got`), patterned(20_000_000, 5));
      const text = await rclone(azurite, "cat", "az:box/odd/ü %1 + x");
      assert.equal(text, await Deno.readTextFile(file));
    }),
});

Deno.test({
  name: "long files whose name is taken go to the account under the next one, and are whole",
  ...needs,
  fn: () =>
    withAzurite(async (azurite) => {
      const { folder, account, endpoint } = azurite;
      await Deno.writeFile(`${folder}/f.bin`, patterned(20_000_000, 3));
      await Deno.writeTextFile(`${folder}/short`, "1");
      await rclone(azurite, "copyto", `${folder}/short`, "az:box/named/f.bin");
      const file = `${folder}/w.yaml`;
      await Deno.writeTextFile(
        file,
        `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: renamed}
spec:
  source: {path: "${folder}/f.bin"}
  destination:
    uri: "azblob://${account}/box/named/f.bin"
    auth: {type: sharedKey, account: ${account}, accountKey: "\${secret:AZURE_KEY}"}
    options: {endpoint: "${endpoint}"}
    conflict: rename
`,
      );
      const { code, out, err } = await quorus(["run", file, "--data", `${folder}/s`], {
        env: secrets(azurite),
      });
      assert.equal(code, 0, out + err);
      assert.equal(await rclone(azurite, "cat", "az:box/named/f.bin"), "1");
      await rclone(azurite, "copyto", "az:box/named/f (1).bin", `${folder}/got`);
      assert.deepEqual(await Deno.readFile(`${folder}/got`), patterned(20_000_000, 3));
      const names = (await rclone(azurite, "lsf", "az:box/named")).trim().split("\n");
      assert.deepEqual(names.sort(), ["f (1).bin", "f.bin"]);
    }),
});
