/** What only a real server shows: TLS sessions, large files, permissions, passwords, full disks. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import {
  assertBytes,
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
} from "../../conformance/case.ts";
import { makeAuthority } from "../../servers/pki.ts";
import { pem } from "../../servers/tls_files.ts";
import { requireRoot, type VsftpdOptions } from "../../servers/vsftpd.ts";
import { requirePrograms } from "../require.ts";
import { requireMount, withTmpfs } from "../tmpfs.ts";
import { type FtpHarness, ftpHarness, sourceAt } from "./harness.ts";

const needs = requirePrograms(["vsftpd"]).ignore ? { ignore: true } : requireRoot();

function withServer(
  name: string,
  options: VsftpdOptions,
  body: (harness: FtpHarness) => Promise<void>,
): void {
  Deno.test({
    name,
    ...needs,
    async fn() {
      const harness = await ftpHarness(options);
      try {
        await body(harness);
      } finally {
        await harness.close();
      }
    },
  });
}

withServer("who is not known is refused, and the password is not repeated", {}, async (harness) => {
  const auth = { type: "basic", username: "stranger", password: "hunter2" } as const;
  const source = sourceAt(harness, "x", { auth });
  const error = await assertFails(() => source.stat(NEVER), "unauthenticated", "a stranger");
  assert.ok(!error.message.includes("hunter2"));
});

withServer("a server without TLS gets no password unless that is said", {}, async (harness) => {
  const source = sourceAt(harness, "x", { options: {} });
  await assertFails(() => source.stat(NEVER), "insecure", "no TLS");
  await harness.source!.put("x", patterned(10));
  const said = sourceAt(harness, "x", { options: { tls: "optional" } });
  assert.equal((await said.stat(NEVER)).fingerprint.size, 10);
});

withServer(
  "ftp: goes on in TLS by itself where the server has it",
  { tls: "explicit" },
  async (h) => {
    await h.source!.put("x", patterned(10));
    const { server, protocol, context, endpoint } = h;
    const uri = `ftp://127.0.0.1:${server.port}/x`;
    const declared = { ...plainEndpoint(uri), ...endpoint, options: {} };
    // vsftpd is told to refuse whoever logs in without.
    assert.equal((await fetched(protocol.source!(declared, context))).length, 10);
  },
);

for (const tls of ["none", "explicit"] as const) {
  withServer(
    `${tls}: a file above 4 GiB is read from its middle and its end`,
    { tls },
    async (h) => {
      const size = 6 * 2 ** 30;
      const file = await Deno.open(`${h.server.root}/large`, { create: true, write: true });
      await file.truncate(size);
      await file.seek(size - 1_000, Deno.SeekMode.Start);
      await file.write(patterned(1_000));
      file.close();
      const source = sourceAt(h, "large");
      assert.equal((await source.stat(NEVER)).fingerprint.size, size);
      const end = await fetched(source, { start: size - 1_000, end: null });
      assertBytes(end, patterned(1_000), "the end");
      const middle = await fetched(source, { start: 5 * 2 ** 30, end: 5 * 2 ** 30 + 100_000 });
      assertBytes(middle, new Uint8Array(100_000), "the middle");
    },
  );

  withServer(
    `${tls}: 40 MB there and back, a slow reader, every byte`,
    { tls },
    async (harness) => {
      const bytes = patterned(40_000_003);
      const sink = sinkOf(harness, harness.sink!, "out.bin");
      const file = await sink.create("t.part", NEVER);
      // One buffer for all writes: what is written may be written over.
      const buffer = new Uint8Array(1_000_000);
      for (let at = 0; at < bytes.length; at += buffer.length) {
        const part = bytes.subarray(at, at + buffer.length);
        buffer.set(part);
        await file.write(buffer.subarray(0, part.length), at);
        if (at % 16_000_000 === 0) await file.sync();
      }
      await sink.publish(file, { name: "out.bin", replace: false, mtimeMs: null, mode: null });
      assertBytes(await harness.sink!.published("out.bin"), bytes, "what was written");
      const reader = await sourceAt(harness, "out.bin").open({ start: 0, end: null }, null, NEVER);
      const hash = createHash("sha256");
      for (let count = 0, reads = 0; (count = await reader.read(buffer)) > 0; reads += 1) {
        hash.update(buffer.subarray(0, count));
        // Slower than loopback, so that the connection has to be held back.
        if (reads % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await reader.close();
      const expected = createHash("sha256").update(bytes).digest("hex");
      assert.equal(hash.digest("hex"), expected);
      await sink.close();
    },
  );
}

withServer(
  "a reader that pauses holds the server back, memory stays bounded",
  { tls: "explicit" },
  async (h) => {
    const size = 400 * 2 ** 20;
    await Deno.writeFile(`${h.server.root}/big`, new Uint8Array(0));
    await Deno.truncate(`${h.server.root}/big`, size);
    const reader = await sourceAt(h, "big").open({ start: 0, end: null }, null, NEVER);
    const before = Deno.memoryUsage().rss;
    await reader.read(new Uint8Array(1_000));
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const grown = Deno.memoryUsage().rss - before;
    assert.ok(grown < 64 * 2 ** 20, `${Math.round(grown / 2 ** 20)} MiB more while nobody read`);
    await reader.close();
  },
);

withServer(
  "what the user may not read is denied, what is missing is not found",
  {},
  async (harness) => {
    await harness.source!.put("secret", patterned(10));
    await Deno.chmod(`${harness.server.root}/secret`, 0);
    await assertFails(() => fetched(sourceAt(harness, "secret")), "denied", "no permission");
    await assertFails(() => fetched(sourceAt(harness, "gone")), "notFound", "nothing there");
    await Deno.mkdir(`${harness.server.root}/closed`, { mode: 0o755 });
    const sink = sinkOf(harness, harness.sink!, "closed/x");
    await assertFails(() => sink.create("t.part", NEVER), "denied", "a directory of somebody else");
  },
);

Deno.test({
  name: "a full disk on the server ends the transfer, and what arrived is there",
  ignore: needs.ignore || requireMount().ignore,
  async fn() {
    const harness = await ftpHarness();
    try {
      const small = `${harness.server.root}/small`;
      await Deno.mkdir(small);
      await withTmpfs(small, 4, async () => {
        await Deno.chmod(small, 0o777);
        const sink = sinkOf(harness, harness.sink!, "small/x");
        const file = await sink.create("t.part", NEVER);
        const writing = async () => {
          for (let at = 0; at < 16_000_000; at += 1_000_000) {
            await file.write(patterned(1_000_000), at);
          }
          await file.size();
        };
        // vsftpd says 451 and nothing of the disk.
        await assertFails(writing, ["noSpace", "serverError", "unreachable"], "a full disk");
        await file.close();
        await sink.abort("t.part");
        await sink.close();
        await harness.protocol.close!();
      });
    } finally {
      await harness.close();
    }
  },
});

withServer("a server that asks for a client certificate gets the one of the endpoint", {
  tls: "explicit",
  config: "require_cert=YES\nvalidate_cert=YES\nrequire_ssl_reuse=NO\n",
}, async (harness) => {
  await harness.source!.put("x", patterned(100_000));
  const bare = sourceAt(harness, "x");
  await assertFails(() => bare.stat(NEVER), ["tls", "unreachable"], "without a certificate");
  const tls = { caCerts: [harness.server.ca], cert: pem("client"), key: pem("client.key") };
  const source = sourceAt(harness, "x", { tls });
  assertBytes(await fetched(source), patterned(100_000), "with one");
});

withServer(
  "a server that has got another certificate is judged again",
  { tls: "explicit" },
  async (h) => {
    await h.source!.put("x", patterned(10));
    await fetched(sourceAt(h, "x"));
    const authority = makeAuthority("another");
    const { cert, key } = authority.issue({ commonName: "localhost", dnsNames: ["localhost"] });
    await h.server.kill();
    await Deno.writeTextFile(`${h.server.folder}/tls.pem`, `${key}\n${cert}`);
    await h.server.restart();
    await assertFails(
      () => fetched(sourceAt(h, "x")),
      ["tls", "unreachable"],
      "an unknown authority",
    );
    await assertFails(() => fetched(sourceAt(h, "x")), "tls", "an unknown authority");
  },
);
