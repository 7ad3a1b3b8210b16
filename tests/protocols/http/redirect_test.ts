/** Redirects as a pure function: where they may lead and what goes along. */

import assert from "node:assert/strict";
import { ProtocolError } from "../../../protocols/errors.ts";
import { firstHop, type Hop } from "../../../protocols/http/endpoint.ts";
import { nextHop } from "../../../protocols/http/redirect.ts";
import { endpoint, NOBODY } from "./reading.ts";

const FIRST = firstHop(
  endpoint("https://host.example/a?sig=hush", {
    headers: { "X-Key": "hush" },
    auth: { type: "bearer", token: "hush" },
    tls: { caCerts: ["ca"], cert: "cert", key: "key" },
  }),
  1_000,
  NOBODY,
);

function follow(locations: readonly string[]): Hop {
  const trail: Hop[] = [FIRST];
  for (const location of locations) trail.push(nextHop(trail, location, "GET", 10));
  return trail.at(-1)!;
}

function carriesSecrets(hop: Hop): boolean {
  return "authorization" in hop.headers || "x-key" in hop.headers || hop.tls?.key !== undefined;
}

Deno.test("within the origin everything goes along, in any spelling of the address", () => {
  for (const location of ["/b", "b?x=1", "//host.example/b", "https://HOST.example:443/b#c"]) {
    const hop = follow([location]);
    assert.equal(hop.url.origin, "https://host.example");
    assert.equal(hop.url.hash, "");
    assert.ok(carriesSecrets(hop), location);
  }
});

Deno.test("another host, port or subdomain gets nothing but the trust in the authority", () => {
  const others = ["https://other.example/", "https://host.example:8443/", "//sub.host.example/"];
  for (const location of others) {
    const hop = follow([location]);
    assert.ok(!carriesSecrets(hop), location);
    assert.equal(hop.headers["accept-encoding"], "identity");
    assert.deepEqual(hop.tls, { caCerts: ["ca"] });
  }
});

Deno.test("what was left behind stays behind on the way back", () => {
  assert.ok(!carriesSecrets(follow(["https://other.example/", "https://host.example/b"])));
});

Deno.test("a change of scheme is a change of origin, and only upwards", () => {
  const plain = firstHop(
    endpoint("http://host.example/a", { headers: { Cookie: "hush" } }),
    1_000,
    NOBODY,
  );
  const up = nextHop([plain], "https://host.example/a", "GET", 10);
  assert.equal(up.headers.cookie, undefined);
  assert.throws(() => follow(["http://host.example/a"]), { code: "insecure" });
});

Deno.test("a circle ends before it is walked again", () => {
  assert.throws(() => follow(["/a?sig=hush"]), /in a circle/);
  assert.throws(() => follow(["/b", "/c", "/b#other"]), /in a circle/);
  const many = Array.from({ length: 11 }, (_, index) => `/${index}`);
  assert.equal(follow(many.slice(0, 10)).url.pathname, "/9");
  assert.throws(() => follow(many), /more than 10 redirects/);
});

Deno.test("a refused redirect shows no query and no credential", () => {
  for (
    const location of [
      "http://host.example/?hush",
      "https://hush:hush@host.example/",
      "data:text/plain,hush",
      "https://[hush",
      "/a?sig=hush",
    ]
  ) {
    assert.throws(() => follow([location]), (thrown) => {
      assert.ok(thrown instanceof ProtocolError);
      assert.doesNotMatch(thrown.message, /hush/);
      return true;
    });
  }
});

Deno.test("a server elsewhere cannot send us to ourselves, however it spells that", () => {
  const hosts = [
    "localhost",
    "LOCALHOST.",
    "a.localhost",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "0.0.0.0",
    "169.254.169.254",
    "[::1]",
    "[::]",
    "[fe80::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:a9fe:a9fe]",
  ];
  for (const host of hosts) {
    assert.throws(() => follow([`https://${host}/x`]), { code: "insecure" }, host);
  }
  for (const host of ["10.0.0.1", "128.0.0.1", "[fd00::1]", "[::ffff:10.0.0.1]", "mylocalhost"]) {
    assert.equal(follow([`https://${host}/x`]).url.pathname, "/x", host);
  }
});

Deno.test("a local server may redirect to local addresses", () => {
  const local = firstHop(endpoint("http://127.0.0.1:1/a"), 1_000, NOBODY);
  assert.equal(nextHop([local], "http://localhost:2/b", "GET", 10).url.port, "2");
});
