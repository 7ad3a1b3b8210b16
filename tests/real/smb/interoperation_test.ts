/** Files that rclone and smbclient wrote are read, and what was written here they read. */

import assert from "node:assert/strict";
import type { Samba } from "../../servers/samba.ts";
import {
  assertBytes,
  fetched,
  NEVER,
  patterned,
  sinkOf,
  sourceOf,
} from "../../conformance/case.ts";
import { requirePrograms } from "../require.ts";
import { type SmbHarness, smbHarness } from "./harness.ts";

const needs = requirePrograms(["smbd", "smbpasswd", "smbclient", "rclone"]);
const NAME = "ünï 漢字 'quoted' & #1;.bin";
const SIZES = [0, 1, 70_000, 3_000_001];

async function output(program: string, args: readonly string[], env: Record<string, string> = {}) {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    env,
    stdin: "null",
  }).output();
  assert.ok(success, `${program} failed: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

async function rclone({ port, user, password, folder }: Samba, ...args: string[]) {
  const obscured = new TextDecoder().decode(await output("rclone", ["obscure", password])).trim();
  return await output("rclone", [
    "--config",
    `${folder}/rclone.conf`,
    "--low-level-retries=1",
    ...args,
  ], {
    RCLONE_CONFIG_S_TYPE: "smb",
    RCLONE_CONFIG_S_HOST: "127.0.0.1",
    RCLONE_CONFIG_S_PORT: String(port),
    RCLONE_CONFIG_S_USER: user,
    RCLONE_CONFIG_S_PASS: obscured,
  });
}

async function published(harness: SmbHarness, name: string, bytes: Uint8Array): Promise<void> {
  const sink = sinkOf(harness, harness.sink!, name, { createDirectories: true });
  const file = await sink.create("t.part", NEVER);
  for (let at = 0; at < bytes.length; at += 262_144) {
    await file.write(bytes.subarray(at, at + 262_144), at);
  }
  const options = { name: sink.name, replace: false, mtimeMs: 1_600_000_000_000, mode: null };
  await sink.publish(file, options);
  await sink.close();
}

async function read(harness: SmbHarness, name: string): Promise<Uint8Array> {
  const source = sourceOf(harness, harness.source!, name);
  const bytes = await fetched(source);
  await source.close();
  return bytes;
}

Deno.test({
  name: "smb: rclone writes and we read, we write and rclone reads, and rclone check agrees",
  ...needs,
  async fn() {
    const harness = await smbHarness();
    const { samba } = harness;
    try {
      const local = `${samba.folder}/local`;
      await Deno.mkdir(local);
      for (const size of SIZES) await Deno.writeFile(`${local}/${size} ${NAME}`, patterned(size));
      await rclone(samba, "copy", local, "s:share/theirs");
      for (const size of SIZES) {
        const bytes = await read(harness, `theirs/${size} ${NAME}`);
        assertBytes(bytes, patterned(size), `${size} bytes of rclone`);
        await published(harness, `ours/${size} ${NAME}`, bytes);
      }
      await rclone(samba, "check", "--download", local, "s:share/ours");
    } finally {
      await harness.close();
    }
  },
});

Deno.test({
  name: "smb: smbclient by hand writes and we read, and the other way round",
  ...needs,
  async fn() {
    const harness = await smbHarness();
    const { samba } = harness;
    try {
      const hand = async (command: string) => {
        const service = ["//127.0.0.1/share", "-p", String(samba.port), "-U", samba.user];
        await output("smbclient", [...service, "-s", "/dev/null", "-c", command], {
          PASSWD: samba.password,
        });
      };
      const local = `${samba.folder}/local.bin`;
      for (const size of SIZES) {
        await Deno.writeFile(local, patterned(size, 2));
        await hand(`put ${local} "theirs ${size}.bin"`);
        const bytes = await read(harness, `theirs ${size}.bin`);
        assertBytes(bytes, patterned(size, 2), `${size} bytes of smbclient`);
        await published(harness, `ours ${size}.bin`, bytes);
        await hand(`get "ours ${size}.bin" ${local}`);
        assertBytes(await Deno.readFile(local), patterned(size, 2), `${size} bytes of ours`);
      }
    } finally {
      await harness.close();
    }
  },
});
