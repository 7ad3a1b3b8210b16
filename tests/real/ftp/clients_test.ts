/** Seen from outside: what curl and lftp wrote is read, and what was written they read. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { assertBytes, fetched, NEVER, patterned, sinkOf } from "../../conformance/case.ts";
import { requireRoot } from "../../servers/vsftpd.ts";
import { findProgram, requirePrograms } from "../require.ts";
import { type FtpHarness, ftpHarness, sourceAt } from "./harness.ts";

const needs = requirePrograms(["vsftpd", "curl", "lftp"]).ignore ? { ignore: true } : requireRoot();
const NAMES = ["plain.bin", "two words.bin", "ünï-漢字.bin", "100%.bin"];

async function output(program: string, ...args: string[]): Promise<Uint8Array> {
  const { success, stdout, stderr } = await new Deno.Command(findProgram(program) ?? program, {
    args,
    stdin: "null",
  }).output();
  assert.ok(success, `${program}: ${new TextDecoder().decode(stderr)}`);
  return stdout;
}

/** A client that reads and writes files by name. */
interface Outsider {
  get(name: string): Promise<Uint8Array>;
  put(name: string, local: string): Promise<unknown>;
}

function curl({ server }: FtpHarness, tls: boolean): Outsider {
  const uri = (name: string) => `ftp://localhost:${server.port}/${encodeURIComponent(name)}`;
  const common = [
    ...["-sS", "-u", `${server.user}:${server.password}`],
    // With TLS 1.3 vsftpd 3.0.3 takes the end of what both of them send for a broken connection.
    ...(tls ? ["--ssl-reqd", "--cacert", `${server.folder}/ca.pem`, "--tls-max", "1.2"] : []),
  ];
  return {
    get: (name) => output("curl", ...common, uri(name)),
    put: (name, local) => output("curl", ...common, "-T", local, uri(name)),
  };
}

function lftp({ server }: FtpHarness, tls: boolean): Outsider {
  const { port, user, password, folder } = server;
  const settings = [
    `set ssl:ca-file ${folder}/ca.pem`,
    `set ftp:ssl-force ${tls}`,
    `set ftp:ssl-allow ${tls}`,
    "set ssl:priority NORMAL:-VERS-TLS1.3",
    "set net:max-retries 1",
    `open -u ${user},"${password}" -p ${port} localhost`,
  ].join("; ");
  const run = (command: string) => output("lftp", "--norc", "-c", `${settings}; ${command}`);
  return {
    get: async (name) => {
      const to = `${folder}/fetched`;
      await Deno.remove(to).catch(() => {});
      await run(`get "${name}" -o "${to}"`);
      return await Deno.readFile(to);
    },
    put: (name, local) => run(`put "${local}" -o "${name}"`),
  };
}

for (const tls of ["none", "explicit"] as const) {
  for (const [who, client] of [["curl", curl], ["lftp", lftp]] as const) {
    Deno.test({
      name: `${tls}: ${who} and this protocol read what the other wrote, names and all`,
      ...needs,
      async fn() {
        const harness = await ftpHarness({ tls });
        try {
          const outsider = client(harness, tls !== "none");
          for (const [seed, name] of NAMES.entries()) {
            const bytes = patterned(300_000 + seed, seed);
            const local = `${harness.server.folder}/local`;
            await Deno.writeFile(local, bytes);
            await outsider.put(`theirs-${name}`, local);
            const source = sourceAt(harness, `theirs-${name}`);
            assertBytes(await fetched(source), bytes, `${who} wrote ${name}`);
            const sink = sinkOf(harness, harness.sink!, `ours-${name}`);
            const file = await sink.create("t.part", NEVER);
            await file.write(bytes, 0);
            const options = { name: `ours-${name}`, replace: false, mtimeMs: null, mode: null };
            await sink.publish(file, options);
            const read = await outsider.get(`ours-${name}`);
            assert.ok(Buffer.compare(read, bytes) === 0, `${who} reads ${name}`);
            await sink.close();
          }
        } finally {
          await harness.close();
        }
      },
    });
  }
}
