/** What hostile and broken servers get, in memory and on virtual time. */

import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { assertFails, fetched, NEVER, patterned, sinkOf } from "../../conformance/case.ts";
import { AUTH, type PaperHarness, paperHarness, paperSource } from "./paper_harness.ts";
import { MODERN, OLD, type PaperQuirks } from "./paper_quirks.ts";

const WHOLE = patterned(200_000);

async function withServer(
  quirks: PaperQuirks,
  body: (harness: PaperHarness) => Promise<void>,
  more: Partial<Endpoint> = {},
  scheme = "ftp",
): Promise<void> {
  const harness = paperHarness(quirks, more, scheme);
  harness.server.files.put("/data/f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

const answering = (start: string, text: string): PaperQuirks => ({
  forge: (command, answer) => command.startsWith(start) ? text : answer,
});

const HOSTILE: readonly [string, PaperQuirks, ProtocolErrorCode][] = [
  ["greets with a gigabyte", { greeting: `220-${"x".repeat(1_000_000)}` }, "badResponse"],
  ["greets without an end", { greeting: "220-hello\r\n" }, "timeout"],
  ["speaks another protocol", { greeting: "SSH-2.0-OpenSSH_9.2\r\n" }, "badResponse"],
  ["is full", { greeting: "421 Too many connections.\r\n" }, "rateLimited"],
  ["falls silent at once", { silentAfter: 0 }, "timeout"],
  ["falls silent in the middle", { silentAfter: 9 }, "timeout"],
  ["hangs up at once", { endsAfter: 0 }, "unreachable"],
  ["hangs up in the middle", { endsAfter: 9 }, "unreachable"],
  ["answers twice", answering("TYPE", "200 ok\r\n200 ok\r\n"), "badResponse"],
  ["announces without end", answering("TYPE", "150 soon\r\n".repeat(40)), "badResponse"],
  ["sends data elsewhere", {
    noExtendedPassive: true,
    passiveAddress: "169.254.169.254",
  }, "insecure"],
  ["names no port", {
    noExtendedPassive: true,
    ...answering("PASV", "227 ok (10,0,0,1,0,0)\r\n"),
  }, "badResponse"],
  [
    "tells a size beyond all numbers",
    answering("MLST", "250-x\r\n type=file;size=9e9; x\r\n250 e\r\n"),
    "unsupported",
  ],
  [
    "tells a negative size",
    answering("MLST", "250-x\r\n type=file;size=-5; x\r\n250 e\r\n"),
    "unsupported",
  ],
  [
    "says that the file is a device",
    answering("MLST", "250-x\r\n type=OS.unix=chr; x\r\n250 e\r\n"),
    "nameRefused",
  ],
  [
    "sends less than it said",
    { sends: (_p, bytes) => ({ bytes: bytes.slice(9), then: "end" }) },
    "truncated",
  ],
  [
    "sends nothing more",
    { sends: (_p, bytes) => ({ bytes: bytes.slice(9), then: "stall" }) },
    "timeout",
  ],
  [
    "breaks off and says so",
    { sends: (_p, bytes) => ({ bytes: bytes.slice(9), then: "cut" }) },
    "unreachable",
  ],
  ["sends more than it said", {
    sends: (_p, bytes) => ({ bytes: new Uint8Array([...bytes, 1]), then: "end" }),
  }, "tooLong"],
  [
    "asks for a file to be sent where it sends one",
    answering("RETR 150", "350 and?\r\n"),
    "badResponse",
  ],
];

for (const [what, quirks, code] of HOSTILE) {
  Deno.test(`ftp: a server that ${what} gets ${code}`, () =>
    withServer(quirks, async (harness) => {
      const source = paperSource(harness, "f");
      const error = await assertFails(() => fetched(source), code, what);
      assert.ok(error.message.length < 1_000, "a message of bounded length");
      assert.ok(
        error.message.split("ftp://").length <= 2,
        `a place is named once: ${error.message}`,
      );
      await source.close();
    }));
}

Deno.test("ftp: a size that lies is found, below and above", () =>
  withServer({}, async (harness) => {
    for (const [size, code] of [[150_000, "tooLong"], [5_000_000_000_000, "truncated"]] as const) {
      harness.server.quirks = {
        forge: (command, answer) =>
          command.startsWith("MLST") ? answer.replace(/size=\d+/, `size=${size}`) : answer,
      };
      const source = paperSource(harness, "f");
      assert.equal((await source.stat(NEVER)).fingerprint.size, size);
      await assertFails(() => fetched(source), code, String(size));
      await source.close();
    }
  }));

Deno.test("ftp: a reply that comes byte by byte, and never ends, is not waited for", () =>
  withServer({}, async (harness) => {
    const { timers, clock } = harness.context.env;
    const source = paperSource(harness, "f");
    await source.stat(NEVER);
    const drip: PaperQuirks["drips"] = async (say) => {
      for (;;) {
        await say("2");
        await new Promise<void>((resolve) => timers.after(1_000, resolve));
      }
    };
    harness.server.quirks = { drips: drip };
    const beganMs = clock.monotonic();
    await assertFails(() => source.stat(NEVER), "timeout", "a slow drip");
    assert.ok(clock.monotonic() - beganMs < 60_000, "it is bounded in time");
    await source.close();
  }));

Deno.test("ftp: no password leaves in clear unless that is said, and none is repeated", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f", { options: {} });
    const error = await assertFails(() => source.stat(NEVER), "insecure", "no TLS there");
    assert.match(error.message, /set option tls: none to send the password in clear/);
    await source.close();
    const said = () => harness.network.overheard.map(({ text }) => text).join("");
    assert.ok(!/USER|PASS/.test(said()), "not even the user");
    const wrong = { ...AUTH, password: "hunter2" };
    const other = paperSource(harness, "f", { auth: wrong });
    const refused = await assertFails(
      () => other.stat(NEVER),
      "unauthenticated",
      "a wrong password",
    );
    assert.ok(
      !JSON.stringify([refused.message, refused.details, String(refused.cause)]).includes(
        "hunter2",
      ),
    );
    assert.match(said(), /hunter2 is not the password/, "the server repeated it");
    await other.close();
  }));

