/** `/v1/events`: the live feed as server-sent events (WHATWG HTML, section 9.2). */

import type { LiveHub, SubscribeOptions, Subscription } from "./hub.ts";
import type { LiveRecord } from "./record.ts";
import type { Sink } from "./subscriber.ts";

const encoder = new TextEncoder();

/** Clients that lost a gateway come back spread over so many milliseconds, and not before. */
const RETRY_SPREAD_MS = 3_000;
const RETRY_LEAST_MS = 500;

const HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store",
  // nginx would gather the events otherwise.
  "x-accel-buffering": "no",
};

/** The stream as a response; `random`: uniform in [0, 1). Problem as {@link LiveHub.subscribe}. */
export function eventStream(
  hub: LiveHub,
  options: SubscribeOptions,
  random: () => number,
): Response {
  const sink = new StreamSink();
  // The subscription may be refused: then there is no stream at all.
  const subscription = hub.subscribe(options, sink);
  const retryMs = Math.round(RETRY_LEAST_MS + random() * RETRY_SPREAD_MS);
  const resumeAt = options.after ?? hub.lastId;
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(`retry: ${retryMs}\n${idLine(resumeAt)}\n`));
        sink.open(controller, subscription);
      },
      pull: () => subscription.drained(),
      cancel: () => subscription.close(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: hub.limits.clientBufferBytes }),
  );
  return new Response(body, { headers: HEADERS });
}

/** An event with an id and no data is not told to the client's code, but is where it goes on. */
function idLine(id: string | null): string {
  return id === null ? "" : `id: ${id}\n`;
}

class StreamSink implements Sink {
  #controller: ReadableStreamDefaultController<Uint8Array> | null = null;
  #subscription: Subscription | null = null;

  /** Until it is open, events wait in the ring. */
  get isCongested(): boolean {
    return (this.#controller?.desiredSize ?? 0) <= 0;
  }

  open(
    controller: ReadableStreamDefaultController<Uint8Array>,
    subscription: Subscription,
  ): void {
    this.#controller = controller;
    this.#subscription = subscription;
  }

  send(record: LiveRecord): void {
    this.#write(record.serverSent);
  }

  heartbeat(lastId: string | null): void {
    this.#write(encoder.encode(`: alive\n${idLine(lastId)}\n`));
  }

  end(): void {
    this.#subscription?.close();
    try {
      this.#controller?.close();
    } catch {
      // The client has gone at the same moment: the stream is closed already.
    }
    this.#controller = null;
  }

  #write(bytes: Uint8Array): void {
    this.#controller?.enqueue(bytes);
  }
}
