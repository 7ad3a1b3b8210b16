/** Situations of files in a real object store. */

import type { Endpoint } from "../../../protocols/contract.ts";
import { s3Protocol } from "../../../protocols/s3/protocol.ts";
import { encodedPath, sha256Hex, signedHeaders } from "../../../protocols/s3/signing.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness } from "../../conformance/harness.ts";
import type { Swift } from "../../servers/swift.ts";

let folders = 0;

/** What an endpoint of this server is declared with. */
export function endpointOf(swift: Swift): Partial<Endpoint> {
  const { accessKeyId, secretAccessKey } = swift.key;
  return {
    auth: { type: "accessKey", accessKeyId, secretAccessKey },
    options: { endpoint: swift.origin },
  };
}

/** One request of S3 that our protocol has no part in. */
export async function request(
  swift: Swift,
  method: string,
  path: string,
  body?: Uint8Array,
): Promise<{ readonly status: number; readonly bytes: Uint8Array }> {
  const env = realEnv();
  try {
    const url = new URL(`${swift.origin}${encodedPath(path)}`);
    const payload = sha256Hex(env.hash, body ?? new Uint8Array());
    const scope = { region: "us-east-1", service: "s3" };
    const signable = { method, url, headers: {}, payload };
    const headers = signedHeaders(env.hash, signable, swift.key, scope, Date.now());
    const response = await fetch(url, {
      ...{ method, headers },
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    });
    return { status: response.status, bytes: await response.bytes() };
  } finally {
    env.close();
  }
}

/** A fresh folder of the bucket `bucket`, and the protocol. */
export async function s3Harness(swift: Swift, more: Partial<Endpoint> = {}): Promise<Harness> {
  const env = realEnv();
  const protocol = s3Protocol();
  const folder = `f${folders++}`;
  const common = endpointOf(swift);
  const endpoint = { ...common, ...more, options: { ...common.options, ...more.options } };
  const uri = (name: string) =>
    `s3://bucket/${folder}/${name.split("/").map(encodeURIComponent).join("/")}`;
  const put = async (name: string, bytes: Uint8Array) => {
    const { status } = await request(swift, "PUT", `/bucket/${folder}/${name}`, bytes);
    if (status !== 200) throw new Error(`cannot put ${name}: status ${status}`);
  };
  return await Promise.resolve({
    protocol,
    context: { env },
    source: { uri, put, endpoint },
    sink: {
      ...{ uri, put, endpoint },
      published: async (name) => {
        const { status, bytes } = await request(swift, "GET", `/bucket/${folder}/${name}`);
        return status === 200 ? bytes : null;
      },
    },
    // Swift takes a minute for more than one page; pages have a test of their own.
    directory: { uri, put, endpoint, manyEntries: 30 },
    close: async () => {
      await protocol.close!();
      env.close();
    },
  });
}
