/** What both ports that serve HTTP promise, and what the real one does beside it. */

import assert from "node:assert/strict";
import type { Net } from "../../../runtime/env/env.ts";
import { HttpServerError } from "../../../runtime/env/errors.ts";
import type { HttpHandler, HttpServing, TextSocket } from "../../../runtime/env/http_server.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { realHttpServing } from "../../../runtime/env/real/http_server.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { simHttpServing } from "../../../runtime/sim/http_server.ts";
import { makeAuthority } from "../../servers/pki.ts";

interface Subject {
  readonly serving: HttpServing;
  readonly net: Net;
  done<T>(promise: Promise<T>): Promise<T>;
  close(): void;
}

function simulated(): Subject {
  const env = simulatedEnv({ seed: 1 });
  return {
    serving: simHttpServing(env),
    net: env.net,
    done: (promise) => env.world.complete(promise),
    close: () => {},
  };
}

function real(): Subject {
  const env = realEnv();
  return {
    serving: realHttpServing,
    net: env.net,
    done: (promise) => promise,
    close: () => env.close(),
  };
}

const LOOPBACK = { hostname: "127.0.0.1", port: 0 };

/** One exchange; the body of the answer as a text. */
async function ask(net: Net, url: string, body?: Uint8Array) {
  const headers = { "x-asked": "yes" };
  const { signal } = new AbortController();
  const method = body === undefined ? "GET" : "POST";
  const response = await net.request({
    method,
    url,
    headers,
    signal,
    ...(body === undefined ? {} : { body }),
  });
  const into = new Uint8Array(4_096);
  let text = "";
  for (;;) {
    const read = await response.body.read(into);
    if (read === 0) break;
    text += new TextDecoder().decode(into.subarray(0, read));
  }
  return { status: response.status, headers: response.headers, text };
}

for (const [name, subject] of [["simulated", simulated], ["real", real]] as const) {
  Deno.test(`${name} server: a request comes with its body, and its answer goes back`, async () => {
    const { serving, net, done, close } = subject();
    const handler: HttpHandler = async (request) =>
      new Response(`${request.method} ${request.headers.get("x-asked")} ${await request.text()}`, {
        status: 201,
        headers: { "x-answer": "42" },
      });
    const server = await done(serving.serve(handler, LOOPBACK));
    const answer = await done(ask(net, `${server.url}/a?b=c`, new TextEncoder().encode("hello")));
    assert.deepEqual(
      [answer.status, answer.headers.get("x-answer"), answer.text],
      [201, "42", "POST yes hello"],
    );
    await done(server.shutdown());
    await assert.rejects(done(ask(net, server.url)), { code: "refused" });
    close();
  });

  Deno.test(`${name} server: a shutdown lets running requests end`, async () => {
    const { serving, net, done, close } = subject();
    const asked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const server = await done(serving.serve(async () => {
      asked.resolve();
      await release.promise;
      return new Response("late");
    }, LOOPBACK));
    const answer = ask(net, server.url);
    await done(asked.promise);
    const stopped = server.shutdown();
    release.resolve();
    assert.equal((await done(answer)).text, "late");
    await done(stopped);
    close();
  });
}

Deno.test("real server: a port that is taken, and a certificate that is none, are told", async () => {
  const answer = () => new Response("ok");
  const server = await realHttpServing.serve(answer, LOOPBACK);
  const port = Number(new URL(server.url).port);
  await assert.rejects(
    realHttpServing.serve(answer, { hostname: "127.0.0.1", port }),
    (error) => error instanceof HttpServerError && error.code === "inUse",
  );
  await assert.rejects(
    realHttpServing.serve(answer, { ...LOOPBACK, tls: { cert: "none", key: "none" } }),
    (error) => error instanceof HttpServerError && error.code === "tls",
  );
  await server.shutdown();
});

Deno.test("real server: TLS with the certificate of the configuration", async () => {
  const authority = makeAuthority("test authority");
  const { cert, key } = authority.issue({ commonName: "localhost", dnsNames: ["localhost"] });
  const server = await realHttpServing.serve(() => new Response("sealed"), {
    hostname: "localhost",
    port: 0,
    tls: { cert, key },
  });
  const client = Deno.createHttpClient({ caCerts: [authority.cert] });
  const response = await fetch(server.url, { client });
  assert.equal(await response.text(), "sealed");
  client.close();
  await server.shutdown();
});

Deno.test("real server: another certificate is shown, and what is under way goes on", async () => {
  const [first, second] = [makeAuthority("one"), makeAuthority("two")];
  const leaf = { commonName: "localhost", dnsNames: ["localhost"] };
  const [one, two] = [first.issue(leaf), second.issue(leaf)];
  const release = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const server = await realHttpServing.serve(async ({ url }) => {
    if (!url.endsWith("/slow")) return new Response("ok");
    begun.resolve();
    await release.promise;
    return new Response("late");
  }, { hostname: "localhost", port: 0, tls: one });
  const ask = async (trusted: string, path = "") => {
    const client = Deno.createHttpClient({ caCerts: [trusted] });
    try {
      return await (await fetch(`${server.url}/${path}`, { client })).text();
    } finally {
      client.close();
    }
  };
  const slow = ask(first.cert, "slow");
  await begun.promise;
  await server.secure(two);
  assert.equal(await ask(second.cert), "ok");
  await assert.rejects(ask(first.cert), "nobody is shown the earlier one");
  await assert.rejects(
    server.secure({ cert: one.cert, key: two.key }),
    (error) => error instanceof HttpServerError && error.code === "tls",
  );
  assert.equal(await ask(second.cert), "ok", "what cannot be used changes nothing");
  release.resolve();
  assert.equal(await slow, "late");
  await server.shutdown();
});

Deno.test("real server: a WebSocket carries texts both ways and refuses bytes", async () => {
  const texts: string[] = [];
  const ended = Promise.withResolvers<number>();
  const opened = Promise.withResolvers<TextSocket>();
  const server = await realHttpServing.serve((_, connection) => {
    if (!connection.canUpgrade) return new Response("no", { status: 426 });
    const upgrade = connection.upgrade({
      text: (text) => texts.push(text),
      closed: (code) => ended.resolve(code),
    }, { protocol: "demo" });
    upgrade.opened.then(opened.resolve);
    return upgrade.response;
  }, LOOPBACK);
  assert.equal(await fetch(server.url).then((r) => r.body?.cancel().then(() => r.status)), 426);
  const socket = new WebSocket(server.url.replace("http", "ws"), ["demo"]);
  const heard = Promise.withResolvers<string>();
  const closed = Promise.withResolvers<number>();
  socket.onmessage = ({ data }) => heard.resolve(data);
  socket.onclose = ({ code }) => closed.resolve(code);
  await new Promise((resolve) => socket.onopen = resolve);
  (await opened.promise).send("hello");
  assert.equal(await heard.promise, "hello");
  socket.send("and back");
  socket.send(new Uint8Array(3));
  assert.equal(await closed.promise, 1003);
  await ended.promise;
  assert.deepEqual(texts, ["and back"]);
  (await opened.promise).send("nobody hears this");
  await server.shutdown();
});
