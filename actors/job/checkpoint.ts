/**
 * Checkpoints: what of an attempt's temporary file is durable and verified, in the agent's own
 * key-value store. A checkpoint is written after the data it speaks of was synced, never before.
 */

import { z } from "zod";
import type { KvMutation, KvStore } from "../../runtime/env/env.ts";
import type { Fingerprint } from "../../protocols/contract.ts";
import { ChunkDigests, DIGEST_BYTES } from "./digests.ts";
import type { Lease } from "./record.ts";

/** Chunk digests per stored value: 32 KiB, under Deno KV's 64 KiB. */
const CHUNKS_PER_PAGE = 1_024;

/** What was kept of an earlier attempt. */
export interface Checkpoint {
  /** Under which it was saved; `null` in those of earlier versions. */
  readonly lease: Pick<Lease, "epoch" | "group" | "index"> | null;
  readonly temp: string;
  readonly fingerprint: Fingerprint;
  readonly chunkBytes: number;
  readonly digests: ChunkDigests;
  /** Bytes from the start that the service itself has copied: then there are no digests. */
  readonly copiedBytes?: number | undefined;
}

const header = z.object({
  version: z.literal(1),
  temp: z.string(),
  fingerprint: z.object({
    size: z.number().nullable(),
    mtimeMs: z.number().nullable(),
    etag: z.string().nullable(),
    version: z.string().nullable(),
  }),
  chunkBytes: z.number().int().positive(),
  chunks: z.number().int().nonnegative(),
  lease: z.object({
    epoch: z.number().int(),
    group: z.number().int(),
    index: z.number().int(),
  }).nullable().default(null),
  copiedBytes: z.number().int().positive().optional(),
});

/** The checkpoints of one agent, or of one embedded run. */
export interface CheckpointStore {
  load(jobId: string): Promise<Checkpoint | null>;
  /** Durable when it resolves; `firstChanged` is the lowest chunk that was set since the last save. */
  save(jobId: string, checkpoint: Checkpoint, firstChanged: number): Promise<void>;
  drop(jobId: string): Promise<void>;
  /** The last lease of each job under which something was kept. */
  leases(): Promise<{ readonly jobId: string; readonly lease: NonNullable<Checkpoint["lease"]> }[]>;
  /** What they are kept in: for who reaches it by messages. */
  keys(): Promise<KvStore>;
  close(): Promise<void>;
}

/** Checkpoints in a key-value store that is opened when the first one is needed. */
export function checkpointStore(open: () => Promise<KvStore>): CheckpointStore {
  let opening: Promise<KvStore> | null = null;
  const store = async (): Promise<KvStore> => {
    try {
      return await (opening ??= open());
    } catch (error) {
      // The next attempt tries again: a full disk may have room by then.
      opening = null;
      throw error;
    }
  };
  return {
    load: async (jobId) => await load(await store(), jobId),
    save: async (jobId, checkpoint, firstChanged) =>
      await save(await store(), jobId, checkpoint, firstChanged),
    drop: async (jobId) => await drop(await store(), jobId),
    leases: async () => await leases(await store()),
    keys: store,
    close: async () => {
      if (opening !== null) await (await opening).close();
    },
  };
}

async function load(kv: KvStore, jobId: string): Promise<Checkpoint | null> {
  const stored = await kv.get(["checkpoint", jobId]);
  if (stored === null) return null;
  const parsed = header.safeParse(stored.value);
  if (!parsed.success) return null;
  const { temp, fingerprint, chunkBytes, chunks, lease, copiedBytes } = parsed.data;
  const bytes = new Uint8Array(chunks * DIGEST_BYTES);
  let at = 0;
  for await (const page of kv.list({ prefix: ["checkpoint", jobId] })) {
    // A longer checkpoint may have left pages behind this one's end.
    if (at >= bytes.length) break;
    if (!(page.value instanceof Uint8Array)) return null;
    bytes.set(page.value.subarray(0, bytes.length - at), at);
    at += page.value.length;
  }
  const digests = new ChunkDigests(bytes.subarray(0, at));
  return { lease, temp, fingerprint, chunkBytes, digests, copiedBytes };
}

async function save(
  kv: KvStore,
  jobId: string,
  checkpoint: Checkpoint,
  firstChanged: number,
): Promise<void> {
  const { lease, temp, fingerprint, chunkBytes, digests, copiedBytes } = checkpoint;
  const mutations: KvMutation[] = [{
    type: "set",
    key: ["checkpoint", jobId],
    value: {
      version: 1,
      lease: lease === null ? null : { epoch: lease.epoch, group: lease.group, index: lease.index },
      temp,
      fingerprint: { ...fingerprint },
      chunkBytes,
      chunks: digests.count,
      ...(copiedBytes === undefined ? {} : { copiedBytes }),
    },
  }];
  for (let page = Math.floor(firstChanged / CHUNKS_PER_PAGE);; page++) {
    const from = page * CHUNKS_PER_PAGE;
    if (from >= digests.count) break;
    const value = digests.bytes(from, from + CHUNKS_PER_PAGE);
    mutations.push({ type: "set", key: ["checkpoint", jobId, page], value });
  }
  await kv.commit(mutations);
}

async function leases(kv: KvStore): ReturnType<CheckpointStore["leases"]> {
  const found: Awaited<ReturnType<CheckpointStore["leases"]>> = [];
  for await (const { key, value } of kv.list({ prefix: ["checkpoint"] })) {
    const [, jobId, page] = key;
    const parsed = page === undefined ? header.safeParse(value) : null;
    if (parsed?.success !== true || typeof jobId !== "string") continue;
    const { lease } = parsed.data;
    if (lease !== null) found.push({ jobId, lease });
  }
  return found;
}

async function drop(kv: KvStore, jobId: string): Promise<void> {
  const mutations: KvMutation[] = [{ type: "delete", key: ["checkpoint", jobId] }];
  for await (const page of kv.list({ prefix: ["checkpoint", jobId] })) {
    mutations.push({ type: "delete", key: page.key });
  }
  await kv.commit(mutations);
}
