/** The live feed as the app sees it: two kinds of streams, and who reads them. */

import { Desk, DESK_PATH } from "../actors/desk/messages.ts";
import type { Node } from "../runtime/actor/node.ts";
import type { HttpConnection } from "../runtime/env/http_server.ts";
import { answerEvents, answerLive, type FeedReader } from "./live/feed.ts";
import type { FanoutCounts } from "./live/fanout.ts";
import type { LiveLimits } from "./live/limits.ts";
import { LiveHub } from "./live/hub.ts";
import type { EventSource } from "./live/source.ts";

/** Streams of what happens; what cannot be had is a Problem. */
export interface Feed {
  /** Server-sent events. */
  events(reader: FeedReader, request: Request): Response;
  /** A WebSocket. */
  socket(reader: FeedReader, request: Request, connection: HttpConnection): Response;
  /** What has been counted. */
  readonly counts: FanoutCounts;
  /** Ends all streams, so that their clients go elsewhere. */
  close(): Promise<void>;
}

/** A feed that follows the desks of the controllers. */
export function deskFeed(
  node: Pick<Node, "ref" | "env">,
  controllers: () => readonly string[],
  limits: Partial<LiveLimits> = {},
): Feed {
  const { env } = node;
  const sources = () => controllers().map((id) => deskSource(node, id));
  const hub = new LiveHub(env, sources, limits);
  return {
    events: (reader, request) => answerEvents(hub, reader, request, () => env.random.next()),
    socket: (reader, request, connection) => answerLive(hub, reader, request, connection),
    get counts() {
      return hub.counts;
    },
    close: () => hub.close(),
  };
}

function deskSource(node: Pick<Node, "ref">, id: string): EventSource {
  const desk = node.ref(Desk, `quorus://${id}/${DESK_PATH}`);
  return {
    name: id,
    pull: (after, limit, withinMs, signal) =>
      desk.ask("events", { after, limit }, { withinMs, signal }),
  };
}
