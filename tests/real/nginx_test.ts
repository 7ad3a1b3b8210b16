/** The http and https source against a real nginx. */

import assert from "node:assert/strict";
import { conformance } from "../conformance/suite.ts";
import type { Harness } from "../conformance/harness.ts";
import { httpHarness } from "../protocols/http/harness.ts";
import { failing, noAbort, readRange, WHOLE, withSources } from "../protocols/http/reading.ts";
import { bytesOf, generatedFile } from "../servers/pattern.ts";
import { type Nginx, startNginx } from "../servers/nginx.ts";
import { pem } from "../servers/tls_files.ts";
import { requirePrograms } from "./require.ts";

const needs = requirePrograms(["nginx"]);
const FIRST_MTIME_S = 1_700_000_000;

/** Each put is a new file under the old name; nginx's ETag is made of time (seconds) and size. */
async function nginxHarness(secure: boolean): Promise<Harness> {
  const nginx = await startNginx();
  let puts = 0;
  return httpHarness({
    uri: (name) => `${secure ? nginx.secureOrigin : nginx.origin}/${encodeURIComponent(name)}`,
    endpoint: secure ? { tls: { caCerts: [pem("ca")] } } : {},
    async put(name, bytes) {
      puts += 1;
      const fresh = `${nginx.root}/.fresh`;
      await Deno.writeFile(fresh, bytes);
      await Deno.utime(fresh, FIRST_MTIME_S + puts, FIRST_MTIME_S + puts);
      await Deno.rename(fresh, `${nginx.root}/${name}`);
    },
    oneByteMore: (name) =>
      Promise.resolve(() =>
        Deno.writeFile(`${nginx.root}/${name}`, Uint8Array.of(1), { append: true })
      ),
  }, nginx.close);
}

if (!needs.ignore) {
  conformance("nginx http", () => nginxHarness(false));
  conformance("nginx https", () => nginxHarness(true));
}

function withNginx(name: string, test: (nginx: Nginx) => Promise<void>): void {
  Deno.test({
    name: `nginx: ${name}`,
    ...needs,
    async fn() {
      const nginx = await startNginx();
      try {
        await test(nginx);
      } finally {
        await nginx.close();
      }
    },
  });
}

withNginx("a large file is read whole, and in parts that fit together", async (nginx) => {
  const file = generatedFile(20_000_000, 5);
  await Deno.writeFile(`${nginx.root}/large.bin`, bytesOf(file));
  await withSources(async (source) => {
    const large = source(`${nginx.origin}/large.bin`);
    assert.deepEqual(await readRange(large), bytesOf(file));
    const { fingerprint, ranges } = await large.stat(noAbort());
    assert.equal(ranges, true);
    const range = { start: 7_000_001, end: 19_000_001 };
    assert.deepEqual(
      await readRange(large, range, fingerprint),
      bytesOf(file, range.start, range.end),
    );
    const rest = await readRange(large, { start: 20_000_000, end: null }, fingerprint);
    assert.equal(rest.length, 0);
  });
});

withNginx("refusals have their class", async (nginx) => {
  await withSources(async (source) => {
    const open = (path: string) => source(nginx.origin + path).open(WHOLE, null, noAbort());
    await failing(open("/denied.bin"), "denied");
    await failing(open("/absent.bin"), "notFound");
    await failing(open(`/${"x".repeat(20_000)}`), "badResponse");
  });
});
