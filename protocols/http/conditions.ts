/**
 * Trying out whether a server honours conditions (RFC 9110, 13), as a fence needs them: judged when the
 * body has come, not when the request began. It costs five requests on a name of our own, once per
 * directory of a server and process.
 */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { ask, hopAt, unsupported } from "./call.ts";
import type { Hop } from "./endpoint.ts";
import type { Client } from "./exchange.ts";
import { Upload } from "./upload.ts";

const STORED = [200, 201, 204];
const REMOVED = [200, 202, 204, 404, 410];
const NAME_BYTES = 8;

/** What was found out so far, by directory. */
export class ConditionCheck {
  readonly #checked = new Map<string, Promise<void>>();

  /** `unsupported` unless the server honours If-None-Match and If-Match in this directory. */
  async assertHonoured(client: Client, { url, ...hop }: Hop, signal: AbortSignal): Promise<void> {
    const directory = url.pathname.slice(0, url.pathname.lastIndexOf("/") + 1);
    const key = url.origin + directory;
    const known = this.#checked.get(key);
    if (known !== undefined) return await known;
    const [oldest] = this.#checked.keys();
    if (this.#checked.size >= protocolLimits.httpCheckedPlaces) this.#checked.delete(oldest!);
    const random = client.env.random.bytes(NAME_BYTES);
    const name = `.quorus-check-${
      [...random].map((b) => b.toString(16).padStart(2, "0")).join("")
    }`;
    const scratch = hopAt({ url, ...hop }, directory + name);
    const checking = check(client, scratch, signal);
    this.#checked.set(key, checking);
    // Whoever asks after a failure has it tried again: it may have been the network.
    checking.catch(() => this.#checked.delete(key));
    await checking;
  }
}

async function check(client: Client, hop: Hop, signal: AbortSignal): Promise<void> {
  const overtaken = new Upload({
    ...{ client, hop, method: "PUT", accepts: STORED, size: 2, holdBackBytes: 1 },
    headers: () => ({ "if-none-match": "*" }),
  });
  try {
    await overtaken.write(Uint8Array.of(1, 1));
    const body = Uint8Array.of(2);
    await ask(client, hop, { method: "PUT", body, accepts: STORED, signal });
    await assertRefused(hop, "If-None-Match", () => overtaken.finish());
    await assertRefused(hop, "If-Match", () => {
      const headers = { "if-match": '"quorus-never"' };
      return ask(client, hop, { method: "PUT", headers, body, accepts: STORED, signal });
    });
  } finally {
    await overtaken.cancel();
    await ask(client, hop, { method: "DELETE", accepts: REMOVED, signal }).catch(unlessTold);
  }
}

/** A scratch file that cannot be removed again is left, and the answer stands. */
function unlessTold(thrown: unknown): void {
  if (!(thrown instanceof ProtocolError)) throw thrown;
}

async function assertRefused(
  hop: Hop,
  header: string,
  call: () => Promise<unknown>,
): Promise<void> {
  try {
    await call();
  } catch (thrown) {
    if (thrown instanceof ProtocolError && thrown.details.status === 412) return;
    throw thrown;
  }
  const reason = `the server does not honour ${header} when a file is complete; ` +
    "set conditional: false, and a file may be published twice";
  throw unsupported("PUT", hop.label, reason);
}
