/** Situations of a bucket in this process. */

import type { Endpoint, Sink, Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { gcsProtocol } from "../../../protocols/gcs/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { PaperBucket } from "./paper_server.ts";

/** A test's bucket with the protocol that reaches it. */
export type PaperHarness = Harness & {
  readonly bucket: PaperBucket;
  readonly endpoint: Partial<Endpoint>;
};

/** A fresh bucket; `more` is merged into every endpoint. */
export function paperHarness(
  more: Partial<Endpoint> = {},
  variables: Readonly<Record<string, string>> = {},
): PaperHarness {
  const bucket = new PaperBucket();
  const env = realEnv();
  const { options, ...rest } = more;
  const endpoint: Partial<Endpoint> = {
    auth: { type: "bearer", token: "good" },
    ...rest,
    options: { endpoint: bucket.endpoint, ...options },
  };
  const path = (name: string) => `data/${name}`;
  const uri = (name: string) =>
    `gs://paper/${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => {
    bucket.put(path(name), bytes);
    return Promise.resolve();
  };
  const cut = (name: string, atBytes: number, then: "end" | "silence") => {
    const { bytes } = bucket.objects.get(path(name))!;
    bucket.forge = (_, url) =>
      url.searchParams.get("alt") === "media" ? cutOff(bytes, atBytes, then) : null;
  };
  const protocol = gcsProtocol({ variable: (name) => variables[name] });
  return {
    protocol,
    bucket,
    endpoint,
    context: { env },
    source: {
      uri,
      put,
      endpoint,
      refusesName: (name) => /\p{Cc}/u.test(name),
      truncate: (name, atBytes) => {
        cut(name, atBytes, "end");
        return Promise.resolve(() => Promise.resolve());
      },
      stall: (name, atBytes) => Promise.resolve(cut(name, atBytes, "silence")),
      oneByteMore: (name) =>
        Promise.resolve(() =>
          put(name, new Uint8Array([...bucket.objects.get(path(name))!.bytes, 1]))
        ),
    },
    sink: {
      uri,
      put,
      endpoint,
      published: (name) => Promise.resolve(bucket.objects.get(path(name))?.bytes ?? null),
    },
    directory: { uri, put, endpoint },
    close: async () => {
      await protocol.close!();
      env.close();
      await bucket.close();
    },
  };
}

/** An answer that announces all bytes and sends the first ones. */
function cutOff(bytes: Uint8Array, atBytes: number, then: "end" | "silence"): Response {
  let isSent = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (isSent && then === "end") controller.close();
      if (isSent) return new Promise(() => {});
      isSent = true;
      controller.enqueue(bytes.slice(0, atBytes));
    },
  });
  return new Response(body, { headers: { "content-length": String(bytes.length) } });
}

/** A source in that bucket. */
export function paperSource(harness: PaperHarness, name: string): Source {
  const uri = harness.source!.uri(name);
  return harness.protocol.source!({ ...plainEndpoint(uri), ...harness.endpoint }, harness.context);
}

/** A sink in that bucket. */
export function paperSink(harness: PaperHarness, name: string): Sink {
  const place = { createDirectories: false, root: null, sync: true };
  const uri = harness.sink!.uri(name);
  return harness.protocol.sink!(
    { ...plainEndpoint(uri), ...harness.endpoint, ...place },
    harness.context,
  );
}
