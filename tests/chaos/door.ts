/** The API as clients use it, and a count of every single try, with what became of it. */

import { type ClientOptions, type QuorusClient, quorusClient } from "../../client.ts";
import type { ChaosCluster } from "./cluster.ts";

/** How the tries went; several of them make one request. */
export class Tries {
  readonly counts: Record<string, number> = {};

  count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}

/** A client that has so long for each request. */
export function clientOf(
  { url, key }: ChaosCluster,
  tries: Tries,
  limits: NonNullable<ClientOptions["limits"]>,
): QuorusClient {
  const counted = async (target: string, init: RequestInit): Promise<Response> => {
    try {
      const response = await fetch(target, init);
      tries.count(String(response.status));
      return response;
    } catch (error) {
      tries.count(init.signal?.aborted === true ? "timed out" : "unreachable");
      throw error;
    }
  };
  return quorusClient({ url, key, limits, fetch: counted });
}

/** So long, or until the signal. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = setTimeout(done, Math.max(0, ms));
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
    signal?.addEventListener("abort", done);
  });
}
