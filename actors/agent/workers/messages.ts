/** The message protocols between an agent and its Workers: threads of its process that carry attempts out. */

import { z } from "zod";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { LimitValues } from "../../../runtime/base/limits.ts";
import type { KvCheck, KvKey, KvMutation, KvValue } from "../../../runtime/env/env.ts";
import { jobEvent } from "../../controller/commands.ts";
import { progress } from "../../job/messages.ts";
import type { Job } from "../../job/record.ts";
import type { ACTOR_LIMITS } from "../../limits.ts";
import { bandwidth } from "../messages.ts";
import { volume } from "../registration.ts";

const isObject = (value: unknown) => typeof value === "object" && value !== null;
const job = z.custom<Job>(isObject);
const count = z.number().int().nonnegative();

/** How a Worker is to work: plain data, and no secret among it. */
const opening = z.object({
  /** Address of its keeper. */
  keeper: z.string(),
  /** A file that the Worker keeps locked for as long as it can do anything. */
  lock: z.string(),
  /** Those of the agent, but for its own share of them. */
  limits: z.custom<LimitValues<typeof ACTOR_LIMITS>>(isObject),
  volumes: z.array(volume),
  sync: z.boolean(),
  /** What the Worker's module makes its protocols and secrets from. */
  own: z.unknown(),
});
export type Opening = z.infer<typeof opening>;

/** Where the actor is, on every Worker. */
export const BENCH_PATH = "attempts";

/** What an agent says to one of its Workers. */
export const Bench = protocol("quorus.bench", {
  version: 1,
  messages: {
    /** The first message: from now on it takes attempts. */
    open: ask(opening, z.object({})),
    /** Begins the attempt of the job's lease: an actor of its name below this one. */
    begin: ask(z.object({ job }), z.object({})),
    /** What an attempt's actor is to be told. */
    letGo: tell(z.object({
      name: z.string(),
      how: z.enum(["release", "revoke"]),
      why: z.string(),
    })),
    /** What its attempts may use of the bandwidth. */
    rates: tell(bandwidth),
    /** Revokes an attempt, if there is one, and answers once it is over. */
    end: ask(z.object({ name: z.string(), why: z.string() }), z.object({})),
    /** What became of a report; `null`: the agent stops, and nobody knows. */
    answered: tell(z.object({ report: count, refused: z.array(z.string()).nullable() })),
  },
});

const key = z.custom<KvKey>(Array.isArray);
const entry = z.object({
  key,
  value: z.custom<KvValue>((value) => value !== undefined),
  version: z.string(),
});

/** What a Worker has done since it started, and holds now. */
const counts = z.object({
  completed: count,
  failed: count,
  bytesTransferred: z.number().nonnegative(),
  lastCompletionMs: z.number().nullable(),
  /** Of its pipeline buffers. */
  lentBytes: count,
  /** How long chunks took, in the buckets of the agent's own histogram. */
  chunks: z.object({ counts: z.array(count), sum: z.number() }),
  /** Files and ranges at a time now, and how often those numbers have changed. */
  atOnce: z.object({
    files: count,
    ranges: count,
    raised: count,
    lowered: count,
    refused: count,
  }),
});
export type WorkerCounts = z.infer<typeof counts>;

/** What a Worker says to the agent's actor that keeps it. */
export const Keeper = protocol("quorus.keeper", {
  version: 1,
  messages: {
    /** For the controllers; answered under its number. */
    report: tell(z.object({ report: count, jobId: z.string(), event: jobEvent })),
    /** How far its attempts are, at a bounded rate. */
    news: tell(z.object({
      jobs: z.array(z.object({ jobId: z.string(), progress })),
      counts,
    })),
    /** The checkpoints: one process has them open in one place. */
    get: ask(z.object({ key }), entry.nullable()),
    commit: ask(
      z.object({
        mutations: z.array(z.custom<KvMutation>(isObject)),
        checks: z.array(z.custom<KvCheck>(isObject)),
      }),
      z.string().nullable(),
    ),
    list: ask(
      z.object({ prefix: key, start: key.nullable(), limit: count, reverse: z.boolean() }),
      z.array(entry),
    ),
  },
});
