/** The real HTTP client against servers of this test; the simulated one is shown in `runtime/sim`. */

import assert from "node:assert/strict";
import type { Env, NetErrorCode, NetRequest, NetResponse } from "../../../runtime/env/env.ts";
import { NetError } from "../../../runtime/env/errors.ts";
import { realEnv } from "../../../runtime/env/real.ts";

const BIG_BYTES = 3_000_000;

function big(): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(BIG_BYTES);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = index % 253;
  return bytes;
}

function answer(request: Request): Response | Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === "/big") return new Response(big(), { headers: { etag: '"b"' } });
  if (pathname === "/echo") return request.bytes().then((bytes) => new Response(bytes));
  if (pathname === "/redirect") {
    return new Response("go", { status: 302, headers: { location: "/x" } });
  }
  if (pathname === "/headers") return Response.json(Object.fromEntries(request.headers));
  if (pathname === "/never") return new Promise<Response>(() => {});
  if (pathname === "/empty") return new Response(null, { status: 204 });
  return new Response("hello", { headers: { "X-Odd": "1" } });
}

/** Answers every connection with these bytes and ends it. */
function rawServer(bytes: string): Deno.TcpListener {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  (async () => {
    for await (const connection of listener) {
      await connection.read(new Uint8Array(4_096));
      await connection.write(new TextEncoder().encode(bytes));
      connection.close();
    }
  })();
  return listener;
}

function request(url: string, more: Partial<NetRequest> = {}): NetRequest {
  return { method: "GET", url, headers: {}, signal: new AbortController().signal, ...more };
}

async function bodyOf(response: NetResponse, into: Uint8Array): Promise<Uint8Array> {
  const parts: number[][] = [];
  for (;;) {
    const count = await response.body.read(into);
    if (count === 0) return Uint8Array.from(parts.flat());
    parts.push(Array.from(into.subarray(0, count)));
  }
}

async function textOf(response: NetResponse): Promise<string> {
  return new TextDecoder().decode(await bodyOf(response, new Uint8Array(3)));
}

function failsWith(code: NetErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof NetError, String(error));
    assert.equal(error.code, code, error.message);
    assert.doesNotMatch(`${error.message} ${error.stack} ${error.cause}`, /secret|token/);
    return true;
  };
}

/** Runs `body` with a server of {@link answer} at `base`. */
function netTest(name: string, body: (env: Env, base: string) => Promise<void>): void {
  Deno.test(name, async () => {
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, answer);
    const env = realEnv();
    try {
      await body(env, `http://127.0.0.1:${server.addr.port}`);
    } finally {
      env.close();
      await server.shutdown();
    }
  });
}

netTest("a small body is read in pieces of any size, headers in lower case", async (env, base) => {
  const response = await env.net.request(request(`${base}/`));
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("x-odd"), "1");
  assert.equal(await textOf(response), "hello");
});

netTest("a large body arrives whole in plain and in shared memory", async (env, base) => {
  const shared = new Uint8Array(new SharedArrayBuffer(100_000));
  for (const into of [new Uint8Array(70_000), shared]) {
    const response = await env.net.request(request(`${base}/big`));
    const hash = env.hash.sha256();
    let total = 0;
    for (;;) {
      const count = await response.body.read(into);
      if (count === 0) break;
      hash.update(into.subarray(0, count));
      total += count;
    }
    const expected = env.hash.sha256();
    expected.update(big());
    assert.equal(total, BIG_BYTES);
    assert.equal(hash.digestHex(), expected.digestHex());
  }
});

netTest(
  "redirects are answers, bodies are sent, no compression is asked for",
  async (env, base) => {
    const redirect = await env.net.request(request(`${base}/redirect`));
    assert.deepEqual([redirect.status, redirect.headers.get("location")], [302, "/x"]);
    await redirect.body.cancel();
    const body = new TextEncoder().encode("sent");
    assert.equal(
      await textOf(await env.net.request(request(`${base}/echo`, { method: "PUT", body }))),
      "sent",
    );
    assert.match(
      await textOf(await env.net.request(request(`${base}/headers`))),
      /"accept-encoding":"identity"/,
    );
    const own = { "Accept-Encoding": "br" };
    assert.match(
      await textOf(await env.net.request(request(`${base}/headers`, { headers: own }))),
      /"accept-encoding":"br"/,
    );
  },
);

netTest("answers without a body end at once", async (env, base) => {
  assert.equal(await textOf(await env.net.request(request(`${base}/empty`))), "");
  assert.equal(await textOf(await env.net.request(request(`${base}/big`, { method: "HEAD" }))), "");
});

netTest("an abort ends a waiting request, a cancelled body is not read", async (env, base) => {
  const controller = new AbortController();
  const waiting = env.net.request(request(`${base}/never`, { signal: controller.signal }));
  controller.abort(new Error("enough"));
  await assert.rejects(
    waiting,
    (error) => failsWith("aborted")(error) && (error as Error).cause === controller.signal.reason,
  );
  const response = await env.net.request(request(`${base}/big`));
  await response.body.cancel();
  await response.body.cancel();
  await assert.rejects(response.body.read(new Uint8Array(10)), failsWith("aborted"));
});

Deno.test("a port to which fetch sends nothing is blocked, and not tried again", async () => {
  const env = realEnv();
  await assert.rejects(env.net.request(request("http://127.0.0.1:1/")), (error) => {
    assert.ok(error instanceof NetError);
    assert.deepEqual([error.code, error.retryable, error.definite], ["blocked", false, true]);
    return true;
  });
  env.close();
});

Deno.test("broken answers and dead ends are typed and show no credential", async () => {
  const env = realEnv();
  const cases: readonly [string, NetErrorCode][] = [
    ["HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello", "reset"],
    ["HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhello", "reset"],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "reset"],
    ["", "reset"],
    ["this is not HTTP\r\n\r\n", "protocol"],
  ];
  for (const [bytes, code] of cases) {
    const server = rawServer(bytes);
    const url = `http://user:secret@127.0.0.1:${server.addr.port}/a?token=secret`;
    const whole = async () => await textOf(await env.net.request(request(url)));
    await assert.rejects(whole(), failsWith(code));
    server.close();
  }
  const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = closed.addr;
  closed.close();
  const refused = `http://user:secret@127.0.0.1:${port}/?token=secret`;
  await assert.rejects(env.net.request(request(refused)), failsWith("refused"));
  const nowhere = "http://user:secret@does-not-exist.invalid/?token=secret";
  await assert.rejects(env.net.request(request(nowhere)), failsWith("dns"));
  await assert.rejects(env.net.request(request("ftp://secret@host/")), failsWith("protocol"));
  env.close();
});

netTest("TLS to a server that speaks none is a TLS error", async (env, base) => {
  await assert.rejects(env.net.request(request(base.replace("http:", "https:"))), failsWith("tls"));
});
