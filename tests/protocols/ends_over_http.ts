/** Every protocol that goes over HTTP, as hostile servers meet it: what it is asked with, and its calls. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../../protocols/contract.ts";
import { azureProtocol } from "../../protocols/azure/protocol.ts";
import type { Credentials } from "../../protocols/credentials.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { gcsProtocol } from "../../protocols/gcs/protocol.ts";
import { httpProtocol } from "../../protocols/http/http.ts";
import { s3Protocol } from "../../protocols/s3/protocol.ts";
import { webdavProtocol } from "../../protocols/webdav/protocol.ts";
import { fetched, NEVER, patterned } from "../conformance/case.ts";

/** What no server but the declared one may see, and no error may show. */
export const CANARY = "CANARY0123456789";

const SECRETS = {
  bearer: { type: "bearer", token: CANARY },
  basic: { type: "basic", username: "u", password: CANARY },
  accessKey: {
    type: "accessKey",
    accessKeyId: "id",
    secretAccessKey: CANARY,
    sessionToken: CANARY,
  },
  sharedKey: { type: "sharedKey", account: "acc", accountKey: btoa(CANARY) },
  sas: { type: "sas", token: `sv=2023&sig=${CANARY}` },
} as const satisfies Record<string, Credentials>;

/** One protocol at a place. */
export interface EndOverHttp {
  readonly protocol: () => TransferProtocol;
  /** The declared file; it is in a directory. */
  readonly at: (scheme: "http" | "https", host: string) => Partial<Endpoint> & { uri: string };
}

/** What is asked of an end. */
export type Call = (
  protocol: TransferProtocol,
  endpoint: Endpoint,
  context: ProtocolContext,
) => Promise<unknown>;

const read: Call = async (protocol, endpoint, context) => {
  const source = protocol.source!(endpoint, context);
  try {
    await source.stat(NEVER);
    await fetched(source);
  } finally {
    await source.close();
  }
};

const write: Call = async (protocol, endpoint, context) => {
  const place = { createDirectories: true, root: null, sync: true };
  const sink = protocol.sink!({ ...endpoint, ...place }, context);
  try {
    const file = await sink.create("t.part", NEVER, 10);
    await file.write(patterned(10), 0);
    await sink.publish(file, { name: sink.name, replace: true, mtimeMs: null, mode: null });
  } finally {
    await sink.close();
  }
};

const list: Call = async (protocol, endpoint, context) => {
  const uri = endpoint.uri.replace(/[^/]*$/, "");
  const directory = protocol.directory!({ ...endpoint, uri }, context);
  try {
    for await (const _ of directory.list(NEVER));
  } finally {
    await directory.close();
  }
};

const web = (options: Endpoint["options"]): EndOverHttp => ({
  protocol: () => httpProtocol(),
  at: (scheme, host) => ({ uri: `${scheme}://${host}/d/f`, auth: SECRETS.bearer, options }),
});

const azure = (auth: Credentials): EndOverHttp => ({
  protocol: () => azureProtocol(),
  at: (scheme, host) => ({
    ...{ uri: "azblob://acc/box/d/f", auth },
    options: { endpoint: `${scheme}://${host}/acc` },
  }),
});

/** By what a test is called. */
export const ENDS: Readonly<Record<string, EndOverHttp & { readonly calls: readonly Call[] }>> = {
  http: { ...web({}), calls: [read] },
  "http uploads": { ...web({}), calls: [write] },
  tus: { ...web({ upload: "tus" }), calls: [write] },
  dav: {
    protocol: () => webdavProtocol(),
    at: (scheme, host) => ({
      uri: `${scheme === "http" ? "dav" : "davs"}://${host}/d/f`,
      auth: SECRETS.basic,
    }),
    calls: [read, write, list],
  },
  s3: {
    protocol: () => s3Protocol(),
    at: (scheme, host) => ({
      uri: "s3://bucket/d/f",
      auth: SECRETS.accessKey,
      options: { endpoint: `${scheme}://${host}` },
    }),
    calls: [read, write, list],
  },
  azblob: { ...azure(SECRETS.sharedKey), calls: [read, write, list] },
  "azblob by signature": { ...azure(SECRETS.sas), calls: [read, list] },
  gs: {
    protocol: () => gcsProtocol({ variable: () => undefined }),
    at: (scheme, host) => ({
      uri: "gs://bucket/d/f",
      auth: SECRETS.bearer,
      options: { endpoint: `${scheme}://${host}` },
    }),
    calls: [read, write, list],
  },
};

/** The endpoint as a protocol gets it. */
export function endpointOf(declared: Partial<Endpoint> & { uri: string }): Endpoint {
  return { ...plainEndpoint(declared.uri), ...declared };
}

/** The calls of an end, with their names. */
export function callsOf({ calls }: { readonly calls: readonly Call[] }): [string, Call][] {
  const names = new Map([[read, "read"], [write, "write"], [list, "list"]]);
  return calls.map((call) => [names.get(call)!, call]);
}
