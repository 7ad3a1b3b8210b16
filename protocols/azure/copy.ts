/** Copies within an account, made by the service: what a rename is made of. */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { pause } from "../objects/again.ts";
import type { AzureClient } from "./client.ts";

/** One copy. */
export interface BlobCopy {
  readonly from: string;
  readonly to: string;
  /** The version that is copied. */
  readonly etag: string | null;
  /** `false`: `exists` if the name is taken. */
  readonly replace: boolean;
  readonly action: string;
}

/** Copies a blob and resolves when the copy is whole; `changed` if it is another version by now. */
export async function copyBlob(
  client: AzureClient,
  { from, to, etag, replace, action }: BlobCopy,
  signal: AbortSignal,
): Promise<void> {
  const headers: Record<string, string> = {
    "x-ms-copy-source": client.url(from).href,
    ...(etag === null ? {} : { "x-ms-source-if-match": etag }),
    ...(replace ? {} : { "if-none-match": "*" }),
  };
  const request = { method: "PUT", path: to, headers, action } as const;
  const answer = await client.ask(request, [202], signal).catch((thrown: unknown) => {
    throw refusal(action, replace, thrown);
  });
  let status = answer.headers.get("x-ms-copy-status");
  const copyId = answer.headers.get("x-ms-copy-id") ?? "";
  const startedMs = client.env.clock.monotonic();
  while (status === "pending") {
    if (client.env.clock.monotonic() - startedMs > protocolLimits.azureCopyTimeoutMs) {
      await abortCopy(client, to, copyId, action);
      throw new ProtocolError(
        "timeout",
        `cannot ${action}: the copy takes too long; it was stopped`,
      );
    }
    await pause(client.env, signal, protocolLimits.azureCopyPollMs);
    const looked = await client.ask({ method: "HEAD", path: to, action }, [200], signal);
    if (looked.headers.get("x-ms-copy-id") !== copyId) {
      throw new ProtocolError(
        "changed",
        `cannot ${action}: another blob was written there meanwhile`,
      );
    }
    status = looked.headers.get("x-ms-copy-status");
  }
  if (status === "success") return;
  throw new ProtocolError(
    "io",
    `cannot ${action}: the service gave the copy up (${shown(status)})`,
  );
}

/** The name is taken, where nothing else was asked; a source that changed says so itself. */
function refusal(action: string, replace: boolean, thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError)) return thrown;
  const isTaken = thrown.code === "exists" ||
    (thrown.code === "changed" && thrown.details.service !== "SourceConditionNotMet");
  if (replace || !isTaken) return thrown;
  const facts = { cause: thrown, details: thrown.details };
  return new ProtocolError("exists", `cannot ${action}: the name is taken`, facts);
}

function shown(status: string | undefined | null): string {
  return status === "failed" || status === "aborted" ? status : "without a status";
}

async function abortCopy(
  client: AzureClient,
  path: string,
  copyId: string,
  action: string,
): Promise<void> {
  const query = { comp: "copy", copyid: copyId };
  const headers = { "x-ms-copy-action": "abort" };
  await client.ask({ method: "PUT", path, query, headers, action }, [204, 409], null);
}