Deno.test("ftp: without TLS there, anonymous reads in clear, and tls: required does not", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f", { options: {}, auth: null });
    assert.equal((await fetched(source)).length, WHOLE.length);
    await source.close();
    const strict = paperSource(harness, "f", { options: { tls: "required" }, auth: null });
    await assertFails(() => strict.stat(NEVER), "insecure", "required");
    await strict.close();
  }));

Deno.test("ftps: everything after AUTH TLS is encrypted, data as well", () =>
  withServer({ tls: true }, async (harness) => {
    const source = paperSource(harness, "f", { options: {} });
    assert.equal((await fetched(source)).length, WHOLE.length);
    const inClear = harness.network.overheard.filter(({ isSecure }) => !isSecure);
    assert.deepEqual(inClear.map(({ text }) => text), [
      "220 paper\r\n",
      "AUTH TLS\r\n",
      "234 Go on.\r\n",
    ]);
    await source.close();
  }));

Deno.test("ftps: what is said in clear behind the permission for TLS is not believed", () =>
  withServer(
    { tls: true, ...answering("AUTH", "234 go\r\n230 You are in.\r\n") },
    async (harness) => {
      const source = paperSource(harness, "f", { options: {} });
      await assertFails(() => source.stat(NEVER), ["insecure", "badResponse"], "injected");
      assert.ok(!harness.server.commands.includes("PASS"));
      await source.close();
    },
  ));

Deno.test("ftps: a server that would send data in clear is refused", () =>
  withServer({ tls: true, refusesProtection: true }, async (harness) => {
    const source = paperSource(harness, "f", { options: {} });
    await assertFails(() => source.stat(NEVER), "insecure", "PROT P refused");
    await source.close();
  }));

Deno.test("ftp: data goes to the address of the control connection, where that is said of a foreign one", () =>
  withServer({ noExtendedPassive: true, passiveAddress: "192.168.7.7" }, async (harness) => {
    const options = { tls: "none", passiveAddress: "control" };
    const source = paperSource(harness, "f", { options });
    assert.equal((await fetched(source)).length, WHOLE.length);
    assert.ok(harness.network.dialed.every((address) => address.startsWith("10.0.0.1:")));
    await source.close();
  }));

Deno.test("ftp: a name with a line break reaches no server", () =>
  withServer({}, async (harness) => {
    const directory = harness.protocol.directory!({
      ...plainEndpoint("ftp://paper/data/"),
      ...harness.directory!.endpoint,
    }, harness.context);
    const evil = "x\r\nDELE /data/f";
    await assertFails(() => directory.stat(evil, NEVER), "nameRefused", "stat");
    await assertFails(() => directory.remove(evil, null, NEVER), "nameRefused", "remove");
    await assertFails(() => directory.makeDirectory(evil, NEVER), "nameRefused", "make");
    const sink = sinkOf(harness, harness.sink!, "ok");
    await assertFails(() => sink.create(evil, NEVER), "nameRefused", "create");
    await assertFails(() => sink.seize("a", evil), "nameRefused", "seize");
    assert.deepEqual(harness.server.commands, []);
    await sink.close();
    await directory.close();
  }));

Deno.test("ftp: a listing without an end is handed on page by page, and can be left", () =>
  withServer({
    *lists() {
      for (let index = 0;; index += 1) yield `type=file;size=1; ${index}`;
    },
  }, async (harness) => {
    const directory = harness.protocol.directory!({
      ...plainEndpoint("ftp://paper/data/"),
      ...harness.directory!.endpoint,
    }, harness.context);
    let pages = 0;
    for await (const { entries } of directory.list(NEVER)) {
      assert.ok(entries.length <= 1_000);
      pages += 1;
      if (pages === 3) break;
    }
    assert.equal((await directory.stat("f", NEVER))?.fingerprint.size, WHOLE.length);
    await directory.close();
  }));

