/** Certificates that must not be taken: nothing is sent to who shows one. */

import assert from "node:assert/strict";
import { startFileServer } from "../../servers/file_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { type Authority, type Leaf, makeAuthority } from "../../servers/pki.ts";
import { failing, readRange, withSources } from "./reading.ts";

const DAY_MS = 86_400_000;
const FILES = new Map([["/file", bytesFile(new TextEncoder().encode("content"))]]);
const LEAF: Leaf = { commonName: "localhost", dnsNames: ["localhost"] };

/** Who signed it, what it says, and whom the client trusts. */
async function shown(authority: Authority, leaf: Leaf, trusted: readonly string[]) {
  const server = startFileServer({ files: FILES, tls: authority.issue(leaf) });
  try {
    return await withOutcome(server.port, trusted, () => server.requests().length);
  } finally {
    await server.close();
  }
}

async function withOutcome(port: number, caCerts: readonly string[], asked: () => number) {
  let isTaken = false;
  await withSources(async (source) => {
    const tls = { caCerts: [...caCerts] };
    const auth = { type: "bearer", token: "hush" } as const;
    const reading = readRange(source(`https://localhost:${port}/file`, { tls, auth }));
    isTaken = await reading.then(() => true, async (thrown) => {
      await failing(Promise.reject(thrown), "tls");
      return false;
    });
  });
  if (!isTaken) assert.equal(asked(), 0, "no request was sent");
  return isTaken;
}

Deno.test("https: a certificate of the name, in its time, by a trusted authority is taken", async () => {
  const authority = makeAuthority("one");
  assert.ok(await shown(authority, LEAF, [authority.cert]));
});

Deno.test("https: an expired certificate, and one that is not valid yet, get nothing", async () => {
  const authority = makeAuthority("one");
  const now = Date.now();
  const expired = { ...LEAF, validFromMs: now - 20 * DAY_MS, validToMs: now - DAY_MS };
  const early = { ...LEAF, validFromMs: now + DAY_MS, validToMs: now + 20 * DAY_MS };
  assert.ok(!await shown(authority, expired, [authority.cert]));
  assert.ok(!await shown(authority, early, [authority.cert]));
});

Deno.test("https: another name, a name that only begins alike, another authority get nothing", async () => {
  const [authority, other] = [makeAuthority("one"), makeAuthority("other")];
  for (const name of ["example.test", "localhost.example.test", "*.localhost"]) {
    const leaf = { commonName: "localhost", dnsNames: [name] };
    assert.ok(!await shown(authority, leaf, [authority.cert]), name);
  }
  assert.ok(!await shown(authority, LEAF, [other.cert]));
  assert.ok(!await shown(authority, LEAF, []), "nobody is trusted by default who made it himself");
});

Deno.test("https: a certificate that signed itself gets nothing, trusted or not", async () => {
  const authority = makeAuthority("localhost");
  const leaf = authority.issue(LEAF);
  const server = startFileServer({ files: FILES, tls: leaf });
  // The leaf in the place of an authority: it may not sign, not even itself.
  assert.ok(!await withOutcome(server.port, [leaf.cert], () => server.requests().length));
  await server.close();
});
