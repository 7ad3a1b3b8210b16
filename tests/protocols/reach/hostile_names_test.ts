/**
 * Names whose owner points them at places that nobody is to reach: no protocol connects there, whatever
 * else the name resolves to, and neither by the spellings of such an address.
 */

import assert from "node:assert/strict";
import type { Endpoint, TransferProtocol } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ftpProtocol } from "../../../protocols/ftp/protocol.ts";
import { ReachGuard } from "../../../protocols/reach.ts";
import { DEFAULT_REACH } from "../../../protocols/reach_policy.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { smbProtocol } from "../../../protocols/smb/protocol.ts";
import { reaching } from "../../../protocols/wrappers/reach.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { failure, NEVER } from "../../conformance/case.ts";
import { endpointOf, ENDS } from "../ends_over_http.ts";

const NAME = "files.example.test";
const BASIC = { type: "basic", username: "u", password: "CANARY" } as const;

interface Met {
  readonly protocol: () => TransferProtocol;
  readonly endpoint: (host: string) => Endpoint;
}

const PROTOCOLS: Readonly<Record<string, Met>> = {
  sftp: {
    protocol: () => sftpProtocol({ knownHosts: null, agentSocket: null }),
    endpoint: (host) => ({ ...plainEndpoint(`sftp://${host}/f`), auth: BASIC }),
  },
  ftp: {
    protocol: () => ftpProtocol(),
    endpoint: (host) => ({
      ...plainEndpoint(`ftp://${host}/f`),
      auth: BASIC,
      options: { tls: "none" },
    }),
  },
  ftps: {
    protocol: () => ftpProtocol(),
    endpoint: (host) => ({ ...plainEndpoint(`ftps://${host}/f`), auth: BASIC }),
  },
  smb: {
    protocol: () => smbProtocol({ ticketCache: null, folder: null }),
    endpoint: (host) => ({ ...plainEndpoint(`smb://${host}/share/f`), auth: BASIC }),
  },
  ...Object.fromEntries(
    Object.entries(ENDS).filter(([name]) => !["http uploads", "tus"].includes(name)).map((
      [name, end],
    ) => [name, {
      protocol: end.protocol,
      // Credentials go by TLS alone to what is not this machine.
      endpoint: (host: string) => endpointOf(end.at("https", host)),
    }]),
  ),
};

/** What the name resolves to; each has a forbidden one among them. */
const ANSWERS = [
  ["169.254.169.254"],
  ["93.184.215.14", "169.254.169.254"],
  ["fe80::1"],
  ["::ffff:169.254.169.254"],
  ["64:ff9b::a9fe:a9fe"],
];

const SPELLINGS = ["169.254.169.254", "0xa9fea9fe", "2852039166", "[::ffff:a9fe:a9fe]"];

for (const [name, { protocol: make, endpoint }] of Object.entries(PROTOCOLS)) {
  Deno.test(`${name}: a name or a spelling that leads to addresses of metadata is forbidden`, async () => {
    const env = realEnv();
    let answers: string[] = [];
    const refuseToConnect = (): never => {
      throw new Error("it would have connected");
    };
    const net = { ...env.net, resolve: () => Promise.resolve(answers), request: refuseToConnect };
    const programs = { ...env.programs, start: refuseToConnect };
    const inside = { ...env, net, programs };
    const look = async (host: string) => {
      const guard = new ReachGuard(DEFAULT_REACH, inside);
      const protocol = reaching(make(), guard, false);
      const open = async () => {
        const declared = endpoint(host);
        const end = protocol.source?.(declared, { env: inside });
        await end?.stat(NEVER);
      };
      try {
        const error = await failure(open, host);
        assert.ok(["forbidden", "badEndpoint"].includes(error.code), `${host}: ${error.message}`);
        if (host === NAME) assert.equal(error.code, "forbidden", error.message);
        assert.ok(!Deno.inspect(error, { depth: 10 }).includes("CANARY"));
      } finally {
        await protocol.close?.();
      }
    };
    try {
      for (const some of ANSWERS) {
        answers = some;
        await look(NAME);
      }
      for (const spelling of SPELLINGS) await look(spelling);
    } finally {
      env.close();
    }
  });
}
