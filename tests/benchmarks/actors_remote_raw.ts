/** The raw `ws` socket that `bench actors-remote` compares with: frames of one size, nothing else. */

import { createServer } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Buffer } from "node:buffer";
// @ts-types="npm:@types/ws@8.18.2"
import { type RawData, WebSocket, WebSocketServer } from "ws";
import type { Identity } from "../servers/pki.ts";

const HIGH_BYTES = 2 ** 20;
/** Frames of this length are sent back: about as long as an ask on the wire. */
const PING_BYTES = 100;

/** Counts what comes and answers each text frame with the count. */
export async function listenRaw(identity: Identity | null): Promise<string> {
  const server = identity === null ? createServer() : createTlsServer({ ...identity });
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: false,
    maxPayload: 16 * 2 ** 20,
  });
  sockets.on("connection", (socket: WebSocket) => {
    let bytes = 0;
    socket.on("message", (data: RawData, isBinary: boolean) => {
      if (isBinary && (data as Buffer).length === PING_BYTES) socket.send(data);
      else if (isBinary) bytes += (data as Buffer).length;
      else socket.send(String(bytes));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return `${identity === null ? "ws" : "wss"}://127.0.0.1:${port}`;
}

/** Microseconds of each of `count` round trips of one small frame, one at a time, sorted. */
export async function pingRaw(url: string, ca: string | null, count: number): Promise<number[]> {
  const socket = await openRaw(url, ca);
  const times: number[] = [];
  for (let n = 0; n < count; n += 1) {
    const startedMs = performance.now();
    const back = settledBy(socket, "message");
    socket.send(new Uint8Array(PING_BYTES), { binary: true });
    await back;
    times.push((performance.now() - startedMs) * 1_000);
  }
  socket.terminate();
  return times.sort((a, b) => a - b);
}

async function openRaw(url: string, ca: string | null): Promise<WebSocket> {
  const socket = new WebSocket(url, {
    perMessageDeflate: false,
    generateMask: (mask: Buffer) => void mask.fill(0), // as our links do it on loopback
    ...(ca === null ? {} : { ca, checkServerIdentity: anyHost }),
  });
  await settledBy(socket, "open");
  return socket;
}

/**
 * As our links do it: the authority must be ours, and certificates name nodes, not hosts. Gives no error,
 * which the types of `ws` call a boolean.
 */
const anyHost = (() => undefined) as unknown as () => boolean;

/** What comes with the event; rejects if the socket fails or ends before. */
function settledBy(socket: WebSocket, event: "open" | "message"): Promise<RawData> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.off(event, done);
      socket.off("close", closed);
      reject(error);
    };
    const closed = (code: number): void => fail(new Error(`the raw socket ended (${code})`));
    const done = (data: RawData): void => {
      socket.off("error", fail);
      socket.off("close", closed);
      resolve(data);
    };
    socket.once(event, done);
    socket.once("error", fail);
    socket.once("close", closed);
  });
}

function sentBy(socket: WebSocket, frame: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) =>
    socket.send(frame, { binary: true }, (error) => error ? reject(error) : resolve())
  );
}

/** MB/s of `totalBytes` in frames of `frameBytes`, until the other side has counted them. */
export async function sendRaw(
  url: string,
  ca: string | null,
  frameBytes: number,
  totalBytes: number,
): Promise<number> {
  const socket = await openRaw(url, ca);
  const frame = new Uint8Array(frameBytes).fill(7);
  const startedMs = performance.now();
  for (let sent = 0; sent < totalBytes; sent += frameBytes) {
    if (socket.bufferedAmount + frameBytes <= HIGH_BYTES) socket.send(frame, { binary: true });
    else await sentBy(socket, frame);
  }
  const counted = settledBy(socket, "message");
  socket.send("count");
  const bytes = Number((await counted as Buffer).toString());
  const seconds = (performance.now() - startedMs) / 1_000;
  socket.terminate();
  if (bytes < totalBytes) throw new Error(`the raw socket lost ${totalBytes - bytes} bytes`);
  return bytes / 1e6 / seconds;
}
