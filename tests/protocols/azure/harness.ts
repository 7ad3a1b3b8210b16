/** Situations of a storage account in this process. */

import { azureProtocol } from "../../../protocols/azure/protocol.ts";
import type { Endpoint, Sink, Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { ACCOUNT, ACCOUNT_KEY, PaperAccount } from "./paper_server.ts";

export const SHARED_KEY = {
  type: "sharedKey",
  account: ACCOUNT,
  accountKey: ACCOUNT_KEY,
} as const;

/** A test's account with the protocol that reaches it. */
export type PaperHarness = Harness & {
  readonly account: PaperAccount;
  readonly endpoint: Partial<Endpoint>;
};

/** A fresh account; `more` is merged into every endpoint. */
export function paperHarness(more: Partial<Endpoint> = {}): PaperHarness {
  const account = new PaperAccount();
  const env = realEnv();
  const { options, ...rest } = more;
  const endpoint: Partial<Endpoint> = {
    auth: SHARED_KEY,
    ...rest,
    options: { endpoint: account.endpoint, ...options },
  };
  const path = (name: string) => `box/data/${name}`;
  const uri = (name: string) =>
    `azblob://${ACCOUNT}/${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(account.put(path(name), bytes));
  const isKept = (name: string) => !name.includes("\\") && !name.endsWith(".");
  return {
    protocol: azureProtocol(),
    account,
    endpoint,
    context: { env },
    source: {
      uri,
      put,
      endpoint,
      refusesName: (name) => !isKept(name) || /\p{Cc}/u.test(name),
      truncate: (name, atBytes) => {
        const bytes = account.blobs.get(path(name))!.bytes;
        account.forge = (request) =>
          request.method === "GET" ? cutOff(bytes, atBytes, "end") : null;
        return Promise.resolve(() => Promise.resolve());
      },
      stall: (name, atBytes) => {
        const bytes = account.blobs.get(path(name))!.bytes;
        account.forge = (request) =>
          request.method === "GET" ? cutOff(bytes, atBytes, "silence") : null;
        return Promise.resolve();
      },
      oneByteMore: (name) =>
        Promise.resolve(() => {
          const { bytes } = account.blobs.get(path(name))!;
          return put(name, new Uint8Array([...bytes, 1]));
        }),
    },
    sink: {
      uri,
      put,
      endpoint,
      refusesName: (name) => !isKept(name),
      published: (name) => Promise.resolve(account.blobs.get(path(name))?.bytes ?? null),
    },
    directory: { uri, put, endpoint },
    close: async () => {
      env.close();
      await account.close();
    },
  };
}

/** An answer that announces all bytes and sends the first ones. */
function cutOff(bytes: Uint8Array, atBytes: number, then: "end" | "silence"): Response {
  const first = bytes.slice(0, atBytes);
  let isSent = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      if (isSent && then === "end") controller.close();
      if (isSent) return new Promise(() => {});
      isSent = true;
      controller.enqueue(first);
    },
  });
  const headers = { etag: '"0x1"', "content-length": String(bytes.length) };
  return new Response(body, { headers });
}

/** A source in that account. */
export function paperSource(harness: PaperHarness, name: string): Source {
  const uri = harness.source!.uri(name);
  return harness.protocol.source!(
    { ...plainEndpoint(uri), ...harness.endpoint },
    harness.context,
  );
}

/** A sink in that account. */
export function paperSink(harness: PaperHarness, name: string): Sink {
  const place = { createDirectories: false, root: null, sync: true };
  const uri = harness.sink!.uri(name);
  return harness.protocol.sink!(
    { ...plainEndpoint(uri), ...harness.endpoint, ...place },
    harness.context,
  );
}
