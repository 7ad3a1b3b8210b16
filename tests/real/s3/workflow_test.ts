/** Workflow files whose ends are in a real object store, run by the command line. */

import assert from "node:assert/strict";
import { assertBytes, patterned } from "../../conformance/case.ts";
import { startSwift, type Swift, SWIFT_PROGRAMS } from "../../servers/swift.ts";
import { quorus } from "../../scenario/quorus.ts";
import { requirePrograms } from "../require.ts";
import { request } from "./harness.ts";

const needs = requirePrograms(SWIFT_PROGRAMS);

async function withSwift(body: (swift: Swift, folder: string) => Promise<void>): Promise<void> {
  const swift = await startSwift();
  try {
    await swift.makeBucket("bucket");
    const folder = `${swift.folder}/work`;
    await Deno.mkdir(folder);
    await body(swift, folder);
  } finally {
    await swift.close();
  }
}

/** The example of the page for users. */
async function pageExample(): Promise<string> {
  const page = new URL("../../../protocols/s3/README.md", import.meta.url);
  return /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
}

Deno.test({
  name: "the example of the page runs as it stands, and once only where the name is taken",
  ...needs,
  fn: () =>
    withSwift(async (swift, folder) => {
      const orders = new TextEncoder().encode("1;2\n");
      await request(swift, "PUT", "/bucket/in/orders.csv", orders);
      const file = `${folder}/page.yaml`;
      await Deno.writeTextFile(file, await pageExample());
      const values = Object.entries({
        ENDPOINT: swift.origin,
        BUCKET: "bucket",
        KEY_ID: swift.key.accessKeyId,
      }).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
      const env = { QUORUS_SECRET_S3_KEY: swift.key.secretAccessKey };
      const first = await quorus(["run", file, ...values, "--data", `${folder}/a`], { env });
      assert.equal(first.code, 0, first.out + first.err);
      const year = new Date().getUTCFullYear();
      const { bytes } = await request(swift, "GET", `/bucket/archive/orders-${year}.csv`);
      assert.deepEqual(bytes, orders);
      const second = await quorus(["run", file, ...values, "--data", `${folder}/b`], { env });
      assert.equal(second.code, 1);
      assert.match(second.out + second.err, /taken|exists/);
    }),
});

Deno.test({
  name: "files of many sizes go to the store and come back the same, keys from the environment",
  ...needs,
  fn: () =>
    withSwift(async (swift, folder) => {
      const sizes = [0, 1, 8_388_607, 8_388_608, 8_388_609, 20_000_000];
      for (const size of sizes) await Deno.writeFile(`${folder}/${size}`, patterned(size, size));
      const access = `auth: {type: environment}, options: {endpoint: "${swift.origin}"}`;
      const transfers = sizes.map((size) => `
    - name: there-${size}
      source: {path: "${folder}/${size}"}
      destination: {uri: "s3://bucket/a/${size}", ${access}}
    - name: back-${size}
      dependsOn: [there-${size}]
      source: {uri: "s3://bucket/a/${size}", ${access}}
      destination: {path: "${folder}/back-${size}"}`);
      const file = `${folder}/w.yaml`;
      await Deno.writeTextFile(
        file,
        `apiVersion: quorus.dev/v1
kind: TransferGroup
metadata: {name: there-and-back}
spec:
  transfers:${transfers.join("")}
`,
      );
      const env = {
        AWS_ACCESS_KEY_ID: swift.key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: swift.key.secretAccessKey,
      };
      const { code, out, err } = await quorus(["run", file, "--data", `${folder}/s`], { env });
      assert.equal(code, 0, out + err);
      for (const size of sizes) {
        assert.deepEqual(await Deno.readFile(`${folder}/back-${size}`), patterned(size, size));
      }
      const { bytes } = await request(swift, "GET", "/bucket");
      const keys = [...new TextDecoder().decode(bytes).matchAll(/<Key>([^<]*)<\/Key>/g)];
      assert.deepEqual(keys.map(([, key]) => key).sort(), sizes.map((size) => `a/${size}`).sort());
    }),
});

Deno.test({
  name: "long files whose name is taken go to the store under the next one, and are whole",
  ...needs,
  fn: () =>
    withSwift(async (swift, folder) => {
      await request(swift, "PUT", "/bucket/f.bin", patterned(10));
      const file = `${folder}/w.yaml`;
      await Deno.writeFile(`${folder}/f.bin`, patterned(20_000_000, 3));
      await Deno.writeTextFile(
        file,
        `apiVersion: quorus.dev/v1
kind: Transfer
metadata: {name: renamed}
spec:
  source: {path: "${folder}/f.bin"}
  destination:
    uri: "s3://bucket/f.bin"
    auth: {type: environment}
    options: {endpoint: "${swift.origin}"}
    conflict: rename
`,
      );
      const env = {
        AWS_ACCESS_KEY_ID: swift.key.accessKeyId,
        AWS_SECRET_ACCESS_KEY: swift.key.secretAccessKey,
      };
      for (const run of ["a", "b"]) {
        const words = ["run", file, "--data", `${folder}/${run}`];
        const { code, out, err } = await quorus(words, { env });
        assert.equal(code, 0, out + err);
      }
      const { bytes: first } = await request(swift, "GET", "/bucket/f.bin");
      assertBytes(first, patterned(10), "what stood there");
      for (const name of ["f (1).bin", "f (2).bin"]) {
        const { bytes } = await request(swift, "GET", `/bucket/${name}`);
        assertBytes(bytes, patterned(20_000_000, 3), name);
      }
    }),
});
