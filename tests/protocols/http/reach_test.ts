/** Where requests go: to the address that was judged, at every hop, with the name kept. */

import assert from "node:assert/strict";
import type { Source, SourceEndpoint } from "../../../protocols/contract.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import { ReachGuard } from "../../../protocols/reach.ts";
import { DEFAULT_REACH, type ReachPolicy, rulesOf } from "../../../protocols/reach_policy.ts";
import type { ReachRule } from "../../../protocols/reach_rules.ts";
import { reaching } from "../../../protocols/wrappers/reach.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { NetError } from "../../../runtime/env/errors.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { startFileServer } from "../../servers/file_server.ts";
import { startHostileServer } from "../../servers/hostile_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { makeAuthority } from "../../servers/pki.ts";
import { endpoint, failing, readRange } from "./reading.ts";

const FILES = new Map([["/file", bytesFile(new TextEncoder().encode("content"))]]);
/** Of a host that is not there: connecting is refused at once. */
const NOBODY = "127.9.9.9";

type Names = Record<string, string[]>;

/** Sources on real sockets, with names of our own; each lookup takes the first answer away but the last. */
async function withNames(
  names: Names,
  policy: Partial<ReachPolicy>,
  test: (source: (uri: string, more?: Partial<SourceEndpoint>) => Source) => Promise<void>,
): Promise<void> {
  const real = realEnv();
  const env: Env = {
    ...real,
    net: {
      request: (request) => real.net.request(request),
      close: () => real.net.close(),
      resolve: (name) => {
        const found = names[name];
        if (found !== undefined) return Promise.resolve(found);
        return Promise.reject(new NetError("dns", `cannot resolve ${name}: no such name`));
      },
    },
  };
  const guard = new ReachGuard({ ...DEFAULT_REACH, ...policy }, env);
  const protocol = reaching(httpProtocol(), guard, false);
  try {
    await test((uri, more) => protocol.source!(endpoint(uri, more), { env }));
  } finally {
    real.close();
  }
}

Deno.test("http: a request goes to the judged address, and its Host is the name", async () => {
  const server = startFileServer({ files: FILES });
  const names = { "files.example.test": ["127.0.0.1"] };
  await withNames(names, {}, async (source) => {
    const uri = `http://files.example.test:${server.port}/file`;
    const bytes = await readRange(source(uri));
    assert.equal(new TextDecoder().decode(bytes), "content");
    await readRange(source(uri));
  });
  const [first, second] = server.requests();
  assert.equal(first!.headers.get("host"), `files.example.test:${server.port}`);
  assert.equal(first!.target, "/file", "as to the server itself, not as to a proxy");
  assert.equal(second!.headers.get("host"), `files.example.test:${server.port}`);
  await server.close();
});

Deno.test("https: a name that has become another address gets a handshake and no request", async () => {
  const authority = makeAuthority("test authority");
  const tls = { caCerts: [authority.cert] };
  const identity = (name: string) => authority.issue({ commonName: name, dnsNames: [name] });
  const right = startFileServer({ files: FILES, tls: identity("localhost") });
  const inner = startFileServer({ files: FILES, tls: identity("inner.example.test") });
  // It was judged as an address outside, and is this machine when it is connected to.
  await withNames({ localhost: ["203.0.113.5"] }, {}, async (source) => {
    const bytes = await readRange(source(`https://localhost:${right.port}/file`, { tls }));
    assert.equal(new TextDecoder().decode(bytes), "content");
    await failing(readRange(source(`https://localhost:${inner.port}/file`, { tls })), "tls");
  });
  assert.equal(inner.requests().length, 0);
  await right.close();
  await inner.close();
});

Deno.test("http: the next address is tried where nobody listens at the first", async () => {
  const server = startFileServer({ files: FILES });
  const names = { "two.example.test": [NOBODY, "127.0.0.1"], "gone.example.test": [NOBODY] };
  await withNames(names, {}, async (source) => {
    const bytes = await readRange(source(`http://two.example.test:${server.port}/file`));
    assert.equal(new TextDecoder().decode(bytes), "content");
    const gone = readRange(source(`http://gone.example.test:${server.port}/file`));
    await failing(gone, "unreachable");
    const unknown = readRange(source(`http://unknown.example.test:${server.port}/file`));
    const error = await failing(unknown, "unreachable");
    assert.match(
      error.message,
      /^GET http:\/\/unknown\.example\.test:\d+\/file: .*does not resolve/,
    );
  });
  await server.close();
});

Deno.test("http: a name that has become a forbidden address is not connected to", async () => {
  const server = startFileServer({ files: FILES });
  const names = { "rebound.example.test": ["127.0.0.1"] };
  await withNames(names, { loopback: false }, async (source) => {
    const reading = readRange(source(`http://rebound.example.test:${server.port}/file`));
    const error = await failing(reading, "forbidden");
    assert.match(
      error.message,
      /which is 127\.0\.0\.1: it is this machine itself; reach\.loopback/,
    );
  });
  assert.equal(server.requests().length, 0);
  await server.close();
});

Deno.test("http: a redirect is judged by what its name resolves to, before it is followed", async () => {
  const inner = startFileServer({ files: FILES });
  const outer = startHostileServer({ elsewhere: `http://inner.example.test:${inner.port}/file` });
  // 127.0.0.1 takes the part of an address outside: what is judged is the policy's table of names.
  const names = { "inner.example.test": ["127.0.0.1"] };
  const deny = rulesOf(["inner.example.test"]) as ReachRule[];
  await withNames(names, { deny }, async (source) => {
    const error = await failing(
      readRange(source(`${outer.origin}/redirects-elsewhere`)),
      "forbidden",
    );
    assert.match(error.message, /inner\.example\.test/);
  });
  assert.equal(inner.requests().length, 0);
  await withNames(names, {}, async (source) => {
    const bytes = await readRange(source(`${outer.origin}/redirects-elsewhere`));
    assert.equal(new TextDecoder().decode(bytes), "content");
  });
  await outer.close();
  await inner.close();
});

Deno.test("http: nobody outside leads us inwards, by whatever name", async () => {
  const inner = startFileServer({ files: FILES });
  const outer = startHostileServer({ elsewhere: `http://inner.example.test:${inner.port}/file` });
  // An address outside among its own makes a name one from outside; the first one is connected to.
  const names = {
    "outer.example.test": ["127.0.0.1", "203.0.113.5"],
    "inner.example.test": ["127.0.0.1"],
  };
  const uri = `http://outer.example.test:${outer.port}/redirects-elsewhere`;
  await withNames(names, {}, async (source) => {
    const error = await failing(readRange(source(uri)), "forbidden");
    assert.match(error.message, /inner\.example\.test: a redirect from outside .*inwardRedirects/);
  });
  assert.equal(inner.requests().length, 0);
  await withNames(names, { inwardRedirects: true }, async (source) => {
    assert.equal((await readRange(source(uri))).length, 7);
  });
  await outer.close();
  await inner.close();
});

Deno.test("http: metadata addresses are refused by default, declared or redirected to", async () => {
  const server = startHostileServer({ elsewhere: "http://meta.example.test/latest/meta-data" });
  await withNames({ "meta.example.test": ["169.254.169.254"] }, {}, async (source) => {
    await failing(readRange(source("http://meta.example.test/latest")), "forbidden");
    assert.throws(() => source("http://169.254.169.254/latest"), { code: "forbidden" });
    assert.throws(() => source("http://0xa9fea9fe/latest"), { code: "forbidden" });
    await failing(readRange(source(`${server.origin}/redirects-elsewhere`)), "forbidden");
  });
  await server.close();
});
