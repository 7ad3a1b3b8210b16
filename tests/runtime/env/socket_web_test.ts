/** What real WebSockets meet: other programs, missing rights, names that are none. */

import assert from "node:assert/strict";
import { SocketError } from "../../../runtime/env/errors.ts";
import { realSockets } from "../../../runtime/env/real/sockets.ts";
import type { Socket, SocketErrorCode } from "../../../runtime/env/sockets.ts";
import { SocketRecorder } from "./socket_recorder.ts";

const BOUNDS = { frameBytes: 65_536, lowBytes: 16_384 };
const SOCKETS = new URL("../../../runtime/env/real/sockets.ts", import.meta.url).href;

function failsWith(code: SocketErrorCode, message = /./) {
  return (error: unknown): boolean => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, message);
    return true;
  };
}

function connect(url: string): Promise<Socket> {
  return realSockets.connect({ url, bounds: BOUNDS, signal: new AbortController().signal });
}

async function listen() {
  const accepted = Promise.withResolvers<Socket>();
  const listener = await realSockets.listen(
    { hostname: "127.0.0.1", port: 0, bounds: BOUNDS },
    accepted.resolve,
  );
  return { listener, accepted: accepted.promise };
}

Deno.test("a text frame ends the connection with 1003", async () => {
  const { listener, accepted } = await listen();
  const other = new WebSocket(listener.url);
  const closed = new Promise<CloseEvent>((resolve) => other.onclose = resolve);
  other.onopen = () => other.send("text");
  const recorder = new SocketRecorder(await accepted);
  assert.equal((await recorder.ended()).code, 1003);
  assert.equal((await closed).code, 1003);
  assert.equal(recorder.frames.length, 0);
  await listener.close();
});

Deno.test("frames of another WebSocket client, masked and in any size, arrive", async () => {
  const { listener, accepted } = await listen();
  const other = new WebSocket(listener.url);
  const closed = new Promise((resolve) => other.onclose = resolve);
  other.onopen = () => other.send(new Uint8Array(65_536).fill(7));
  const server = await accepted;
  const recorder = new SocketRecorder(server);
  await recorder.received(1);
  assert.deepEqual(recorder.frames[0], new Uint8Array(65_536).fill(7));
  server.close(4_000, "bye");
  await recorder.ended();
  await closed;
  await listener.close();
});

Deno.test("a browser on the port is told that it speaks WebSocket only", async () => {
  const { listener } = await listen();
  const response = await fetch(listener.url.replace("ws:", "http:"));
  assert.equal(response.status, 426);
  await response.body?.cancel();
  await listener.close();
});

Deno.test("what is no node is told by what it answered", async () => {
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => new Response("", { status: 404 }),
  );
  const host = `127.0.0.1:${server.addr.port}`;
  await assert.rejects(connect(`ws://${host}`), failsWith("protocol", /answered 404/));
  await assert.rejects(connect(`wss://${host}`), failsWith("tls"));
  await assert.rejects(connect(`http://${host}`), failsWith("protocol", /ws:\/\/host:port/));
  await server.shutdown();
});

Deno.test("one that hangs up before it is a WebSocket is unreachable", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const served = listener.accept().then((connection) => connection.close());
  const url = `ws://127.0.0.1:${listener.addr.port}`;
  await assert.rejects(connect(url), failsWith("unreachable"));
  await served;
  listener.close();
});

Deno.test("a name that nobody knows is dns", async () => {
  await assert.rejects(connect("ws://does-not-exist.invalid:1"), failsWith("dns"));
});

/** Runs one call in a process with these rights; prints its error. */
async function withRights(rights: readonly string[], call: string): Promise<string> {
  const code = `const { realSockets } = await import(${JSON.stringify(SOCKETS)});
    const bounds = { frameBytes: 1000, lowBytes: 100 };
    const signal = new AbortController().signal;
    await realSockets.${call}.catch((error) => console.log(error.code, error.message));`;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", ...rights, "-"],
    cwd: new URL("../../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  });
  const child = command.spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(code));
  await writer.close();
  return new TextDecoder().decode((await child.output()).stdout);
}

Deno.test("a right that is missing is denied, and named", async () => {
  const environment = "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE";
  const dial = 'connect({ url: "ws://127.0.0.1:1", bounds, signal })';
  const serve = 'listen({ hostname: "127.0.0.1", port: 0, bounds }, () => {})';
  for (const call of [dial, serve]) {
    assert.match(
      await withRights(["--allow-net"], call),
      /^denied .*--allow-env=WS_NO_BUFFER_UTIL/,
    );
    assert.match(await withRights([environment], call), /^denied .*--allow-net/);
  }
  assert.match(await withRights(["--allow-net", environment], dial), /^refused /);
});
