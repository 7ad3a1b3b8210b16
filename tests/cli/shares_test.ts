/** What a machine has of file servers: texts of a command, settings of an agent. */

import assert from "node:assert/strict";
import { effectiveSettings } from "../../cli/config/effective.ts";
import { sharesOf, sharesOfSettings } from "../../cli/config/shares.ts";
import { realEnv } from "../../runtime/env/real.ts";

function machine(variables: Readonly<Record<string, string>> = {}) {
  return { cwd: "/base", env: (name: string) => variables[name] };
}

Deno.test("--nfs says where exports are mounted, relative paths from where one stands", () => {
  const { nfs, smb } = sharesOf(machine(), [
    "nfs://host/export=/mnt/x",
    "nfs://[fd00::1]/a/b=mnt=odd",
    "nfs://host/tmp=/mnt/t,fstype=tmpfs",
  ]);
  assert.deepEqual(nfs.mounts, [
    { uri: "nfs://host/export", path: "/mnt/x", fstype: null },
    { uri: "nfs://[fd00::1]/a/b", path: "/base/mnt=odd", fstype: null },
    { uri: "nfs://host/tmp", path: "/mnt/t", fstype: "tmpfs" },
  ]);
  assert.deepEqual(smb, { ticketCache: null, folder: "/tmp" });
});

Deno.test("--nfs says which export is read through a library, and where that is", () => {
  const library = "/usr/lib/x86_64-linux-gnu/libnfs.so.13";
  const { nfs } = sharesOf(machine(), ["nfs://h:20490/e=libnfs:" + library, "nfs://h/m=/mnt"]);
  assert.equal(nfs.mounts.length, 1);
  assert.deepEqual(nfs.reading?.exports, [{ uri: "nfs://h:20490/e", library }]);
  assert.throws(() => sharesOf(machine(), ["nfs://h/e=libnfs:/lib/libc.so.6"]), {
    code: "invalidInput",
  });
});

Deno.test("a mount that cannot be one is refused, with the text that was given", () => {
  for (
    const text of [
      "nfs://host/export",
      "host:/export=/mnt",
      "nfs://host/export=/",
      "nfs://u@host/e=/m",
    ]
  ) {
    assert.throws(() => sharesOf(machine(), [text]), { code: "invalidInput" }, text);
  }
});

Deno.test("tickets and a temporary folder are those of whoever types a command", () => {
  const variables = { KRB5CCNAME: "FILE:/run/tickets", TMPDIR: "/var/tmp" };
  assert.deepEqual(sharesOf(machine(variables), []).smb, {
    ticketCache: "FILE:/run/tickets",
    folder: "/var/tmp",
  });
});

async function agent(yaml: string) {
  const folder = await Deno.makeTempDir({ prefix: "quorus-shares-" });
  const env = realEnv();
  try {
    await Deno.writeTextFile(`${folder}/agent.yaml`, `node: a1\ncontrollers: {}\n${yaml}`);
    const places = { disk: env.disk, cwd: folder, env: () => undefined };
    const { settings } = await effectiveSettings("agent", places, { config: "agent.yaml" });
    return sharesOfSettings(settings, `${folder}/state`);
  } finally {
    env.close();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("an agent's settings name its mounts and its tickets; its own folder holds short files", async () => {
  const shares = await agent(
    "nfs:\n  - {uri: 'nfs://host/export', path: /mnt/x}\nsmb: {ticketCache: tickets}\n",
  );
  assert.deepEqual(shares.nfs.mounts, [
    { uri: "nfs://host/export", path: "/mnt/x", fstype: null },
  ]);
  assert.match(shares.smb.ticketCache!, /^\/.*\/tickets$/);
  assert.match(shares.smb.folder!, /\/state$/);
});

Deno.test("an agent's export has a path or a library, and not both", async () => {
  const library = "/usr/lib/libnfs.so.13";
  const shares = await agent(`nfs:\n  - {uri: 'nfs://host/export', library: ${library}}\n`);
  assert.deepEqual(shares.nfs.reading?.exports, [{ uri: "nfs://host/export", library }]);
  for (const more of [`library: ${library}, path: /mnt/x`, "fstype: tmpfs"]) {
    await assert.rejects(agent(`nfs:\n  - {uri: 'nfs://host/export', ${more}}\n`), {
      message: /needs a path or a library/,
    });
  }
});

Deno.test("an agent with a mount that cannot be one does not start, and the message says why", async () => {
  await assert.rejects(agent("nfs:\n  - {uri: 'nfs://host/export', path: relative}\n"), {
    message: /no absolute path/,
  });
});
