import assert from "node:assert/strict";
import { answerEvents, answerLive } from "../../../gateway/live/feed.ts";
import { LiveHub } from "../../../gateway/live/hub.ts";
import type { LiveLimits } from "../../../gateway/live/limits.ts";
import { realHttpServing } from "../../../runtime/env/real/http_server.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { jobEvent } from "./events.ts";
import { Teller } from "./teller.ts";

interface Rig {
  readonly url: string;
  readonly teller: Teller;
  readonly hub: LiveHub;
}

/** A server with nothing but the feed; everybody is a reader of the tenant `default`. */
async function withFeed(
  limits: Partial<LiveLimits>,
  work: (rig: Rig) => Promise<void>,
): Promise<void> {
  const env = realEnv();
  const teller = new Teller();
  const hub = new LiveHub(env, () => [teller], limits);
  const reader = { keyId: "k", tenants: ["default"] };
  const server = await realHttpServing.serve((request, connection) => {
    return new URL(request.url).pathname === "/v1/live"
      ? answerLive(hub, reader, request, connection)
      : answerEvents(hub, reader, request, env.random.next);
  }, { hostname: "127.0.0.1", port: 0 });
  try {
    await work({ url: server.url, teller, hub });
  } finally {
    await hub.close();
    await server.shutdown();
    env.close();
  }
}

/** Reads the stream until `needle` has come. */
async function readUntil(
  reader: ReadableStreamDefaultReader<string>,
  needle: string,
): Promise<string> {
  let text = "";
  while (!text.includes(needle)) {
    const { value, done } = await reader.read();
    if (done) break;
    text += value;
  }
  return text;
}

function textOf(response: Response): ReadableStreamDefaultReader<string> {
  assert.ok(response.body !== null);
  return response.body.pipeThrough(new TextDecoderStream()).getReader();
}

Deno.test("/v1/events is a stream of CloudEvents that begins with where to go on", async () => {
  await withFeed({}, async ({ url, teller }) => {
    const response = await fetch(`${url}/v1/events?job=job-1`);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const reader = textOf(response);
    assert.match(await readUntil(reader, "\n\n"), /^retry: \d+\n(id: 0\.0\n)?\n$/);
    teller.tell(jobEvent("5.0", { id: "other" }), jobEvent("5.1"));
    const text = await readUntil(reader, "\n\n");
    const [id, data] = text.split("\n");
    assert.equal(id, "id: 5.1");
    assert.deepEqual(JSON.parse((data ?? "").slice("data: ".length)), {
      specversion: "1.0",
      id: "5.1",
      source: "urn:quorus:cluster",
      type: "dev.quorus.job.changed",
      subject: "jobs/job-1",
      time: "1970-01-01T00:00:01.000Z",
      tenant: "default",
      run: "run-1",
      job: "job-1",
      datacontenttype: "application/json",
      data: jobEvent("5.1").job,
    });
    await reader.cancel();
  });
});

Deno.test("/v1/events goes on after Last-Event-ID", async () => {
  await withFeed({}, async ({ url, teller }) => {
    teller.tell(jobEvent("1.0"), jobEvent("2.0"), jobEvent("3.0"));
    const reader = textOf(await fetch(url, { headers: { "last-event-id": "1.0" } }));
    const text = await readUntil(reader, "id: 3.0");
    assert.ok(text.includes("id: 2.0\n"));
    await reader.cancel();
  });
});

Deno.test("a client that goes away is forgotten", async () => {
  await withFeed({}, async ({ url, hub, teller }) => {
    const reader = textOf(await fetch(url));
    await readUntil(reader, "retry");
    assert.equal(hub.counts.subscribers, 1);
    await reader.cancel();
    for (let at = 1; hub.counts.subscribers > 0; at += 1) {
      teller.tell(jobEvent(`${at}.0`));
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  });
});

Deno.test("/v1/live sends one CloudEvent a message and takes none", async () => {
  await withFeed({}, async ({ url, teller, hub }) => {
    const socket = new WebSocket(`${url.replace("http", "ws")}/v1/live?after=0.0`, [
      "cloudevents.json",
    ]);
    const messages: string[] = [];
    const got = Promise.withResolvers<void>();
    socket.onmessage = ({ data }) => {
      messages.push(data);
      if (messages.length === 2) got.resolve();
    };
    const closed = new Promise<CloseEvent>((resolve) => socket.onclose = resolve);
    await new Promise((resolve) => socket.onopen = resolve);
    assert.equal(socket.protocol, "cloudevents.json");
    teller.tell(jobEvent("1.0"), jobEvent("2.0"));
    await got.promise;
    assert.deepEqual(messages.map((text) => JSON.parse(text).id), ["1.0", "2.0"]);
    socket.send("hello");
    const { code, reason } = await closed;
    assert.deepEqual([code, reason], [1008, "this feed takes no messages"]);
    assert.equal(hub.counts.subscribers, 0);
  });
});

Deno.test("a WebSocket that reads nothing is bounded, told what it missed, and slows nobody", async () => {
  const limits = { ringEvents: 50, clientBufferBytes: 64 * 1024, clientStuckMs: 60_000 };
  await withFeed(limits, async ({ url, teller, hub }) => {
    const slow = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(url).port) });
    await slow.write(new TextEncoder().encode(
      "GET /v1/live HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n" +
        "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n",
    ));
    await slow.read(new Uint8Array(200));
    const fast = textOf(await fetch(url));
    await readUntil(fast, "retry");
    const why = "x".repeat(20_000);
    let sent = 0;
    while (hub.counts.missed === 0) {
      sent += 1;
      teller.tell(jobEvent(`${sent}.0`, { why }));
      await readUntil(fast, `"id":"${sent}.0"`);
      assert.ok(sent < 5_000, "the slow client is noticed");
    }
    assert.equal(hub.counts.slow, 1);
    await fast.cancel();
    // It reads again: what comes after the gap begins with the event that tells of it.
    const decoder = new TextDecoder("latin1");
    const buffer = new Uint8Array(1 << 16);
    let text = "";
    while (!text.includes("dev.quorus.missed")) {
      const count = await slow.read(buffer);
      assert.ok(count !== null);
      text = text.slice(-100) + decoder.decode(buffer.subarray(0, count));
    }
    slow.close();
  });
});
