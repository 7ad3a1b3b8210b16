/** Tickets instead of passwords: a KDC, a Samba that takes its tickets, and ourselves. */

import assert from "node:assert/strict";
import type { Credentials } from "../../../protocols/credentials.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { Reach } from "../../../protocols/contract.ts";
import { smbProtocol } from "../../../protocols/smb/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertBytes, assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { type Kdc, KDC_PROGRAMS, startKdc } from "../../servers/kdc.ts";
import { type Samba, startSamba } from "../../servers/samba.ts";
import { requirePrograms } from "../require.ts";

const HOST = "files.quorus.test";
const PASSWORD = "ticket-secret";
const there = requirePrograms(["smbd", "smbpasswd", "smbclient", ...KDC_PROGRAMS]);

/** The name that tickets are for is this machine; nobody else knows it. */
const reach: Reach = {
  check: () => {},
  addressFor: () => Promise.resolve("127.0.0.1"),
  checkHost: () => {},
};

interface Realm {
  readonly kdc: Kdc;
  readonly samba: Samba;
  /** A protocol whose smbclient finds the realm. */
  ends(auth: Credentials, options?: Record<string, string>): {
    source(name: string): ReturnType<NonNullable<ReturnType<typeof smbProtocol>["source"]>>;
    sink(name: string): ReturnType<NonNullable<ReturnType<typeof smbProtocol>["sink"]>>;
  };
}

function test(name: string, body: (realm: Realm) => Promise<void>): void {
  Deno.test({
    name,
    ...there,
    async fn() {
      const kdc = await startKdc();
      const keytab = `${kdc.folder}/keytab`;
      await kdc.addService(`cifs/${HOST}`, keytab);
      const samba = await startSamba({
        config: `realm = ${kdc.realm}\n  kerberos method = dedicated keytab\n` +
          `  dedicated keytab file = ${keytab}\n`,
      });
      await kdc.addUser(samba.user, PASSWORD);
      const env = realEnv();
      const start: NonNullable<typeof env.programs>["start"] = (command) =>
        env.programs!.start({
          ...command,
          environment: { ...command.environment, ...kdc.environment },
        });
      const context = { env: { ...env, programs: { start } }, reach };
      const protocol = smbProtocol({ ticketCache: null, folder: samba.folder });
      const at = (name: string, auth: Credentials, options: Record<string, string> = {}) => {
        const plain = plainEndpoint(`smb://${HOST}:${samba.port}/share/${name}`);
        return { ...plain, auth, options, createDirectories: false, root: null, sync: false };
      };
      const ends: Realm["ends"] = (auth, options) => ({
        source: (name) => protocol.source!(at(name, auth, options), context),
        sink: (name) => protocol.sink!(at(name, auth, options), context),
      });
      try {
        await body({ kdc, samba, ends });
      } finally {
        await protocol.close!();
        env.close();
        await samba.close();
        await kdc.close();
      }
    },
  });
}

const cached = (file: string): Credentials => ({ type: "kerberos", file });

test("smb: a ticket of a KDC opens a share, signed and encrypted, to read and to write", async ({ kdc, samba, ends }) => {
  const cache = `${kdc.folder}/cache`;
  await kdc.ticket(samba.user, PASSWORD, cache, "1h");
  const { source, sink } = ends(cached(cache), { signing: "required", encryption: "required" });
  const bytes = patterned(3_000_000);
  await Deno.writeFile(`${samba.root}/f`, bytes);
  assertBytes(await fetched(source("f")), bytes, "what was read");
  for (const size of [4_096, 3_000_000]) {
    const to = sink(`g${size}`);
    const file = await to.create(`t${size}.part`, NEVER);
    await file.write(bytes.subarray(0, size), 0);
    const options = { name: `g${size}`, replace: true, mtimeMs: null, mode: null };
    assert.equal((await to.publish(file, options)).size, size);
    assertBytes(await Deno.readFile(`${samba.root}/g${size}`), bytes.subarray(0, size), "written");
  }
});

test("smb: without a ticket, or with one of somebody unknown there, nothing is opened", async ({ kdc, samba, ends }) => {
  await Deno.writeFile(`${samba.root}/f`, patterned(1));
  const none = ends(cached(`${kdc.folder}/nothing`)).source("f");
  const error = await assertFails(() => none.stat(NEVER), "unauthenticated", "no ticket");
  assert.match(error.message, /klist/);
  await kdc.addUser("quorus-nobody-here", PASSWORD);
  const other = `${kdc.folder}/other`;
  await kdc.ticket("quorus-nobody-here", PASSWORD, other, "1h");
  const stranger = ends(cached(other)).source("f");
  await assertFails(() => stranger.stat(NEVER), ["unauthenticated", "denied"], "unknown here");
});

test("smb: a ticket that has expired opens nothing", async ({ kdc, samba, ends }) => {
  const cache = `${kdc.folder}/cache`;
  await kdc.ticket(samba.user, PASSWORD, cache, "1s");
  await expired(cache);
  const late = ends(cached(cache)).source("f");
  await assertFails(() => late.stat(NEVER), "unauthenticated", "an expired ticket");
});

/** Resolves when the tickets of a cache are of no more use. */
async function expired(cache: string): Promise<void> {
  for (let look = 0; look < 200; look++) {
    const { success } = await new Deno.Command("klist", { args: ["-s", "-c", cache] }).output();
    if (!success) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the tickets do not expire");
}
