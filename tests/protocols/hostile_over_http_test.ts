/**
 * Servers that never answer as HTTP, or answer to do harm, to every protocol that goes over it: each call
 * ends in an error of its own, within its time, without the memory, and no secret is shown to anybody.
 */

import assert from "node:assert/strict";
import type { ProtocolErrorCode } from "../../protocols/errors.ts";
import { ReachGuard } from "../../protocols/reach.ts";
import { DEFAULT_REACH } from "../../protocols/reach_policy.ts";
import { reaching } from "../../protocols/wrappers/reach.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { failure } from "../conformance/case.ts";
import { type Attack, endless, startAttacker } from "../servers/attacker.ts";
import { ownBytes } from "../servers/own_memory.ts";
import { type Call, callsOf, CANARY, endpointOf, ENDS } from "./ends_over_http.ts";

const WAIT_MS = 400;
/** Beside the time that was declared: repetitions of what is tried again. */
const MOST_MS = WAIT_MS + 8_000;
const MOST_MEMORY_BYTES = 96 * 2 ** 20;
const DRIP_MS = 20;

const GIVEN_UP: readonly ProtocolErrorCode[] = ["badResponse", "unreachable", "timeout"];

/** Says this as soon as it is asked. */
const answering = (text: string): Attack => async ({ heard, write }) => {
  while (true) {
    await heard();
    await write(text);
  }
};

const ATTACKS: readonly [string, Attack, readonly ProtocolErrorCode[]][] = [
  ["headers of 1 GiB", async ({ heard, write }) => {
    await heard();
    await write("HTTP/1.1 200 OK\r\n");
    await endless(write, `x-filler: ${"x".repeat(8_000)}\r\n`);
  }, GIVEN_UP],
  ["one header of 1 GiB", async ({ heard, write }) => {
    await heard();
    await write("HTTP/1.1 200 OK\r\nx-filler: ");
    await endless(write, "x");
  }, GIVEN_UP],
  ["a refusal with a page of 1 GiB", async ({ heard, write }) => {
    await heard();
    await write("HTTP/1.1 403 Forbidden\r\ncontent-length: 1073741824\r\n\r\n");
    await endless(write, "<p>no</p>");
  }, ["denied", "unauthenticated", ...GIVEN_UP]],
  ["nothing at all", () => Promise.resolve(), ["timeout"]],
  ["a header that comes in drips", async ({ heard, write }) => {
    await heard();
    await write("HTTP/1.1 200 OK\r\nx-filler: ");
    while (true) {
      await write("x");
      await new Promise((resolve) => setTimeout(resolve, DRIP_MS));
    }
  }, ["timeout"]],
  ["another protocol", ({ write }) => write("SSH-2.0-OpenSSH_9.2\r\n"), GIVEN_UP],
  ["noise", ({ write }) => write(crypto.getRandomValues(new Uint8Array(4_096))), GIVEN_UP],
  [
    "a way to the addresses of metadata",
    answering(
      "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://169.254.169.254/latest\r\n" +
        "content-length: 0\r\n\r\n",
    ),
    ["forbidden", "insecure", "badResponse", "badEndpoint"],
  ],
  [
    "a way to a local file",
    answering(
      "HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n",
    ),
    ["insecure", "forbidden", "badResponse", "badEndpoint"],
  ],
];

/** What one call of an end comes to at this port. */
async function met(end: string, call: Call, port: number) {
  const { protocol: make, at } = ENDS[end]!;
  const env = realEnv();
  // As every agent has it: under the policy of what may be reached.
  const protocol = reaching(make(), new ReachGuard(DEFAULT_REACH, env), false);
  const endpoint = {
    ...endpointOf(at("http", `127.0.0.1:${port}`)),
    ...{ responseTimeoutMs: WAIT_MS, idleTimeoutMs: WAIT_MS },
  };
  try {
    return await failure(() => call(protocol, endpoint, { env }), end);
  } finally {
    await protocol.close?.();
    env.close();
  }
}

function assertSilent(error: Error): void {
  const text = Deno.inspect(error, { depth: 10 }) + JSON.stringify(error);
  assert.ok(!text.includes(CANARY) && !text.includes(btoa(CANARY)), "no secret is shown");
  assert.ok(error.message.length < 2_000, "the message does not repeat what came");
}

for (const end of Object.keys(ENDS)) {
  for (const [what, attack, codes] of ATTACKS) {
    Deno.test(`${end}: a server that sends ${what} is given up, in its time and without the memory`, async () => {
      const server = startAttacker(attack);
      const before = ownBytes();
      const beganMs = performance.now();
      try {
        // All at once: some try again after a second or two.
        await Promise.all(
          callsOf(ENDS[end]!).map(async ([name, call]) => {
            const error = await met(end, call, server.port);
            assert.ok(codes.includes(error.code), `${name}: ${error.code}: ${error.message}`);
            assertSilent(error);
          }),
        );
        const tookMs = performance.now() - beganMs;
        assert.ok(tookMs < MOST_MS, `it took ${tookMs} ms`);
        const bytes = ownBytes() - before;
        assert.ok(bytes < MOST_MEMORY_BYTES, `${bytes} bytes for ${server.sentBytes()} sent`);
      } finally {
        await server.close();
      }
    });
  }

  Deno.test(`${end}: who is named by a redirect gets no credential and no content`, async () => {
    for (const status of ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent"]) {
      for (const [, call] of callsOf(ENDS[end]!)) {
        const other = startAttacker(
          answering("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"),
        );
        const server = startAttacker(answering(
          `HTTP/1.1 ${status}\r\nlocation: http://127.0.0.1:${other.port}/d/f\r\n` +
            "content-length: 0\r\n\r\n",
        ));
        try {
          assertSilent(await met(end, call, server.port));
          const said = other.said();
          assert.ok(!/CANARY|authorization|x-amz|signature|cookie/i.test(said), said);
          assert.ok(/^$|^(GET|HEAD|OPTIONS) /.test(said), `nothing is changed elsewhere: ${said}`);
        } finally {
          await server.close();
          await other.close();
        }
      }
    }
  });
}

const PART = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 5-14/50000\r\n" +
  'content-length: 10\r\netag: "1"\r\nx-ms-blob-type: BlockBlob\r\n\r\n0123456789';

for (const end of ["http", "dav", "s3", "azblob", "gs"]) {
  Deno.test(`${end}: a part that nobody asked for is not read`, async () => {
    const server = startAttacker(answering(PART));
    const [, read] = callsOf(ENDS[end]!).find(([name]) => name === "read")!;
    try {
      const error = await met(end, read, server.port);
      assert.ok(GIVEN_UP.includes(error.code) || error.code === "changed", error.message);
    } finally {
      await server.close();
    }
  });
}

for (const end of ["s3", "azblob", "gs"]) {
  Deno.test(`${end}: a listing that comes in drips is given up, although it is never silent`, async () => {
    const server = startAttacker(async ({ heard, write }) => {
      await heard();
      await write("HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n");
      while (true) {
        await write(" ");
        await new Promise((resolve) => setTimeout(resolve, DRIP_MS));
      }
    });
    const [, list] = callsOf(ENDS[end]!).find(([name]) => name === "list")!;
    try {
      const error = await met(end, list, server.port);
      assert.equal(error.code, "timeout", error.message);
    } finally {
      await server.close();
    }
  });
}
