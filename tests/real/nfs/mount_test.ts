/**
 * A mount of this machine in the place of an NFS export, which has no client in this kernel: a tmpfs, which
 * the settings name as what is to be found.
 */

import assert from "node:assert/strict";
import { nfsProtocol } from "../../../protocols/nfs/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { mountedDisk } from "../../../runtime/env/real/mounted_disk.ts";
import { NEVER, patterned } from "../../conformance/case.ts";
import { conformance } from "../../conformance/suite.ts";
import { at, mountHarness } from "../../protocols/nfs/harness.ts";
import { requireMount, withTmpfs } from "../tmpfs.ts";

const mountable = requireMount();
const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

async function mounted(
  body: (folder: string) => Promise<void>,
  sizeMiB = 64,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-nfs-" });
  try {
    await withTmpfs(folder, sizeMiB, () => body(folder));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function unmount(folder: string): Promise<void> {
  const { success } = await new Deno.Command("umount", { args: ["-l", folder] }).output();
  assert.ok(success);
}

if (!mountable.ignore) {
  conformance("nfs on a mounted tmpfs", async () => {
    const folder = await Deno.makeTempDir({ prefix: "quorus-nfs-" });
    const env = realEnv();
    await new Deno.Command("mount", { args: ["-t", "tmpfs", "tmpfs", folder] }).output();
    return {
      ...mountHarness(env, folder, { files: mountedDisk, fstype: "tmpfs" }),
      close: async () => {
        env.close();
        await unmount(folder);
        await Deno.remove(folder);
      },
    };
  });
}

Deno.test({
  name: "nfs: a mount that goes is noticed before a byte is written to the folder below it",
  ...mountable,
  fn: () =>
    mounted(async (folder) => {
      const env = realEnv();
      try {
        const mounts = [{ uri: "nfs://server/export", path: folder, fstype: "tmpfs" }];
        const protocol = nfsProtocol({ mounts, files: mountedDisk });
        const sink = protocol.sink!(at("f"), { env });
        const file = await sink.create("t.part", NEVER);
        await file.write(patterned(1_000), 0);
        await unmount(folder);
        // It is still the file of the mount that went: nothing of it reaches the folder.
        await file.write(patterned(1_000), 1_000);
        // Within the time that a proof is believed, what is opened is compared with it.
        await assert.rejects(sink.create("u.part", NEVER), { code: "unreachable" });
        await assert.rejects(
          sink.publish(file, { name: "f", replace: true, mtimeMs: null, mode: null }),
        );
        assert.deepEqual([...Deno.readDirSync(folder)], []);
      } finally {
        env.close();
      }
    }),
});

Deno.test({
  name:
    "nfs: a folder that is no mount of that server is not used, and the message says what it is",
  ...mountable,
  fn: () =>
    mounted(async (folder) => {
      const env = realEnv();
      try {
        const mounts = [{ uri: "nfs://server/export", path: folder, fstype: null }];
        const protocol = nfsProtocol({ mounts, files: mountedDisk });
        const source = protocol.source!(at("f"), { env });
        await assert.rejects(source.stat(NEVER), { code: "unreachable", message: /type tmpfs/ });
      } finally {
        env.close();
      }
    }),
});

/** Runs the command line with these permissions. */
async function quorus(
  folder: string,
  permissions: readonly string[],
  ...words: string[]
): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", ...permissions, CLI, ...words],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return { code, text };
}

Deno.test({
  name: "nfs: the example of the page runs as it stands, also where only cat may see the mounts",
  ...mountable,
  fn: () =>
    mounted(async (folder) => {
      const state = await Deno.makeTempDir({ prefix: "quorus-nfs-run-" });
      try {
        const page = new URL("../../../protocols/nfs/README.md", import.meta.url);
        const yaml = /```yaml\n([\s\S]*?)```/.exec(await Deno.readTextFile(page))![1]!;
        await Deno.writeTextFile(`${state}/page.yaml`, yaml);
        await Deno.mkdir(`${folder}/out`);
        await Deno.writeTextFile(`${folder}/out/orders.csv`, "1;2\n");
        const nfs = ["--nfs", `nfs://storage.corp.example/exports=${folder},fstype=tmpfs`];
        const run = ["run", "page.yaml", ...nfs];
        const allowed = ["--allow-read", "--allow-write", "--allow-net", "--allow-env"];
        const narrow = await quorus(state, allowed, ...run, "--data", `${state}/narrow`);
        assert.equal(narrow.code, 1);
        assert.match(narrow.text, /--allow-run=cat/);
        const first = await quorus(state, [...allowed, "--allow-run=cat"], ...run);
        assert.equal(first.code, 0, first.text);
        assert.equal(await Deno.readTextFile(`${folder}/in/orders.csv`), "1;2\n");
        const wrong = await quorus(state, ["-A"], "run", "page.yaml", "--nfs", "nfs://x=/");
        assert.equal(wrong.code, 2, wrong.text);
        await unmount(folder);
        const again = await quorus(state, ["-A"], ...run, "--data", `${state}/again`);
        assert.equal(again.code, 1);
        assert.match(again.text, /is not its mount/);
        assert.deepEqual([...Deno.readDirSync(folder)], []);
      } finally {
        await Deno.remove(state, { recursive: true });
      }
    }),
});

const BIG = 192 * 1_048_576;

/** How much of a temporary file is there. */
function underWay(folder: string): number {
  try {
    return Math.max(
      0,
      ...[...Deno.readDirSync(folder)].map(({ name }) => {
        return name.endsWith(".part") ? Deno.statSync(`${folder}/${name}`).size : 0;
      }),
    );
  } catch {
    // It was not made yet, or has just been renamed.
    return 0;
  }
}

Deno.test({
  name: "nfs: killed in the middle, the next run keeps what was there and brings the rest",
  ...mountable,
  fn: () =>
    mounted(async (folder) => {
      const state = await Deno.makeTempDir({ prefix: "quorus-nfs-run-" });
      try {
        const content = patterned(BIG);
        await Deno.mkdir(`${folder}/in`);
        await Deno.writeFile(`${folder}/big.bin`, content);
        const uri = (name: string) => `{ uri: "nfs://server/export/${name}" }`;
        await Deno.writeTextFile(
          `${state}/w.yaml`,
          "apiVersion: quorus.dev/v1\nkind: Transfer\nmetadata: { name: big }\nspec:\n" +
            `  source: ${uri("big.bin")}\n  destination: ${uri("in/big.bin")}\n`,
        );
        const run = ["run", "w.yaml", "--nfs", `nfs://server/export=${folder},fstype=tmpfs`];
        const child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", CLI, ...run, "--max-rate", "100MB"],
          cwd: state,
          stdin: "null",
          stdout: "null",
          stderr: "null",
        }).spawn();
        for (let look = 0; look < 4_000 && underWay(`${folder}/in`) < 0.75 * BIG; look++) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        child.kill("SIGKILL");
        await child.status;
        assert.equal(await Deno.stat(`${folder}/in/big.bin`).catch(() => null), null);
        const { code, text } = await quorus(state, ["-A"], ...run, "-o", "json");
        assert.equal(code, 0, text);
        assert.deepEqual(await Deno.readFile(`${folder}/in/big.bin`), content);
        const kept = Number(/"keptBytes": ?(\d+)/.exec(text)?.[1]);
        assert.ok(kept >= 64 * 1_048_576, `${kept} bytes were kept`);
      } finally {
        await Deno.remove(state, { recursive: true });
      }
    }, 600),
});
