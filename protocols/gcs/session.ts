/** Resumable uploads: one session, its chunks, and what the service has kept of them. */

import { ProtocolError } from "../errors.ts";
import { parseCount } from "../http/fields.ts";
import { again } from "../objects/again.ts";
import { encodedText } from "../s3/signing.ts";
import type { GcsClient } from "./client.ts";
import { type GcsObject, OBJECT_FIELDS, objectIn } from "./facts.ts";
import { jsonOf } from "./tokens.ts";

/** All chunks but the last are whole multiples of this. */
export const CHUNK_UNIT_BYTES = 262_144;
/** The service has kept all it was sent, and waits for more. */
const RESUME_INCOMPLETE = 308;
/** What it answers to a session that was given up. */
const GIVEN_UP: readonly number[] = [204, 404, 410, 499];

/** What an object is to be, beside its bytes. */
export interface ObjectProperties {
  readonly object: string;
  /** The generation that stands there, "0" for none: the upload is refused over any other. */
  readonly generation: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The resource of an object that is being made. */
export function resourceOf(client: GcsClient, { object, metadata }: ObjectProperties): object {
  const { contentType = "application/octet-stream", storageClass } = client.place.options;
  return {
    name: object,
    contentType,
    metadata,
    ...(storageClass === undefined ? {} : { storageClass }),
  };
}

/** Where uploads go, and under which condition. */
export function uploadTarget(
  client: GcsClient,
  uploadType: "multipart" | "resumable",
  { generation }: ObjectProperties,
): { readonly target: string; readonly query: Record<string, string> } {
  const { kmsKey } = client.place.options;
  return {
    target: `/upload/storage/v1/b/${encodedText(client.place.bucket)}/o`,
    query: {
      uploadType,
      fields: OBJECT_FIELDS,
      ...(generation === null ? {} : { ifGenerationMatch: generation }),
      ...(kmsKey === undefined ? {} : { kmsKeyName: kmsKey }),
    },
  };
}

/** One session. Its URL lets whoever knows it write: it is never logged or stored. */
export class UploadSession {
  readonly #client: GcsClient;
  readonly #url: URL;
  readonly #action: string;

  private constructor(client: GcsClient, url: URL, action: string) {
    this.#client = client;
    this.#url = url;
    this.#action = action;
  }

  /** Begins one; the condition is looked at now and again when the object is made. */
  static async begin(
    client: GcsClient,
    properties: ObjectProperties,
    action: string,
  ): Promise<UploadSession> {
    const { headers } = await client.ask(
      {
        method: "POST",
        ...uploadTarget(client, "resumable", properties),
        headers: { "content-type": "application/json; charset=UTF-8" },
        body: new TextEncoder().encode(JSON.stringify(resourceOf(client, properties))),
        action,
      },
      [200, 201],
      null,
    );
    return new UploadSession(client, client.sessionUrl(action, headers.get("location")), action);
  }

  /** Sends a chunk that is not the last, until all of it was kept. */
  async send(start: number, bytes: Uint8Array): Promise<void> {
    const end = start + bytes.length;
    let from = start;
    while (from < end) {
      let isFirst = true;
      const kept = await again(this.#client.env, null, async () => {
        // After a failure the service is asked what it has: it may be all.
        if (!isFirst) from = await this.#ask(null);
        isFirst = false;
        if (from < start || from > end) throw this.#contradiction(from, start, end);
        return from === end
          ? end
          : await this.#ask({ from, end, bytes: bytes.subarray(from - start) });
      });
      if (kept <= from && kept < end || kept > end) throw this.#contradiction(kept, from, end);
      from = kept;
    }
  }

  /** How many bytes the service has kept, after sending some, or by asking alone. */
  async #ask(
    sent: { readonly from: number; readonly end: number; readonly bytes: Uint8Array } | null,
  ): Promise<number> {
    const range = sent === null ? "*" : `${sent.from}-${sent.end - 1}`;
    const { headers } = await this.#client.ask(
      {
        method: "PUT",
        target: this.#url,
        headers: { "content-range": `bytes ${range}/*` },
        body: sent?.bytes ?? new Uint8Array(0),
        action: this.#action,
      },
      [RESUME_INCOMPLETE],
      null,
    );
    return this.#keptOf(headers);
  }

  #contradiction(kept: number, from: number, end: number): ProtocolError {
    const message = `cannot ${this.#action}: ${kept} bytes are kept of ${end}, ${from} were before`;
    return new ProtocolError("badResponse", message, { retryable: false });
  }

  /** Sends the last bytes, with which the object is there. `crc` is that of the whole, if it is known. */
  async finish(start: number, bytes: Uint8Array, crc: string | null): Promise<GcsObject> {
    const size = start + bytes.length;
    const range = bytes.length === 0 ? "*" : `${start}-${size - 1}`;
    const { text } = await this.#client.ask(
      {
        method: "PUT",
        target: this.#url,
        headers: {
          "content-range": `bytes ${range}/${size}`,
          ...(crc === null ? {} : { "x-goog-hash": `crc32c=${crc}` }),
        },
        body: bytes,
        action: this.#action,
      },
      [200, 201],
      null,
    );
    return objectIn(this.#action, jsonOf(text));
  }

  /** Gives it up: nothing can be made of it any more. */
  async giveUp(): Promise<void> {
    const request = { method: "DELETE", target: this.#url, action: this.#action } as const;
    await this.#client.ask(request, GIVEN_UP, null);
  }

  /** Without `Range` nothing was kept. */
  #keptOf(headers: ReadonlyMap<string, string>): number {
    const told = headers.get("range");
    if (told === undefined) return 0;
    const last = /^bytes=0-(\d{1,16})$/.exec(told);
    const value = last === null ? null : parseCount(last[1]!);
    if (value !== null) return value + 1;
    throw new ProtocolError("badResponse", `cannot ${this.#action}: what was kept is not told`);
  }
}
