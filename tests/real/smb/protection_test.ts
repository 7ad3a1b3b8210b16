/** Signing, encryption, dialects and passwords, between a real server and a real client. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolError } from "../../../protocols/errors.ts";
import { assertBytes, failure, fetched, NEVER, patterned, sinkOf } from "../../conformance/case.ts";
import { requirePrograms } from "../require.ts";
import { requireMount, withTmpfs } from "../tmpfs.ts";
import { type SmbHarness, smbHarness } from "./harness.ts";

const needs = requirePrograms(["smbd", "smbpasswd", "smbclient", "smbstatus"]);
type Options = Readonly<Record<string, string | number | boolean>>;

function sourceWith(harness: SmbHarness, options: Options, password?: string) {
  const { user } = harness.samba;
  const auth = {
    type: "basic",
    username: user,
    password: password ?? harness.samba.password,
  } as const;
  const endpoint = { ...plainEndpoint(harness.source!.uri("f")), auth, options };
  return harness.protocol.source!(endpoint, harness.context);
}

async function withServer(
  config: string,
  body: (harness: SmbHarness) => Promise<void>,
): Promise<void> {
  const harness = await smbHarness({ config });
  try {
    await harness.source!.put("f", patterned(100_000));
    await body(harness);
  } finally {
    await harness.close();
  }
}

async function refused(harness: SmbHarness, options: Options): Promise<ProtocolError> {
  const error = await failure(() => sourceWith(harness, options).stat(NEVER), "it must be refused");
  assert.ok(
    ["unsupported", "denied", "unreachable", "badResponse"].includes(error.code),
    `${error}`,
  );
  return error;
}

/** What the server says of its connections: dialect, encryption and signing of each. */
async function connections({ samba }: SmbHarness): Promise<string> {
  const { stdout } = await new Deno.Command("smbstatus", {
    args: ["-s", `${samba.folder}/smb.conf`, "-p"],
  }).output();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name:
    "smb: a server that demands signing and encryption is served, and what was agreed is seen there",
  ...needs,
  fn: () =>
    withServer("server signing = mandatory\n  server smb encrypt = required", async (harness) => {
      const source = sourceWith(harness, {});
      assertBytes(await fetched(source), patterned(100_000), "over an encrypted connection");
      assert.match(await connections(harness), /SMB3_11\s+\S*AES-/);
      assertBytes(
        await fetched(sourceWith(harness, { encryption: "off" })),
        patterned(100_000),
        "off asks for nothing, and what the server demands is done",
      );
      const error = await refused(harness, { smbVersion: "2.1" });
      assert.ok(!error.message.includes(harness.samba.password));
    }),
});

Deno.test({
  name: "smb: encryption and signing that were demanded are not given up for a server without them",
  ...needs,
  fn: () =>
    withServer("server smb encrypt = off\n  server signing = disabled", async (harness) => {
      assertBytes(
        await fetched(sourceWith(harness, {})),
        patterned(100_000),
        "as the server has it",
      );
      await refused(harness, { encryption: "required" });
    }),
});

Deno.test({
  name: "smb: signing that is required is on, also where the server would do without",
  ...needs,
  fn: () =>
    withServer("server smb encrypt = off", async (harness) => {
      await sourceWith(harness, { signing: "required", smbVersion: "3.1.1" }).stat(NEVER);
      assert.match(await connections(harness), /SMB3_11\s+-\s+AES-128-(?:GMAC|CMAC)/);
    }),
});

Deno.test({
  name: "smb: the dialect is the one that was asked for, and one that the server lacks is none",
  ...needs,
  fn: () =>
    withServer(
      "server max protocol = SMB3_02\n  server min protocol = SMB2_10",
      async (harness) => {
        for (const [asked, seen] of [["2.1", "SMB2_10"], ["3.0.2", "SMB3_02"]] as const) {
          await sourceWith(harness, { smbVersion: asked }).stat(NEVER);
          assert.match(await connections(harness), new RegExp(seen));
        }
        const error = await refused(harness, { smbVersion: "3.1.1" });
        assert.equal(error.code, "unsupported", error.message);
      },
    ),
});

Deno.test({
  name: "smb: a wrong password, an unknown user and an unknown share are told apart, in words",
  ...needs,
  fn: () =>
    withServer("", async (harness) => {
      const wrong = await failure(
        () => sourceWith(harness, {}, "canary-wrong").stat(NEVER),
        "wrong",
      );
      assert.equal(wrong.code, "unauthenticated");
      assert.equal(wrong.retryable, false);
      assert.match(wrong.message, /LOGON_FAILURE/);
      assert.ok(!JSON.stringify([wrong.message, wrong.details]).includes("canary"));
      const uri = `smb://127.0.0.1:${harness.samba.port}/nothing/f`;
      const auth = harness.source!.endpoint!.auth!;
      const share = harness.protocol.source!({ ...plainEndpoint(uri), auth }, harness.context);
      const missing = await failure(() => share.stat(NEVER), "no such share");
      assert.equal(missing.code, "notFound");
    }),
});

Deno.test({
  name: "smb: nobody who lists processes sees the password",
  ...needs,
  fn: () =>
    withServer("", async (harness) => {
      const source = sourceWith(harness, {});
      const reader = await source.open({ start: 0, end: null }, null, NEVER);
      const { stdout } = await new Deno.Command("ps", { args: ["axww", "-o", "args"] }).output();
      const listed = new TextDecoder().decode(stdout);
      assert.match(listed, new RegExp(`smbclient //127.0.0.1/share.*${harness.samba.port}`));
      assert.ok(!listed.includes(harness.samba.password.slice(0, 12)));
      await reader.close();
    }),
});

Deno.test({
  name: "smb: a full disk is noSpace for short files and long ones, and nothing is left of them",
  ignore: requireMount().ignore || needs.ignore,
  async fn() {
    const root = await Deno.makeTempDir({ prefix: "quorus-samba-disk-" });
    try {
      await withTmpfs(root, 4, async () => {
        const harness = await smbHarness({ root });
        try {
          // Over a connection of its own, and over one that is open, with no room left at all.
          for (const pieces of [20, 1]) {
            if (pieces === 1) await Deno.writeFile(`${root}/filler`, new Uint8Array(3_800_000));
            const sink = sinkOf(harness, harness.sink!, "final");
            const file = await sink.create("t.part", NEVER);
            const writing = async () => {
              for (let piece = 0; piece < pieces; piece++) {
                await file.write(patterned(450_000), piece * 450_000);
              }
              await file.sync();
            };
            const error = await failure(writing, "a full disk");
            assert.equal(error.code, "noSpace", error.message);
            await file.close();
            await sink.abort("t.part");
            assert.equal(await Deno.stat(`${root}/t.part`).catch(() => null), null);
          }
        } finally {
          await harness.close();
        }
      });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  },
});
