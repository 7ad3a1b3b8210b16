/** What servers get that do not keep their word, and what a machine without smbclient says. */

import assert from "node:assert/strict";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { protocolLimits } from "../../../protocols/limits.ts";
import {
  assertBytes,
  assertFails,
  failure,
  fetched,
  NEVER,
  patterned,
  sinkOf,
} from "../../conformance/case.ts";
import { listedLine } from "./paper_client.ts";
import { AUTH, paperHarness, paperSource } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_share.ts";

const WHOLE = patterned(200_000);
const FILE = listedLine("f", WHOLE.length, 5);

async function withShare(
  quirks: PaperQuirks,
  body: (harness: ReturnType<typeof paperHarness>) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  harness.share.put("\\data\\f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

function directoryOf(harness: ReturnType<typeof paperHarness>) {
  const endpoint = { ...plainEndpoint("smb://paper/share/data/"), auth: AUTH };
  return harness.protocol.directory!(endpoint, harness.context);
}

const answering = (verb: string, text: string): PaperQuirks => ({
  answer: (asked) => asked === verb ? text : null,
});

const HOSTILE: readonly [string, PaperQuirks, ProtocolErrorCode][] = [
  ["falls silent at once", { silentAfter: 0 }, "timeout"],
  ["falls silent before a file", { silentAfter: 1 }, "timeout"],
  ["hangs up before a file", { endsAfter: 1 }, "unreachable"],
  ["delivers a byte more than it said", { extraBytes: 1 }, "tooLong"],
  ["delivers less than it said", { extraBytes: -5_000 }, "truncated"],
  ["delivers nothing", { extraBytes: -WHOLE.length }, "truncated"],
  ["lists another file than was asked for", { listing: () => [listedLine("g", 1, 5)] }, "notFound"],
  ["lists a file twice", { listing: () => [FILE, FILE] }, "badResponse"],
  ["lists a file with a size beyond all numbers", {
    listing: () => [FILE.replace("200000", "9".repeat(30))],
  }, "badResponse"],
  ["talks without end", { listing: () => [`${"x".repeat(100_000)}\n`] }, "badResponse"],
  ["knows nothing", answering("ls", ""), "badResponse"],
  ["is not allowed", answering("get", "NT_STATUS_ACCESS_DENIED opening remote file x\n"), "denied"],
  [
    "loses the connection",
    answering("ls", "NT_STATUS_CONNECTION_DISCONNECTED listing x\n"),
    "unreachable",
  ],
  ["has it open elsewhere", answering("ls", "NT_STATUS_SHARING_VIOLATION listing x\n"), "io"],
  [
    "fails with a status that nobody knows",
    answering("ls", "NT code 0xc0009999 listing x\n"),
    "io",
  ],
];

for (const [what, quirks, code] of HOSTILE) {
  Deno.test(`smb: a server that ${what} gets ${code}`, () =>
    withShare(quirks, async (harness) => {
      const source = paperSource(harness, "f");
      await assertFails(() => fetched(source), code, what);
      await source.close();
    }));
}

const REFUSALS: readonly [string, ProtocolErrorCode, boolean][] = [
  ["session setup failed: NT_STATUS_LOGON_FAILURE", "unauthenticated", false],
  ["session setup failed: NT_STATUS_ACCOUNT_LOCKED_OUT", "unauthenticated", false],
  ["tree connect failed: NT_STATUS_BAD_NETWORK_NAME", "notFound", false],
  ["tree connect failed: NT_STATUS_ACCESS_DENIED", "denied", false],
  ["do_connect: Connection to x failed (Error NT_STATUS_CONNECTION_REFUSED)", "unreachable", true],
  ["do_connect: Connection to x failed (Error NT_STATUS_IO_TIMEOUT)", "timeout", true],
  ["protocol negotiation failed: NT_STATUS_INVALID_PARAMETER", "unsupported", false],
  [
    "gensec_spnego_client_negTokenInit_step: Could not find a suitable mechtype in NEG_TOKEN_INIT\n" +
    "session setup failed: NT_STATUS_INVALID_PARAMETER",
    "unauthenticated",
    false,
  ],
  [
    "Kerberos auth with 'u@R' (W\\u) to access '10.0.0.1' not possible\n" +
    "session setup failed: NT_STATUS_ACCESS_DENIED",
    "unsupported",
    false,
  ],
  ["smbclient: something else is wrong", "badResponse", true],
  ["", "unreachable", true],
];

for (const [said, code, retryable] of REFUSALS) {
  Deno.test(`smb: connecting that ends with "${said}" is ${code}, and names no secret`, () =>
    withShare({ refusal: said }, async (harness) => {
      const source = paperSource(harness, "f");
      const error = await assertFails(() => source.stat(NEVER), code, said);
      assert.equal(error.retryable, retryable);
      assert.ok(!JSON.stringify([error.message, error.details]).includes(AUTH.password));
      await source.close();
    }));
}

Deno.test("smb: a machine without smbclient names the package, one without programs says so", () =>
  withShare({ isMissing: true }, async (harness) => {
    const error = await failure(() => paperSource(harness, "f").stat(NEVER), "no smbclient");
    assert.equal(error.code, "unsupported");
    assert.match(error.message, /Debian package smbclient/);
    const { programs: _, ...env } = harness.context.env;
    const bare = { ...harness, context: { env } };
    const other = await failure(() => paperSource(bare, "f").stat(NEVER), "no programs");
    assert.equal(other.code, "unsupported");
  }));

Deno.test("smb: no password is in an argument or in a command", () =>
  withShare({}, async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "copy");
    const file = await sink.create("t.part", NEVER);
    await file.write(patterned(2_000_000), 0);
    await sink.publish(file, { name: "copy", replace: true, mtimeMs: null, mode: null });
    const { started, commands } = harness.share;
    assert.ok(started.length >= 2 && commands.length > 0);
    assert.ok(!JSON.stringify([started.map(({ args }) => args), commands]).includes(AUTH.password));
  }));

