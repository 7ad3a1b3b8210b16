/** Certificates that must not be taken, by any protocol that goes over HTTPS: nothing is sent to who shows one. */

import assert from "node:assert/strict";
import { realEnv } from "../../runtime/env/real.ts";
import { failure } from "../conformance/case.ts";
import { startAttacker } from "../servers/attacker.ts";
import { expired, type Identity, makeAuthority, notYetValid } from "../servers/pki.ts";
import { callsOf, CANARY, endpointOf, ENDS } from "./ends_over_http.ts";

const NAMES = { commonName: "localhost", dnsNames: ["localhost"] };
const authority = makeAuthority("the authority");
const SELF_SIGNED = makeAuthority("localhost").issue(NAMES);

/** What the server shows, and whom the client trusts. */
const SHOWN: readonly [string, Identity, readonly string[]][] = [
  ["has expired", authority.issue({ ...NAMES, ...expired() }), [authority.cert]],
  ["is not valid yet", authority.issue({ ...NAMES, ...notYetValid() }), [authority.cert]],
  [
    "is for another name",
    authority.issue({ commonName: "localhost", dnsNames: ["localhost.example.test"] }),
    [authority.cert],
  ],
  ["another authority signed", makeAuthority("other").issue(NAMES), [authority.cert]],
  ["nobody vouches for", authority.issue(NAMES), []],
  ["vouches for itself", SELF_SIGNED, [SELF_SIGNED.cert]],
];
const HOLDS: (typeof SHOWN)[number] = ["holds", authority.issue(NAMES), [authority.cert]];

for (const end of Object.keys(ENDS)) {
  Deno.test(`${end}: a certificate that does not hold gets nothing`, async () => {
    const { protocol: make, at } = ENDS[end]!;
    for (const [what, shown, caCerts] of [...SHOWN, HOLDS]) {
      const server = startAttacker(() => Promise.resolve(), shown);
      const env = realEnv();
      const protocol = make();
      const endpoint = {
        ...endpointOf(at("https", `localhost:${server.port}`)),
        ...{ tls: { caCerts: [...caCerts] }, responseTimeoutMs: 400 },
      };
      try {
        for (const [name, call] of callsOf(ENDS[end]!)) {
          const error = await failure(() => call(protocol, endpoint, { env }), what);
          assert.equal(error.code, what === "holds" ? "timeout" : "tls", `${name}, ${what}`);
          assert.ok(!Deno.inspect(error, { depth: 10 }).includes(CANARY), what);
        }
        assert.equal(server.said() !== "", what === "holds", "who is asked");
      } finally {
        await protocol.close?.();
        env.close();
        await server.close();
      }
    }
  });
}
