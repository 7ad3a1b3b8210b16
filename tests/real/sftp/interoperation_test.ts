/** Files that OpenSSH's own client and rclone put there are read, and those that we put there are what they find. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertBytes, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const NAMES = ["plain.bin", "two words.bin", "ünï-漢字.bin", "100% & more;=+,.bin", "-leading.bin"];
const SIZE = 300_000;

type Client = (
  sshd: Sshd,
  direction: "get" | "put",
  local: string,
  remote: string,
) => Promise<void>;

async function succeeded(program: string, args: readonly string[], input?: string): Promise<void> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input ?? ""));
  await writer.close();
  const { success, stderr } = await child.output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

const rclone = (sshd: Sshd, ...words: string[]) =>
  succeeded("rclone", [
    ...["--config", "/dev/null", "--sftp-host", "127.0.0.1", "--sftp-port", String(sshd.port)],
    ...["--sftp-user", sshd.user, "--sftp-key-file", `${sshd.folder}/user`],
    ...["--sftp-known-hosts-file", sshd.knownHosts, ...words],
  ]);

const CLIENTS: Readonly<Record<string, Client>> = {
  rclone: (sshd, direction, local, remote) =>
    direction === "put"
      ? rclone(sshd, "copy", local, `:sftp:${remote}`)
      : rclone(sshd, "check", "--download", local, `:sftp:${remote}`),
  sftp: (sshd, direction, local, remote) =>
    succeeded(
      "sftp",
      [
        ...["-q", "-b", "-", "-P", String(sshd.port), "-i", `${sshd.folder}/user`],
        ...["-o", `UserKnownHostsFile=${sshd.knownHosts}`, `${sshd.user}@127.0.0.1`],
      ],
      direction === "put"
        ? `-mkdir "${remote}"\nput -r "${local}/." "${remote}"\n`
        : `get -r "${remote}/." "${local}"\n`,
    ),
};

for (const [program, client] of Object.entries(CLIENTS)) {
  Deno.test({
    name: `sftp: what ${program} puts is read, and what we put is what it finds, names and all`,
    ...requirePrograms(["sshd", "ssh-keygen", program]),
    async fn() {
      const sshd = await startSshd();
      const env = realEnv();
      const protocol = sftpProtocol({ knownHosts: sshd.knownHosts, agentSocket: null });
      const { user: username, privateKey } = sshd;
      const auth = { type: "key", username, privateKey } as const;
      const at = (path: string) => ({
        ...plainEndpoint(`sftp://127.0.0.1:${sshd.port}${sshd.root}/${path}`),
        auth,
      });
      const [local, back] = [`${sshd.folder}/local`, `${sshd.folder}/back`];
      for (const made of [local, back]) await Deno.mkdir(made);
      try {
        for (const [index, name] of NAMES.entries()) {
          const bytes = patterned(SIZE, index);
          await Deno.writeFile(`${local}/${name}`, bytes);
          const place = { createDirectories: true, root: null, sync: true };
          const endpoint = { ...at(`ours/${encodeURIComponent(name)}`), ...place };
          const sink = protocol.sink!(endpoint, { env });
          const file = await sink.create("t.part", NEVER, SIZE);
          await file.write(bytes, 0);
          await sink.publish(file, { name, replace: false, mtimeMs: null, mode: null });
          await sink.close();
        }
        if (program === "rclone") await client(sshd, "get", local, `${sshd.root}/ours`);
        else {
          await client(sshd, "get", back, `${sshd.root}/ours`);
          for (const [index, name] of NAMES.entries()) {
            assertBytes(await Deno.readFile(`${back}/${name}`), patterned(SIZE, index), name);
          }
        }
        await client(sshd, "put", local, `${sshd.root}/theirs`);
        const found: string[] = [];
        const directory = protocol.directory!(at("theirs/"), { env });
        for await (const { entries } of directory.list(NEVER)) {
          for (const { name } of entries) {
            found.push(name);
            const endpoint = { ...plainEndpoint(directory.uriOf(name)), auth };
            const source = protocol.source!(endpoint, { env });
            assertBytes(await fetched(source), patterned(SIZE, NAMES.indexOf(name)), name);
            await source.close();
          }
        }
        await directory.close();
        assert.deepEqual(found.sort(), [...NAMES].sort());
      } finally {
        await protocol.close!();
        env.close();
        await sshd.close();
      }
    },
  });
}
