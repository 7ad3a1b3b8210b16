/** The example of the page for users, run by the command line on a bucket in this process. */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { quorus } from "../../scenario/quorus.ts";
import { PaperBucket } from "./paper_server.ts";

const PAGE = new URL("../../../protocols/gcs/README.md", import.meta.url);

Deno.test("gs: the example of the page runs as it stands, and once only where the name is taken", async () => {
  const bucket = new PaperBucket();
  const folder = await Deno.makeTempDir();
  try {
    bucket.put("in/orders.csv", new TextEncoder().encode("1;2\n"));
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const key = {
      type: "service_account",
      client_email: "robot@project.iam.gserviceaccount.com",
      private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
      token_uri: `${bucket.endpoint}/token`,
    };
    await Deno.writeTextFile(`${folder}/key.json`, JSON.stringify(key));
    const example = /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(PAGE))![1]!;
    await Deno.writeTextFile(`${folder}/page.yaml`, example);
    const values = Object.entries({
      BUCKET: "paper",
      KEY_FILE: `${folder}/key.json`,
      ENDPOINT: bucket.endpoint,
    }).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
    const run = (state: string) =>
      quorus(["run", `${folder}/page.yaml`, ...values, "--data", `${folder}/${state}`]);
    const first = await run("a");
    assert.equal(first.code, 0, first.out + first.err);
    const name = `archive/orders-${new Date().getUTCFullYear()}.csv`;
    assert.equal(new TextDecoder().decode(bucket.objects.get(name)!.bytes), "1;2\n");
    assert.equal(bucket.objects.get(name)!.resource.storageClass, "NEARLINE");
    const second = await run("b");
    assert.equal(second.code, 1);
    assert.match(second.out + second.err, /taken|exists/);
  } finally {
    await bucket.close();
    await Deno.remove(folder, { recursive: true });
  }
});
