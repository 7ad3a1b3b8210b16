/** `doctor` tries a destination of each protocol out on a real server, and leaves nothing there. */

import assert from "node:assert/strict";
import { examineDestination } from "../../cli/doctor/destination.ts";
import { guaranteeOf } from "../../cli/doctor/guarantee.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { NEVER } from "../conformance/case.ts";
import type { Harness } from "../conformance/harness.ts";
import { startSwift, SWIFT_PROGRAMS } from "../servers/swift.ts";
import { requireRoot } from "../servers/vsftpd.ts";
import { ftpHarness } from "./ftp/harness.ts";
import { requirePrograms } from "./require.ts";
import { s3Harness } from "./s3/harness.ts";
import { sftpHarness } from "./sftp/harness.ts";
import { smbHarness } from "./smb/harness.ts";
import { nginxHarness, rcloneHarness } from "./webdav/harness.ts";

type Started = Harness & { readonly after?: () => Promise<void> };

const SERVERS: readonly [string, readonly string[], boolean, () => Promise<Started>][] = [
  ["OpenSSH", ["sshd", "ssh-keygen"], false, () => sftpHarness()],
  ["vsftpd", ["vsftpd"], true, () => ftpHarness()],
  ["rclone serve webdav", ["rclone"], false, () => rcloneHarness()],
  ["nginx with WebDAV", ["nginx"], false, () => nginxHarness()],
  ["Samba", ["smbd", "smbpasswd", "smbclient"], false, () => smbHarness()],
  ["Swift by S3", SWIFT_PROGRAMS, false, async () => {
    const swift = await startSwift();
    await swift.makeBucket("bucket");
    return { ...await s3Harness(swift), after: () => swift.close() };
  }],
];

/** What a source without any weakness tells. */
const FACTS = {
  fingerprint: { size: 5, mtimeMs: 1, etag: "e", version: null },
  ranges: true,
  mode: 0o644,
  sha256: null,
};

async function examined(harness: Started): Promise<void> {
  const { protocol, context } = harness;
  const place = harness.sink!;
  const endpoint = { ...plainEndpoint(place.uri("any")), ...place.endpoint };
  // Some places come to be when the first file does.
  await place.put("standing", Uint8Array.of(1));
  const found = await examineDestination(protocol, endpoint, endpoint.uri, context.env);
  const failed = found.findings.filter(({ ok }) => ok === false);
  assert.deepEqual(failed, [], "nothing failed");
  assert.ok(found.capabilities !== null, "files can be published there");
  const checks = found.findings.map(({ check }) => check);
  for (const check of ["reachable", "writable", "resume", "publish", "fence", "space"]) {
    assert.ok(checks.includes(check), `${check} was looked at`);
  }
  assert.ok(guaranteeOf(FACTS, found.capabilities).length >= 6);
  const directory = protocol.directory!({
    ...endpoint,
    uri: endpoint.uri.slice(0, endpoint.uri.lastIndexOf("/") + 1),
  }, context);
  const left: string[] = [];
  const listing = async () => {
    for await (const { entries } of directory.list(NEVER)) {
      left.push(...entries.map(({ name }) => name).filter((name) => name.includes("doctor")));
    }
  };
  await listing().catch((thrown) => assert.equal(thrown.code, "unsupported"));
  assert.deepEqual(left, [], "nothing is left");
  await directory.close();
}

for (const [name, programs, isRoots, start] of SERVERS) {
  const { ignore } = requirePrograms(programs);
  Deno.test({
    name: `doctor tries out ${name} and leaves nothing`,
    ignore: ignore || (isRoots && requireRoot().ignore),
    async fn() {
      const harness = await start();
      try {
        await examined(harness);
      } finally {
        await harness.close();
        await harness.after?.();
      }
    },
  });
}
