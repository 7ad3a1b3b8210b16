/** Situations of blobs on azurite; what others do there is done by requests of the service's own form. */

import { AzureClient } from "../../../protocols/azure/client.ts";
import { azurePlaceOf } from "../../../protocols/azure/endpoint.ts";
import { azureProtocol } from "../../../protocols/azure/protocol.ts";
import type { Endpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { Places } from "../../../protocols/places.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import { type Azurite, startAzurite } from "../../servers/azurite.ts";

const PATIENCE_MS = 240_000;
/** The emulator answers one after the other: more at once would only wait there. */
const PUTS_AT_ONCE = 16;

/** How an account of the emulator is reached. */
export function endpointOf(azurite: Azurite): Partial<Endpoint> {
  const { account, accountKey, endpoint } = azurite;
  return { auth: { type: "sharedKey", account, accountKey }, options: { endpoint } };
}

/** A client of the account, for what the protocol itself does not do. */
export function clientOf(azurite: Azurite): AzureClient & { close(): void } {
  const env = realEnv();
  const uri = `azblob://${azurite.account}/${azurite.container}/`;
  const endpoint = {
    ...plainEndpoint(uri),
    ...endpointOf(azurite),
    // A thousand puts at once, on a machine that does other things too.
    responseTimeoutMs: PATIENCE_MS,
  };
  const client = new AzureClient(env, azurePlaceOf(endpoint), endpoint);
  return Object.assign(client, { close: () => env.close() });
}

/** Makes the container. */
export async function makeContainer(azurite: Azurite): Promise<void> {
  const client = clientOf(azurite);
  const path = `/${azurite.container}`;
  const query = { restype: "container" };
  await client.ask({ method: "PUT", path, query, action: "make a container" }, [201], null);
  client.close();
}

/** The emulator with an empty container, and the protocol. */
export async function azuriteHarness(
  shared?: Azurite,
): Promise<Harness & { readonly azurite: Azurite }> {
  const azurite = shared ?? await startAzurite();
  if (shared === undefined) await makeContainer(azurite);
  const env = realEnv();
  const client = clientOf(azurite);
  const places = new Places(PUTS_AT_ONCE);
  const folder = crypto.randomUUID();
  const path = (name: string) => `/${azurite.container}/${folder}/${name}`;
  const uri = (name: string) =>
    `azblob://${azurite.account}${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = async (name: string, bytes: Uint8Array) => {
    const headers = { "x-ms-blob-type": "BlockBlob" };
    const request = { method: "PUT", path: path(name), headers, body: bytes } as const;
    await places.enter(null);
    try {
      await client.ask({ ...request, action: `put ${name}` }, [201], null);
    } finally {
      places.leave();
    }
  };
  const published = async (name: string) => {
    const request = { method: "GET", path: path(name), action: `get ${name}` } as const;
    try {
      const { exchange } = await client.open(request, [200], null);
      const parts: number[] = [];
      const buffer = new Uint8Array(65_536);
      for (let count = -1; count !== 0;) {
        count = await exchange.read(buffer) ?? 0;
        parts.push(...buffer.subarray(0, count));
      }
      await exchange.end();
      return new Uint8Array(parts);
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return null;
      throw thrown;
    }
  };
  const endpoint = endpointOf(azurite);
  const isKept = (name: string) => !name.includes("\\") && !name.endsWith(".");
  return {
    protocol: azureProtocol(),
    azurite,
    context: { env },
    source: {
      uri,
      put,
      endpoint,
      refusesName: (name) => !isKept(name) || /\p{Cc}/u.test(name),
      oneByteMore: (name) => Promise.resolve(() => put(name, new Uint8Array(3_000_002))),
    },
    sink: { uri, put, published, endpoint, refusesName: (name) => !isKept(name) },
    directory: { uri, put, endpoint, manyEntries: 1_010 },
    close: async () => {
      env.close();
      client.close();
      if (shared === undefined) await azurite.close();
    },
  };
}
