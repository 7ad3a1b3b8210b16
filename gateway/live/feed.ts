/** The two doors of the live feed: what a request asks for, and the stream that answers it. */

import type { HttpConnection } from "../../runtime/env/http_server.ts";
import { eventStream } from "./event_stream.ts";
import { filterOf } from "./filter.ts";
import type { LiveHub, SubscribeOptions } from "./hub.ts";
import { liveSocket } from "./web_socket.ts";

/** Who asks, as the key has shown. */
export interface FeedReader {
  readonly keyId: string;
  /** The tenants that may be seen; null: all, and the cluster's own events. */
  readonly tenants: readonly string[] | null;
}

/**
 * `GET /v1/events?tenant=&run=&job=&type=&labels=`: server-sent events; `Last-Event-ID` (or `after`) goes
 * on after an event. Problem where that cannot be had.
 */
export function answerEvents(
  hub: LiveHub,
  reader: FeedReader,
  request: Request,
  random: () => number,
): Response {
  return eventStream(hub, optionsOf(hub, reader, request), random);
}

/** `GET /v1/live` with the same parameters: a WebSocket. */
export function answerLive(
  hub: LiveHub,
  reader: FeedReader,
  request: Request,
  connection: HttpConnection,
): Response {
  return liveSocket(hub, optionsOf(hub, reader, request), request, connection);
}

function optionsOf(hub: LiveHub, reader: FeedReader, request: Request): SubscribeOptions {
  const query = new URL(request.url).searchParams;
  return {
    keyId: reader.keyId,
    filter: filterOf(query, reader.tenants, hub.limits),
    // An empty one is sent by clients that have had no event yet.
    after: request.headers.get("last-event-id") || query.get("after"),
  };
}