Deno.test("ftp: names of a hostile listing are shown and not passed on", () =>
  withServer({
    lists: () =>
      ["..", "a/b", "x".repeat(10_000), "ok", "\u0007"].map((name) => `type=file;size=1; ${name}`),
  }, async (harness) => {
    const directory = harness.protocol.directory!({
      ...plainEndpoint("ftp://paper/data/"),
      ...harness.directory!.endpoint,
    }, harness.context);
    for await (const { entries, refused } of directory.list(NEVER)) {
      assert.deepEqual(entries.map(({ name }) => name), ["ok"]);
      assert.equal(refused.length, 3);
      assert.ok(refused.every((shown) => shown.length < 300 && !shown.includes("\u0007")));
    }
    await directory.close();
  }));

Deno.test("ftp: a directory that cannot be listed is an error, and an empty one is none", () =>
  withServer({ features: OLD }, async (harness) => {
    harness.server.files.folders.add("/data/empty");
    const listing = async (path: string) => {
      const directory = harness.protocol.directory!({
        ...plainEndpoint(`ftp://paper/data/${path}`),
        ...harness.directory!.endpoint,
      }, harness.context);
      let count = 0;
      for await (const { entries } of directory.list(NEVER)) count += entries.length;
      await directory.close();
      return count;
    };
    assert.equal(await listing("empty/"), 0);
    await assertFails(() => listing("gone/"), "notFound", "a missing one");
    harness.server.quirks = {
      ...harness.server.quirks,
      ...answering("LIST 150", "550 Permission denied.\r\n"),
    };
    await assertFails(() => listing("empty/"), "denied", "a forbidden one");
  }));

Deno.test("ftp: a full disk is told as such, and what was there before stays", () =>
  withServer({ fullAfterBytes: 100_000 }, async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "out");
    const file = await sink.create("t.part", NEVER);
    const writing = async () => {
      for (let at = 0; at < 1_000_000; at += 50_000) {
        await file.write(WHOLE.subarray(0, 50_000), at);
      }
      await file.size();
    };
    const error = await assertFails(writing, "noSpace", "a full disk");
    assert.ok(error.definite);
    await file.close();
    await sink.close();
  }));

Deno.test("ftp: a server that renames over nothing refuses to replace, and says so", () =>
  withServer({ keepsTaken: true }, async (harness) => {
    harness.server.files.put("/data/out", patterned(10));
    const sink = sinkOf(harness, harness.sink!, "out");
    for (const [replace, code] of [[true, "unsupported"], [false, "exists"]] as const) {
      const file = await sink.create(`${code}.part`, NEVER);
      await file.write(patterned(20), 0);
      const options = { name: "out", replace, mtimeMs: null, mode: null };
      const error = await assertFails(() => sink.publish(file, options), code, code);
      assert.ok(error.definite);
    }
    assert.equal(harness.server.files.files.get("/data/out")!.bytes.length, 10);
    await sink.close();
  }));

Deno.test("ftp: a server that begins at the start only says so before a byte comes", () =>
  withServer({ features: MODERN.filter((line) => !line.startsWith("REST")) }, async (harness) => {
    const source = paperSource(harness, "f");
    assert.equal((await source.stat(NEVER)).ranges, false);
    const range = { start: 100, end: null };
    await assertFails(() => source.open(range, null, NEVER), "rangeNotSupported", "a range");
    await source.close();
  }));

Deno.test("ftp: SHA-256 is asked for where that is declared", () =>
  withServer({}, async (harness) => {
    const options = { tls: "none", serverHash: true };
    const source = paperSource(harness, "f", { options });
    const { sha256 } = await source.stat(NEVER);
    assert.match(sha256 ?? "", /^[0-9a-f]{64}$/);
    assert.equal((await paperSource(harness, "f").stat(NEVER)).sha256, null);
    await source.close();
  }));

Deno.test("ftp: below a root nothing is made or written through a link that leads out of it", () =>
  withServer({}, async (harness) => {
    const { files } = harness.server;
    for (const path of ["/data/root", "/data/root/link", "/outside"]) files.folders.add(path);
    files.links.set("/data/root/link", "/outside");
    const root = "/data/root";
    for (const name of ["root/link/x", "root/link/made/x"]) {
      const sink = sinkOf(harness, harness.sink!, name, { root, createDirectories: true });
      await assertFails(() => sink.create("t.part", NEVER), "escapes", name);
      await sink.close();
    }
    assert.ok(![...files.files.keys(), ...files.folders].some((path) => path.includes("made")));
    const inside = sinkOf(harness, harness.sink!, "root/new/x", { root, createDirectories: true });
    await (await inside.create("t.part", NEVER)).close();
    assert.ok(files.files.has("/data/root/new/t.part"));
    await inside.close();
  }));