Deno.test("smb: content is never on an input that is read for commands", () =>
  withShare({}, async (harness) => {
    const evil = new TextEncoder().encode("!touch /tmp/pwned\ndel \\data\\f\n".repeat(60_000));
    const sink = sinkOf(harness, harness.sink!, "copy");
    const file = await sink.create("t.part", NEVER);
    harness.share.nodes.delete("\\DATA\\T.PART");
    const publishing = async () => {
      await file.write(evil, 0);
      await sink.publish(file, { name: "copy", replace: true, mtimeMs: null, mode: null });
    };
    await assertFails(publishing, "notFound", "an upload whose directory has gone");
    assert.ok(harness.share.commands.every((line) => !/pwned|\\data\\f"/.test(line)));
    assert.ok(harness.share.at("\\data\\f") !== null);
  }));

Deno.test("smb: an endless listing is handed on in pages, and who stops ends it", () => {
  let made = 0;
  function* endless(): Generator<string> {
    // As much as a pipe would hold back; the rest is never asked for.
    for (; made < 50_000; made++) yield listedLine(`file-${made}`, 5, 5);
  }
  const isAll = (harness: ReturnType<typeof paperHarness>) =>
    harness.share.commands.at(-1) === 'ls "\\data\\*"';
  return withShare({}, async (harness) => {
    const quirks = harness.share.quirks as { listing?: () => Iterable<string> };
    quirks.listing = () => isAll(harness) ? endless() : [listedLine("data", null, 5)];
    for await (const { entries } of directoryOf(harness).list(NEVER)) {
      assert.ok(entries.length <= protocolLimits.listPageEntries);
      break;
    }
    delete quirks.listing;
    assertBytes(await fetched(paperSource(harness, "f")), WHOLE, "the next session serves");
  });
});

Deno.test("smb: names of a hostile listing are shown and not passed on", () =>
  withShare({}, async (harness) => {
    const quirks = harness.share.quirks as { listing?: () => Iterable<string> };
    const odd = [
      "..\\up",
      "CON",
      "two\nlines",
      "dot.",
      "x:stream",
      "a*",
      "bad\ufffd",
      "x".repeat(300),
    ];
    quirks.listing = () =>
      harness.share.commands.at(-1) === 'ls "\\data\\*"'
        ? [".", "..", "ok", ...odd].map((name) => listedLine(name, 5, 5))
        : [listedLine("data", null, 5)];
    for await (const { entries, refused } of directoryOf(harness).list(NEVER)) {
      // The second half of a name with a line break is a line of its own, and could be any name.
      assert.deepEqual(entries.map(({ name }) => name), ["ok"]);
      assert.equal(refused.length, odd.length + 1);
      assert.ok(refused.every((shown) => !shown.includes("\n") && shown.length < 300));
    }
  }));

Deno.test("smb: what was forged into a listing cannot end an answer", () =>
  withShare({}, async (harness) => {
    const quirks = harness.share.quirks as { listing?: () => Iterable<string> };
    quirks.listing = () => [
      listedLine("smb: \\> ", 5, 5),
      `  q${"0".repeat(32)}: command not found\n`,
      listedLine("data", null, 5),
    ];
    const error = await failure(() => paperSource(harness, "f").stat(NEVER), "forged");
    assert.equal(error.code, "badResponse");
    delete quirks.listing;
    assert.equal((await paperSource(harness, "f").stat(NEVER)).fingerprint.size, WHOLE.length);
  }));
