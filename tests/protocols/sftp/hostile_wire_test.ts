/** Servers that never become SSH: each ends in its error, within its time, and without taking the memory. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { ProtocolErrorCode } from "../../../protocols/errors.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertFails, NEVER } from "../../conformance/case.ts";
import { ownBytes } from "../../servers/own_memory.ts";

const MOST_BYTES = 1_073_741_824;
const MOST_MEMORY_BYTES = 96 * 2 ** 20;
const WAIT_MS = 400;

type Serve = (write: (bytes: Uint8Array | string) => Promise<void>) => Promise<void>;

interface Attacker {
  readonly port: number;
  /** Bytes that clients have taken. */
  readonly sentBytes: () => number;
  close(): Promise<void>;
}

/** Does the same to every client that comes. */
function attacker(serve: Serve): Attacker {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Map<Deno.Conn, Promise<void>>();
  const encoder = new TextEncoder();
  let sentBytes = 0;
  const attack = async (conn: Deno.Conn) => {
    const write = async (given: Uint8Array | string) => {
      const bytes = typeof given === "string" ? encoder.encode(given) : given;
      for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
      sentBytes += bytes.length;
    };
    try {
      await serve(write);
      while (await conn.read(new Uint8Array(65_536)) !== null);
    } catch {
      // The client has gone.
    }
    try {
      conn.close();
    } catch {
      // Closed meanwhile.
    }
  };
  const accepting = (async () => {
    for await (const conn of listener) open.set(conn, attack(conn));
  })();
  return {
    port: listener.addr.port,
    sentBytes: () => sentBytes,
    close: async () => {
      listener.close();
      await accepting;
      for (const conn of open.keys()) {
        try {
          conn.close();
        } catch {
          // Closed by itself.
        }
      }
      await Promise.all(open.values());
    },
  };
}

async function endless(write: (bytes: Uint8Array) => Promise<void>, piece: Uint8Array) {
  for (let sent = 0; sent < MOST_BYTES; sent += piece.length) await write(piece);
}

function pieceOf(text: string): Uint8Array {
  return new TextEncoder().encode(text.repeat(Math.ceil(65_536 / text.length)));
}

const ATTACKS: readonly [string, Serve, readonly ProtocolErrorCode[]][] = [
  ["a banner of 1 GiB in lines", (write) => endless(write, pieceOf("welcome\r\n")), [
    "badResponse",
    "unreachable",
    "timeout",
  ]],
  ["a banner of 1 GiB in one line", (write) => endless(write, pieceOf("x")), [
    "badResponse",
    "unreachable",
    "timeout",
  ]],
  ["an identification of 1 GiB", async (write) => {
    await write("SSH-2.0-");
    await endless(write, pieceOf("x"));
  }, ["badResponse", "unreachable", "timeout"]],
  ["noise after its identification", async (write) => {
    await write("SSH-2.0-OpenSSH_9.2\r\n");
    await endless(write, pieceOf("\xff\x00noise"));
  }, ["badResponse", "unreachable", "timeout"]],
  ["a packet that claims 4 GiB", async (write) => {
    await write("SSH-2.0-OpenSSH_9.2\r\n");
    await write(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 4, 20));
    await endless(write, new Uint8Array(65_536));
  }, ["badResponse", "unreachable"]],
  ["HTTP", (write) => write("HTTP/1.1 400 Bad Request\r\n\r\n"), [
    "badResponse",
    "unreachable",
    "timeout",
  ]],
  ["nothing at all", () => Promise.resolve(), ["timeout"]],
  ["one byte now and then", async (write) => {
    for (let sent = 0; sent < 100; sent += 1) {
      await write("y");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }, ["timeout", "unreachable"]],
];

for (const [what, serve, codes] of ATTACKS) {
  Deno.test(`sftp: a server that sends ${what} is given up, in its time and without the memory`, async () => {
    const server = attacker(serve);
    const env = realEnv();
    const protocol = sftpProtocol({ knownHosts: null, agentSocket: null });
    const source = protocol.source!({
      ...plainEndpoint(`sftp://127.0.0.1:${server.port}/f`),
      auth: { type: "basic", username: "u", password: "hush-hush" },
      responseTimeoutMs: WAIT_MS,
    }, { env });
    const before = ownBytes();
    const begin = performance.now();
    try {
      const error = await assertFails(() => source.stat(NEVER), codes, what);
      assert.doesNotMatch(error.message, /hush/);
      assert.ok(error.message.length < 2_000, "the message does not repeat what came");
      assert.ok(performance.now() - begin < WAIT_MS + 8_000, "in time");
      const taken = ownBytes() - before;
      assert.ok(
        taken < MOST_MEMORY_BYTES,
        `${taken} bytes of memory for ${server.sentBytes()} sent`,
      );
    } finally {
      await source.close();
      await protocol.close!();
      await server.close();
      env.close();
    }
  });
}
