/** `/v1/live`: the live feed over a WebSocket, one CloudEvent in JSON a message. */

import type { HttpConnection, TextSocket } from "../../runtime/env/http_server.ts";
import { Problem } from "../problem.ts";
import type { LiveHub, SubscribeOptions, Subscription } from "./hub.ts";
import type { LiveRecord } from "./record.ts";
import type { Sink, StreamEnd } from "./subscriber.ts";

/** The subprotocol of CloudEvents in JSON (`websockets-protocol-binding.md`, section 2.1). */
const SUBPROTOCOL = "cloudevents.json";

/** Codes of RFC 6455, section 7.4; 1012 and 1013 are registered: come back, come back later. */
const END_CODES: Readonly<Record<StreamEnd, readonly [number, string]>> = {
  session: [1012, "the session has ended: connect again"],
  stuck: [1013, "events were not taken for too long"],
  closing: [1012, "this gateway stops: connect to another one"],
};
const POLICY = [1008, "this feed takes no messages"] as const;

/** The response that opens the stream. Problem as {@link LiveHub.subscribe}, and `upgradeRequired`. */
export function liveSocket(
  hub: LiveHub,
  options: SubscribeOptions,
  request: Request,
  connection: HttpConnection,
): Response {
  if (!connection.canUpgrade) {
    throw new Problem(
      "upgradeRequired",
      "cannot open /v1/live: the request asks for no WebSocket; open one, or read /v1/events",
      { headers: { upgrade: "websocket", connection: "upgrade" } },
    );
  }
  const sink = new SocketSink(hub.limits.clientBufferBytes);
  const subscription = hub.subscribe(options, sink);
  sink.belongsTo(subscription);
  const offered = (request.headers.get("sec-websocket-protocol") ?? "").split(",");
  const isOffered = offered.some((name) => name.trim() === SUBPROTOCOL);
  try {
    const { response, opened } = connection.upgrade(
      {
        text: () => sink.close(...POLICY),
        closed: () => subscription.close(),
      },
      isOffered ? { protocol: SUBPROTOCOL } : {},
    );
    opened.then((socket) => {
      sink.open(socket);
      subscription.drained();
    });
    return response;
  } catch (thrown) {
    subscription.close();
    throw thrown;
  }
}

class SocketSink implements Sink {
  readonly #mostBytes: number;
  #socket: TextSocket | null = null;
  #subscription: Subscription | null = null;
  #ended: readonly [number, string] | null = null;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  /** Until it is open, events wait in the ring. */
  get isCongested(): boolean {
    return this.#socket === null || this.#socket.bufferedBytes > this.#mostBytes;
  }

  belongsTo(subscription: Subscription): void {
    this.#subscription = subscription;
  }

  open(socket: TextSocket): void {
    this.#socket = socket;
    if (this.#ended !== null) socket.close(...this.#ended);
  }

  send(record: LiveRecord): void {
    this.#socket?.send(record.text);
  }

  /** The server pings its WebSockets itself, and closes those that do not answer. */
  heartbeat(): void {}

  end(why: StreamEnd): void {
    this.close(...END_CODES[why]);
  }

  close(code: number, reason: string): void {
    this.#ended = [code, reason];
    this.#subscription?.close();
    this.#socket?.close(code, reason);
  }
}
