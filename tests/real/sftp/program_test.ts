/** The fast path: the `ssh` program of the machine carries the bytes. */

import assert from "node:assert/strict";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { conformance } from "../../conformance/suite.ts";
import { NEVER } from "../../conformance/case.ts";
import { startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";
import { sftpHarness } from "./harness.ts";

const needs = requirePrograms(["sshd", "ssh", "ssh-keygen"]);

if (!needs.ignore) {
  conformance("OpenSSH by its own client", () => sftpHarness("program"));
}

Deno.test({
  name: "a host that the file does not know, a key that the host does not know: typed, in words",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    const env = realEnv();
    const protocol = sftpProtocol({ knownHosts: sshd.knownHosts, agentSocket: null });
    const failing = async (options: Record<string, string>, code: string, message: RegExp) => {
      const source = protocol.source!({
        ...plainEndpoint(`sftp://127.0.0.1:${sshd.port}${sshd.root}/x`),
        auth: { type: "agent", username: sshd.user },
        options: { transport: "program", identityFile: `${sshd.folder}/user`, ...options },
      }, { env });
      await assert.rejects(source.stat(NEVER), { code, message });
    };
    try {
      await failing({ knownHosts: "/dev/null" }, "insecure", /Host key verification failed/);
      await failing(
        { identityFile: `${sshd.folder}/host` },
        "unauthenticated",
        /Permission denied/,
      );
    } finally {
      await protocol.close!();
      env.close();
      await sshd.close();
    }
  },
});

Deno.test({
  name: "a host that cannot be reached is named once, by either way",
  ...needs,
  async fn() {
    const env = realEnv();
    const protocol = sftpProtocol({ knownHosts: null, agentSocket: null });
    try {
      for (
        const [options, auth] of [
          [{}, { type: "basic", username: "u", password: "p" }],
          [{ transport: "program" }, { type: "agent", username: "u" }],
        ] as const
      ) {
        const endpoint = { ...plainEndpoint("sftp://127.0.0.1:1/x"), auth, options };
        const message = /^cannot (reach|go on with) 127\.0\.0\.1:1: [^0-9]*refused$/i;
        await assert.rejects(protocol.source!(endpoint, { env }).stat(NEVER), {
          code: "unreachable",
          message,
        });
      }
    } finally {
      await protocol.close!();
      env.close();
    }
  },
});
