/** Who is let in, and by whom: agents, encrypted keys, passwords, jump hosts, hosts that have changed. */

import assert from "node:assert/strict";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { SftpMachine } from "../../../protocols/sftp/carrier.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { NEVER } from "../../conformance/case.ts";
import { makeKey, type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh", "ssh-keygen", "ssh-agent", "ssh-add"]);
const needsUsers = requirePrograms(["sshd", "ssh-keygen", "useradd", "userdel", "chpasswd"]);

type Machine = Partial<SftpMachine>;

/** The size of a file of 5 bytes on the server, by an endpoint of its own. */
async function sizeOn(
  { port, root }: Sshd,
  endpoint: Partial<Endpoint>,
  machine: Machine = {},
  host = "127.0.0.1",
  env: ReturnType<typeof realEnv> = realEnv(),
): Promise<number | null> {
  const protocol = sftpProtocol({ knownHosts: null, agentSocket: null, ...machine });
  try {
    await Deno.writeTextFile(`${root}/f`, "12345");
    const uri = `sftp://${host}:${port}${root}/f`;
    const source = protocol.source!({ ...plainEndpoint(uri), ...endpoint }, { env });
    return (await source.stat(NEVER)).fingerprint.size;
  } finally {
    await protocol.close!();
    env.close();
  }
}

async function run(program: string, args: string[], env: Record<string, string> = {}) {
  const { success, stderr } = await new Deno.Command(program, { args, env, stdin: "null" })
    .output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

function real(name: string, fn: (sshd: Sshd) => Promise<void>) {
  Deno.test({
    name,
    ...needs,
    async fn() {
      const sshd = await startSshd();
      try {
        await fn(sshd);
      } finally {
        await sshd.close();
      }
    },
  });
}

real("the keys of an SSH agent are used, and its lack is told", async (sshd) => {
  const socket = `${sshd.folder}/agent.sock`;
  const agent = new Deno.Command("ssh-agent", {
    args: ["-D", "-a", socket],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    while (await Deno.lstat(socket).then(() => false, () => true)) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await run("ssh-add", ["-q", `${sshd.folder}/user`], { SSH_AUTH_SOCK: socket });
    const auth = { type: "agent", username: sshd.user } as const;
    const { knownHosts } = sshd;
    assert.equal(await sizeOn(sshd, { auth }, { knownHosts, agentSocket: socket }), 5);
    const program = { auth, options: { transport: "program" } };
    assert.equal(await sizeOn(sshd, program, { knownHosts, agentSocket: socket }), 5);
    await assert.rejects(sizeOn(sshd, { auth }, { knownHosts }), /there is no SSH agent here/);
    const either = { auth, options: { transport: "auto" } };
    assert.equal(await sizeOn(sshd, either, { knownHosts, agentSocket: socket }), 5);
    // The keys of this machine's user are none of the agent's.
    await assert.rejects(sizeOn(sshd, either, { knownHosts }), { code: "unauthenticated" });
    const strange = { knownHosts: "/dev/null", agentSocket: socket };
    await assert.rejects(sizeOn(sshd, either, strange), { code: "insecure" });
    const machine = { knownHosts, agentSocket: socket };
    // Where no program can be started, the library carries the bytes.
    const { programs: _, ...without } = realEnv();
    assert.equal(await sizeOn(sshd, either, machine, "127.0.0.1", without), 5);
  } finally {
    agent.kill("SIGTERM");
    await agent.status;
  }
});

real(
  "keys of other types and encrypted ones open the door, wrong passphrases do not",
  async (sshd) => {
    const options = { hostKey: sshd.fingerprint };
    // Of ECDSA some: every other one begins with a bit that the library writes in one byte more.
    const keys: readonly (readonly [string, string])[] = [
      ...[["rsa", ""], ["ecdsa", ""], ["ecdsa", ""], ["ecdsa", ""], ["ecdsa", ""]] as const,
      ["ed25519", "hush hush"],
    ];
    for (const [index, [type, passphrase]] of keys.entries()) {
      const path = `${sshd.folder}/key-${index}`;
      await makeKey(path, type, passphrase);
      const line = await Deno.readTextFile(`${path}.pub`);
      await Deno.writeTextFile(`${sshd.folder}/authorized`, line, { append: true });
      const privateKey = await Deno.readTextFile(path);
      const key = { type: "key", username: sshd.user, privateKey } as const;
      const auth = passphrase === "" ? key : { ...key, passphrase };
      assert.equal(await sizeOn(sshd, { auth, options }), 5, type);
      if (passphrase === "") continue;
      for (const wrong of [key, { ...key, passphrase: "wrong hush" }]) {
        await assert.rejects(sizeOn(sshd, { auth: wrong, options }), (thrown: Error) => {
          assert.match(thrown.message, /cannot log in/);
          assert.ok(!thrown.message.includes("hush"), thrown.message);
          return true;
        });
      }
    }
  },
);

for (const transport of ["library", "program"] as const) {
  real(`a jump host leads on, by ${transport}; both hosts must be known`, async (sshd) => {
    const jump = await startSshd();
    try {
      const known = `${sshd.folder}/both`;
      const text = await Deno.readTextFile(sshd.knownHosts) +
        await Deno.readTextFile(jump.knownHosts);
      await Deno.writeTextFile(known, text);
      // One key for both, as they are reached with the same credentials.
      const line = await Deno.readTextFile(`${sshd.folder}/user.pub`);
      await Deno.writeTextFile(`${jump.folder}/authorized`, line);
      const options = { jump: `${jump.user}@127.0.0.1:${jump.port}` };
      const endpoint: Partial<Endpoint> = transport === "library"
        ? { auth: { type: "key", username: sshd.user, privateKey: sshd.privateKey }, options }
        : {
          auth: { type: "agent", username: sshd.user },
          options: { ...options, transport, identityFile: `${sshd.folder}/user` },
        };
      assert.equal(await sizeOn(sshd, endpoint, { knownHosts: known }), 5);
      for (const one of [sshd.knownHosts, jump.knownHosts]) {
        const failing = sizeOn(sshd, endpoint, { knownHosts: one });
        await assert.rejects(failing, { code: "insecure" }, `only ${one} is known`);
      }
      if (transport === "program") return;
      const pinned = { ...options, hostKey: sshd.fingerprint, jumpHostKey: jump.fingerprint };
      assert.equal(await sizeOn(sshd, { ...endpoint, options: pinned }), 5);
      const swapped = { ...options, hostKey: sshd.fingerprint, jumpHostKey: sshd.fingerprint };
      const failing = sizeOn(sshd, { ...endpoint, options: swapped });
      await assert.rejects(failing, { code: "insecure" });
    } finally {
      await jump.close();
    }
  });
}

for (const transport of ["library", "program"] as const) {
  real(
    `a host is known by its name though its address is dialled, by ${transport}`,
    async (sshd) => {
      const text = await Deno.readTextFile(sshd.knownHosts);
      const known = `${sshd.folder}/by-name`;
      await Deno.writeTextFile(known, text.replace("127.0.0.1", "localhost"));
      const endpoint: Partial<Endpoint> = transport === "library"
        ? { auth: { type: "key", username: sshd.user, privateKey: sshd.privateKey } }
        : {
          auth: { type: "agent", username: sshd.user },
          options: { transport, identityFile: `${sshd.folder}/user` },
        };
      assert.equal(await sizeOn(sshd, endpoint, { knownHosts: known }, "localhost"), 5);
      const byAddress = sizeOn(sshd, endpoint, { knownHosts: sshd.knownHosts }, "localhost");
      await assert.rejects(byAddress, { code: "insecure" });
    },
  );
}

real(
  "a host that shows another key than before is not trusted, and gets no credentials",
  async (sshd) => {
    const other = await startSshd();
    try {
      // The same name and port as is known, and somebody else behind it.
      const line = (await Deno.readTextFile(sshd.knownHosts)).replace(
        `${sshd.port}`,
        `${other.port}`,
      );
      const known = `${sshd.folder}/old`;
      await Deno.writeTextFile(known, line);
      const auth = { type: "key", username: other.user, privateKey: other.privateKey } as const;
      await assert.rejects(sizeOn(other, { auth }, { knownHosts: known }), (thrown: Error) => {
        assert.match(thrown.message, /another one is known: somebody may stand in between/);
        assert.ok(thrown.message.includes(other.fingerprint), "it shows what was seen");
        return true;
      });
      const log = await Deno.readTextFile(`${other.folder}/log`);
      assert.doesNotMatch(log, /Accepted|Failed publickey/, "nobody asked to be let in");
    } finally {
      await other.close();
    }
  },
);

Deno.test({
  name: "a password opens the door, a wrong one does not",
  ignore: needsUsers.ignore || Deno.uid() !== 0,
  async fn() {
    const user = `quorus-test-${Deno.pid}`;
    const password = "p4ss:wörd with spaces";
    const sshd = await startSshd({ config: `Match User ${user}\n  PasswordAuthentication yes` });
    try {
      await run("useradd", ["--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", user]);
      const change = new Deno.Command("chpasswd", { stdin: "piped", stderr: "piped" }).spawn();
      const writer = change.stdin.getWriter();
      await writer.write(new TextEncoder().encode(`${user}:${password}\n`));
      await writer.close();
      const changed = await change.output();
      assert.ok(changed.success, new TextDecoder().decode(changed.stderr));
      await Deno.chmod(sshd.folder, 0o755);
      const options = { hostKey: sshd.fingerprint };
      const auth = { type: "basic", username: user, password } as const;
      assert.equal(await sizeOn(sshd, { auth, options }), 5);
      const wrong = { ...auth, password: "p4ss:wrong" };
      await assert.rejects(sizeOn(sshd, { auth: wrong, options }), (thrown: Error) => {
        assert.match(thrown.message, /refused the credentials/);
        assert.ok(!thrown.message.includes("p4ss"), thrown.message);
        return true;
      });
    } finally {
      await run("userdel", [user]).catch(() => {});
      await sshd.close();
    }
  },
});
