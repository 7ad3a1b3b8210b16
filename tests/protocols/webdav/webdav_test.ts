/** What the conformance suite cannot ask for: servers that lie, lack methods, or hold traps. */

import assert from "node:assert/strict";
import type { Directory } from "../../../protocols/directory.ts";
import type { Endpoint, Sink, SinkEndpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { SimReply } from "../../../runtime/sim/hosts.ts";
import { assertBytes, assertFails, NEVER, patterned, sha256 } from "../../conformance/case.ts";
import type { DavQuirks } from "../../servers/dav_paper.ts";
import { paperHarness } from "./harness.ts";

type Paper = ReturnType<typeof paperHarness>;
const PUBLISH = { name: "a.bin", replace: true, mtimeMs: null, mode: null };

function davTest(name: string, quirks: DavQuirks, body: (paper: Paper) => Promise<void>): void {
  Deno.test(name, async () => {
    const paper = paperHarness(quirks);
    await paper.world.complete(body(paper));
  });
}

function sinkOf(paper: Paper, endpoint: Partial<SinkEndpoint> = {}): Sink {
  return paper.protocol.sink!({
    ...plainEndpoint("dav://paper/data/a.bin"),
    ...{ createDirectories: false, root: null, sync: true },
    ...paper.sink?.endpoint,
    ...endpoint,
  }, paper.context);
}

function directoryOf(paper: Paper, more: Partial<Endpoint> = {}): Directory {
  const endpoint = { ...plainEndpoint("dav://paper/data/"), ...more };
  return paper.protocol.directory!(endpoint, paper.context);
}

davTest("a file is a directory, its bytes, a move and a removal", {}, async (paper) => {
  // What MKCOL does with a name that is taken is tried out with the first file.
  const first = sinkOf(paper);
  await first.publish(await first.create("first", NEVER), PUBLISH);
  paper.server.requests.length = 0;
  const sink = sinkOf(paper);
  const file = await sink.create("t", NEVER, 10);
  await file.write(patterned(10), 0);
  assert.ok(paper.server.files.has("/data/t/data"), "the bytes are there before the grant");
  await sink.publish(file, { ...PUBLISH, name: "b.bin", replace: false });
  assert.deepEqual(paper.server.asked(), [
    "MKCOL /data/t/",
    "PUT /data/t/data",
    "MOVE /data/t/data",
    "DELETE /data/t/",
  ]);
});

davTest(
  "a name is looked at before it is replaced, and only where it is taken",
  {},
  async (paper) => {
    paper.server.put("/data/a.bin", patterned(5));
    const sink = sinkOf(paper);
    for (const [name, asked] of [["new", 0], ["a.bin", 1]] as const) {
      const file = await sink.create(`${name}.part`, NEVER);
      paper.server.requests.length = 0;
      await sink.publish(file, { ...PUBLISH, name });
      const looked = paper.server.asked().filter((one) => one === `PROPFIND /data/${name}`);
      assert.equal(looked.length, asked, name);
      assert.equal(paper.server.files.get(`/data/${name}`)!.bytes.length, 0);
    }
  },
);

davTest("Apache's 500 for a directory that is missing is told apart", {}, async (paper) => {
  paper.server.put("/data/x", patterned(1));
  const directory = directoryOf(paper);
  const options = { replace: false, createDirectories: true, expected: null };
  paper.server.intercept = ({ method }) =>
    method === "MOVE" && !paper.server.directories.has("/data/new") ? { status: 500 } : null;
  assert.equal(await directory.rename("x", "dav://paper/data/new/x", options, NEVER), true);
  assert.ok(paper.server.files.has("/data/new/x"));
  paper.server.intercept = ({ method }) => method === "MOVE" ? { status: 500 } : null;
  const to = directory.uriOf("y");
  paper.server.put("/data/x", patterned(1));
  await assertFails(() => directory.rename("x", to, options, NEVER), "serverError", "a failure");
});

davTest("an empty file has a size, where HEAD tells none", {}, async (paper) => {
  paper.server.put("/data/a.bin", new Uint8Array());
  paper.server.intercept = ({ method }) =>
    method === "HEAD" ? { status: 200, headers: { etag: '"1"' } } : null;
  const endpoint = plainEndpoint("dav://paper/data/a.bin");
  const source = paper.protocol.source!(endpoint, paper.context);
  assert.equal((await source.stat(NEVER)).fingerprint.size, 0);
});

davTest("a directory at the final name is never moved over", {}, async (paper) => {
  paper.server.put("/data/a.bin/precious", patterned(5));
  const sink = sinkOf(paper);
  const file = await sink.create("t", NEVER);
  await assertFails(() => sink.publish(file, PUBLISH), "nameRefused", "publish");
  await assertFails(() => sink.stat("a.bin", NEVER), "nameRefused", "stat");
  assert.ok(paper.server.files.has("/data/a.bin/precious"));
  const directory = directoryOf(paper);
  paper.server.put("/data/x", patterned(1));
  const replacing = { replace: true, createDirectories: false, expected: null };
  await assertFails(
    () => directory.rename("x", directory.uriOf("a.bin"), replacing, NEVER),
    "exists",
    "rename",
  );
  await assertFails(() => directory.remove("a.bin", null, NEVER), "io", "a full directory");
  assert.ok(paper.server.files.has("/data/a.bin/precious"));
});

davTest(
  "without PROPFIND files are written and looked at all the same",
  { properties: false },
  async (paper) => {
    const sink = sinkOf(paper);
    const file = await sink.create("t", NEVER);
    await file.write(patterned(300), 0);
    await sink.publish(file, PUBLISH);
    assert.equal((await sink.stat("a.bin", NEVER))?.size, 300);
    assert.equal(await sink.stat("b.bin", NEVER), null);
    const names = async () => {
      for await (const page of directoryOf(paper).list(NEVER)) void page;
    };
    await assertFails(names, "unsupported", "listing");
  },
);

davTest("a stale writer's bytes go nowhere once its directory was seized", {}, async (paper) => {
  const [stale, fresh] = [sinkOf(paper), sinkOf(paper)];
  const file = await stale.create("old", NEVER);
  await file.write(patterned(1_000_000), 0);
  assert.equal(await fresh.seize("old", "old.seized"), true);
  const error = await assertFails(() => stale.publish(file, PUBLISH), "notFound", "publish");
  assert.ok(error.definite && !error.retryable);
  assert.equal(paper.server.files.size, 0);
});

davTest("a publish that was cut between its two steps is found, and tidied", {}, async (paper) => {
  const sink = sinkOf(paper);
  const file = await sink.create("t", NEVER);
  await file.write(patterned(300), 0);
  paper.server.intercept = ({ method }) => method === "DELETE" ? { status: 500 } : null;
  await sink.publish(file, PUBLISH);
  paper.server.intercept = null;
  assert.ok(paper.server.directories.has("/data/t"));
  const later = sinkOf(paper);
  const expected = { name: "a.bin", size: 300, sha256: sha256(patterned(300)), fileId: null };
  assert.equal(await later.probe("t", expected), "published");
  assert.ok(!paper.server.directories.has("/data/t"));
});

davTest("a lost answer to the move leaves open what happened", {}, async (paper) => {
  const sink = sinkOf(paper);
  const file = await sink.create("t", NEVER);
  await file.write(patterned(300), 0);
  paper.server.intercept = ({ method }) => method === "MOVE" ? { status: 504 } : null;
  const error = await assertFails(() => sink.publish(file, PUBLISH), "serverError", "publish");
  assert.equal(error.definite, false);
});

davTest(
  "a used-up quota is told as no space, before or in the middle",
  { quotaBytes: 1_000 },
  async (paper) => {
    for (const size of [2_000_000, null]) {
      const sink = sinkOf(paper);
      const file = await sink.create("t", NEVER, size);
      const all = async () => {
        await file.write(patterned(2_000_000), 0);
        await sink.publish(file, PUBLISH);
      };
      await assertFails(all, "noSpace", "too much");
      await sink.abort("t");
      assert.equal(paper.server.files.size, 0);
    }
  },
);

davTest("a server that takes a part for the whole is found out before publishing", {
  partial: "none",
}, async (paper) => {
  for (const partial of ["range", "patch"]) {
    const sink = sinkOf(paper, { options: { partial } });
    const first = await sink.create(partial, NEVER);
    await first.write(patterned(100), 0);
    await first.sync();
    const on = async () => {
      await first.write(patterned(50), 100);
      await sink.publish(first, PUBLISH);
    };
    await assertFails(on, ["io", "unsupported"], "going on");
    assert.equal(await sink.stat("a.bin", NEVER), null);
  }
});

davTest("parts are put together, cut off and written over", { partial: "range" }, async (paper) => {
  const bytes = patterned(10_000_000);
  const sink = sinkOf(paper);
  const first = await sink.create("t", NEVER);
  // A checkpoint is synced while the next bytes are written.
  await Promise.all([
    first.write(bytes.subarray(0, 3_000_000), 0),
    first.sync(),
    first.write(bytes.subarray(3_000_000, 6_000_000), 3_000_000),
    first.sync(),
  ]);
  await first.close();
  await sink.close();
  const later = sinkOf(paper);
  const again = (await later.reopen("t", NEVER))!;
  assert.equal(await again.size(), 6_000_000);
  await again.truncate(5_000_000);
  await again.write(bytes.subarray(5_000_000), 5_000_000);
  const into = new Uint8Array(100);
  await again.read(into, 4_999_950);
  assertBytes(into, bytes.slice(4_999_950, 5_000_050), "around the cut");
  await later.publish(again, PUBLISH);
  assertBytes(paper.server.files.get("/data/a.bin")!.bytes, bytes, "the file");
});

function answering(body: string, more: Partial<SimReply> = {}): SimReply {
  return { status: 207, body: new TextEncoder().encode(body), ...more };
}

function response(href: string): string {
  return `<D:response><D:href>${href}</D:href><D:propstat><D:prop><D:resourcetype/></D:prop>` +
    "<D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>";
}

davTest("names that no file may have are told, and go nowhere", {}, async (paper) => {
  const names = ["..", "%2e%2e", "a%2Fb", "a%00b", "a%0D%0Ab", "x".repeat(10_000), "%ff", "%C3%BC"];
  const body = names.map((name) => response(`/data/${name}`)).join("");
  paper.server.intercept = () =>
    answering(`<D:multistatus xmlns:D="DAV:">${response("/data/")}${body}</D:multistatus>`);
  const entries: string[] = [];
  const refused: string[] = [];
  for await (const page of directoryOf(paper).list(NEVER)) {
    entries.push(...page.entries.map(({ name }) => name));
    refused.push(...page.refused);
  }
  assert.deepEqual(entries, ["ü"]);
  assert.equal(refused.length, names.length - 1);
  assert.ok(refused.every((name) => name.length < 300 && !/[\r\n\0]/.test(name)));
});

davTest("a listing that breaks off or never ends is an error", {}, async (paper) => {
  const list = async () => {
    let count = 0;
    for await (const page of directoryOf(paper).list(NEVER)) count += page.entries.length;
    return count;
  };
  const many = Array.from({ length: 50 }, (_, index) => response(`/data/${index}`)).join("");
  const text = `<D:multistatus xmlns:D="DAV:">${many}</D:multistatus>`;
  paper.server.intercept = () => answering(text, { cutAfterBytes: 3_000 });
  await assertFails(list, "truncated", "a cut listing");
  paper.server.intercept = () => answering(text.slice(0, 3_000));
  await assertFails(list, "badResponse", "half a listing");
  paper.server.intercept = () => answering(text, { pieceBytes: 1 });
  assert.equal(await list(), 50, "slow drips are read");
});

davTest(
  "nothing is told or changed where a redirect leads elsewhere",
  { authorization: "x" },
  async (paper) => {
    let told = 0;
    paper.world.serve("other", () => {
      told += 1;
      return answering("<multistatus/>");
    });
    paper.server.intercept = () => ({ status: 302, headers: { location: "http://other/data/" } });
    const auth = { type: "bearer", token: "canary" } as const;
    const directory = directoryOf(paper, { auth });
    const sink = sinkOf(paper, { auth });
    const calls = [
      () => directory.list(NEVER)[Symbol.asyncIterator]().next(),
      () => directory.stat("a", NEVER),
      () => directory.makeDirectory("a", NEVER),
      () => sink.create("t", NEVER),
      () => sink.abort("t"),
      () => sink.seize("t", "u"),
    ];
    for (const call of calls) {
      const error = await assertFails(call, "insecure", String(call));
      assert.doesNotMatch(`${error.stack} ${error.cause}`, /canary/);
    }
    assert.equal(told, 0);
  },
);

davTest("credentials are sent, and their refusal is told without them", {
  authorization: `Basic ${btoa("u:canary")}`,
}, async (paper) => {
  const auth = { type: "basic", username: "u", password: "canary" } as const;
  await directoryOf(paper, { auth }).makeDirectory("new", NEVER);
  assert.ok(paper.server.directories.has("/data/new"));
  const wrong = { ...auth, password: "canary2" };
  const error = await assertFails(
    () => directoryOf(paper, { auth: wrong }).stat("new", NEVER),
    "unauthenticated",
    "a wrong password",
  );
  assert.doesNotMatch(`${error.stack} ${error.cause}`, /canary/);
});

davTest("a server that misses what it has just made is not asked for ever", {}, async (paper) => {
  paper.server.intercept = ({ method }) => method === "MKCOL" ? { status: 409 } : null;
  const sink = sinkOf(paper, { createDirectories: true });
  await assertFails(() => sink.create("t", NEVER), "notFound", "create");
  assert.ok(paper.server.requests.length < 20);
});

davTest("what cannot be meant is refused before anything is asked", {}, async (paper) => {
  const refused = (
    endpoint: Partial<SinkEndpoint>,
    code: "badEndpoint" | "nameRefused" | "escapes",
  ) =>
    assertFails(
      () => Promise.resolve().then(() => sinkOf(paper, endpoint)),
      code,
      endpoint.uri ?? "options",
    );
  await refused({ options: { parts: "x" } }, "badEndpoint");
  await refused({ options: { partial: "x" } }, "badEndpoint");
  await refused({ uri: "dav://u@paper/a" }, "badEndpoint");
  await refused({ uri: "dav://paper/a?b" }, "badEndpoint");
  await refused({ uri: "dav://paper/data/" }, "nameRefused");
  await refused({ uri: "dav://paper/data/../a" }, "nameRefused");
  await refused({ uri: "dav://paper/data/a%2fb" }, "badEndpoint");
  await refused({ uri: "dav://paper/other/a", root: "/data" }, "escapes");
  await refused({ auth: { type: "agent", username: "u" } }, "badEndpoint");
  assert.deepEqual(paper.server.requests, []);
});
