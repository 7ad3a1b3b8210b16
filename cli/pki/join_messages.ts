/** What a new node and the authority say to each other: one frame each, over TLS. */

import { z } from "zod";
import type { Socket } from "../../runtime/env/sockets.ts";
import type { Env } from "../../runtime/env/env.ts";
import { cliLimits } from "../limits.ts";

/** The URI in the certificate that the authority itself shows; no node has one with it. */
export function authorityUri(cluster: string): string {
  return `quorus-join://${cluster}`;
}

/** A node's words: which token, and a request that proves its new key. */
export const joinRequest = z.strictObject({
  version: z.literal(1),
  id: z.string().max(128),
  secret: z.string().max(128),
  csr: z.string().max(8_192),
});

/** The authority's words. */
export const joinAnswer = z.discriminatedUnion("ok", [
  z.strictObject({
    ok: z.literal(true),
    node: z.string(),
    cert: z.string(),
    /** All authorities that the cluster trusts. */
    ca: z.string(),
  }),
  z.strictObject({ ok: z.literal(false), why: z.string() }),
]);

/** See {@link joinAnswer}. */
export type JoinAnswer = z.infer<typeof joinAnswer>;

/** The first frame of the other end; `null` where none comes in time. Keeps reading, so call it once. */
export function firstFrame(env: Pick<Env, "timers">, socket: Socket): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const timer = env.timers.after(cliLimits.joinMs, () => resolve(null));
    const settle = (bytes: Uint8Array | null) => {
      timer.cancel();
      resolve(bytes);
    };
    socket.open({ frame: settle, drained: () => {}, closed: () => settle(null) });
  });
}

/** A message as a frame. */
export function frameOf(message: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(message));
}

/** A frame as a message of that kind; `null` where it is none. */
export function parseFrame<T extends z.ZodType>(schema: T, frame: Uint8Array): z.infer<T> | null {
  try {
    return schema.parse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(frame)));
  } catch {
    return null;
  }
}
