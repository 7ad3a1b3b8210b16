/** What only a real socket shows: bodies that are too large, streams, WebSockets, shutdown. */

import assert from "node:assert/strict";
import { KEYS, transferYaml } from "./rig.ts";
import { startRealGateway } from "./real_cluster.ts";
import { ownBytes } from "../servers/own_memory.ts";

const GIB = 2 ** 30;
const PIECE = new Uint8Array(64 * 1024).fill(0x61);

/** Sends a body of a GiB as far as the server takes it: the status line, and how much was written. */
async function pour(
  url: string,
  framing: "length" | "chunked",
  credentials: string,
): Promise<{ status: string; written: number }> {
  const { hostname, port } = new URL(url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  const head = framing === "length" ? `content-length: ${GIB}` : "transfer-encoding: chunked";
  const encoder = new TextEncoder();
  await connection.write(encoder.encode(
    `POST /v1/runs HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/yaml\r\n` +
      `authorization: Bearer ${credentials}\r\n${head}\r\n\r\n`,
  ));
  let status = "";
  const answered = (async () => {
    const into = new Uint8Array(1_024);
    const read = await connection.read(into).catch(() => null);
    status = new TextDecoder().decode(into.subarray(0, read ?? 0)).split("\r\n")[0]!;
  })();
  let written = 0;
  const size = encoder.encode(`${PIECE.length.toString(16)}\r\n`);
  try {
    while (status === "" && written < GIB) {
      if (framing === "chunked") await connection.write(size);
      let at = 0;
      while (at < PIECE.length) at += await connection.write(PIECE.subarray(at));
      if (framing === "chunked") await connection.write(encoder.encode("\r\n"));
      written += PIECE.length;
    }
  } catch {
    // The server has hung up: that is one way of not taking it.
  }
  await answered;
  connection.close();
  return { status, written };
}

Deno.test("a body of 1 GiB is refused early, whoever sends it and however, in bounded memory", async () => {
  const real = await startRealGateway();
  for (
    const [framing, credentials, status] of [
      ["length", KEYS.admin, 413],
      ["chunked", KEYS.admin, 413],
      ["length", KEYS.nobody, 401],
      ["chunked", KEYS.nobody, 401],
    ] as const
  ) {
    const before = ownBytes();
    const poured = await pour(real.gateway.url, framing, credentials);
    const grown = ownBytes() - before;
    const what = `${framing} ${status}: ${JSON.stringify(poured)}, ${grown} bytes more`;
    assert.match(poured.status, new RegExp(`^HTTP/1.1 ${status} `), what);
    assert.ok(poured.written < 64 * 2 ** 20, what);
    assert.ok(grown < 96 * 2 ** 20, what);
  }
  const { authorization } = real;
  const after = await fetch(`${real.gateway.url}/v1/runs`, { headers: authorization });
  assert.equal(after.status, 200);
  await after.body?.cancel();
  await real.stop();
});

Deno.test("a body that never ends its first byte is given up", async () => {
  const real = await startRealGateway({ limits: { bodyMs: 300 } });
  const { hostname, port } = new URL(real.gateway.url);
  const connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(
    `POST /v1/runs HTTP/1.1\r\nhost: x\r\ncontent-type: application/yaml\r\n` +
      `authorization: Bearer ${KEYS.admin}\r\ncontent-length: 1000\r\n\r\nkind:`,
  ));
  const into = new Uint8Array(4_096);
  const read = await connection.read(into);
  assert.match(new TextDecoder().decode(into.subarray(0, read ?? 0)), /^HTTP\/1.1 400 /);
  connection.close();
  await real.stop();
});

Deno.test("events come as they happen, over a stream and over a WebSocket with the key of a browser", async () => {
  const real = await startRealGateway();
  const { url } = real.gateway;
  const stream = await fetch(`${url}/v1/events`, { headers: real.authorization });
  assert.match(stream.headers.get("content-type")!, /^text\/event-stream/);
  const socket = new WebSocket(`${url.replace("http", "ws")}/v1/live`, [
    "cloudevents.json",
    `bearer.${KEYS.admin}`,
  ]);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  assert.equal(socket.protocol, "cloudevents.json");
  const heard = Promise.withResolvers<string>();
  socket.onmessage = ({ data }) => {
    if (String(data).includes("dev.quorus.run.changed")) heard.resolve(data);
  };
  const submitted = await fetch(`${url}/v1/runs`, {
    method: "POST",
    headers: { ...real.authorization, "content-type": "application/yaml" },
    body: transferYaml(),
  });
  const { runs: [run] } = await submitted.json();
  assert.equal(JSON.parse(await heard.promise).data.id, run.id);
  const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (!text.includes(run.id)) text += (await reader.read()).value ?? "";
  const closed = new Promise((resolve) => socket.onclose = resolve);
  await Promise.all([real.stop(), closed]);
  await reader.cancel().catch(() => {});
});
