/** A source that this agent reads for another one: ranges of it go to that one's actor as it gives credit. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { BodyOf } from "../../runtime/actor/protocol.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Clock } from "../../runtime/env/env.ts";
import type { Source, SourceReader } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { AgentError } from "../agent/errors.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { Credit } from "./credit.ts";
import { failureOf } from "./failures.ts";
import { Reading, Receiving } from "./messages.ts";

/** What a reading is started with. */
export interface ReadingArgs {
  readonly source: Source;
  /** Who has the lease: nobody else is answered. */
  readonly writer: string;
  /** Address of the actor that takes the bytes. */
  readonly to: string;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
  /** Told how many bytes have left. */
  readonly sent: (bytes: number) => void;
}

interface OpenRange {
  readonly reader: SourceReader;
  readonly credit: Credit;
  at: number;
}

interface State extends ReadingArgs {
  readonly receiving: Ref<typeof Receiving>;
  readonly open: Map<number, OpenRange>;
}

/** Spawn it `temporary`: who writes begins anew. It ends with the actor that takes the bytes. */
export const reading = actor(Reading, {
  mailbox: { capacity: 1_024, full: "reject" },
  state: (args: ReadingArgs, ctx: Context<typeof Reading>): State => {
    const receiving = ctx.ref(Receiving, args.to);
    ctx.watch(receiving);
    return { ...args, receiving, open: new Map() };
  },
  on: {
    stat: (state, _, ctx) => answered(state, ctx, (signal) => state.source.stat(signal)),
    open: (state, body, ctx) => answered(state, ctx, (signal) => open(state, body, ctx, signal)),
    credit: ({ open, writer }, { reader, bytes }, { senderNode }) => {
      if (senderNode === writer) open.get(reader)?.credit.give(bytes);
    },
    confirm: (state, { reader }, ctx) =>
      answered(state, ctx, async () => {
        const range = state.open.get(reader);
        if (range === undefined) throw new ProtocolError("io", "confirm: that range is not open");
        return await range.reader.confirm();
      }),
    shut: async (state, { reader }, ctx) => {
      if (ctx.senderNode === state.writer) await shut(state, reader, ctx);
    },
  },
  done: (state, task, ctx) => {
    if (task.ok) return;
    const reader = Number(task.name.slice(RANGE.length));
    const range = state.open.get(reader);
    if (range === undefined) return;
    const failure = failureOf(task.error);
    ctx.task(`tell ${task.name}`, () => {
      return state.receiving.send("ended", { reader, at: range.at, failure });
    });
  },
  ended: (_, __, ctx) => ctx.stop(),
  stopping: async ({ open, source }) => {
    for (const { reader } of open.values()) await reader.close();
    await source.close();
  },
});

const RANGE = "range ";

/** An answer later, and only to who has the lease; what fails is an answer, too. */
function answered<T>(
  { writer }: State,
  { senderNode }: Context<typeof Reading>,
  work: (signal: AbortSignal) => Promise<T>,
) {
  return later(async (signal) => {
    if (senderNode !== writer) {
      throw new AgentError("refused", `read for ${senderNode}: the lease is that of ${writer}`);
    }
    try {
      return { value: await work(signal) };
    } catch (thrown) {
      return failureOf(thrown);
    }
  });
}

async function open(
  state: State,
  { reader, start, end, expected, creditBytes }: BodyOf<typeof Reading, "open">,
  ctx: Context<typeof Reading>,
  signal: AbortSignal,
) {
  const { source, limits } = state;
  if (state.open.has(reader)) throw new ProtocolError("io", "open: that range is open already");
  if (state.open.size >= limits.relayRanges) {
    throw new ProtocolError("io", `open: ${limits.relayRanges} ranges are open (relayRanges)`);
  }
  const life = new AbortController();
  const giveUp = () => life.abort(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    const opened = await source.open({ start, end }, expected, life.signal);
    const range = { reader: opened, credit: new Credit(creditBytes), at: start };
    state.open.set(reader, range);
    ctx.task(`${RANGE}${reader}`, async (own) => {
      own.addEventListener("abort", () => life.abort(own.reason), { once: true });
      await pour(state, reader, range, ctx.env.clock, own);
    });
    return opened.facts;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** Reads as long as there is credit, and sends what was read. */
async function pour(
  { receiving, limits, sent }: State,
  reader: number,
  range: OpenRange,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const most = await range.credit.take(limits.relayPieceBytes, signal);
    const piece = new Uint8Array(most);
    const bytes = await filled(range.reader, piece, clock, limits.relayPieceMs);
    range.credit.give(most - bytes);
    if (bytes === 0) {
      await receiving.send("ended", { reader, at: range.at, failure: null }, { signal });
      return;
    }
    // Given away with the message: nobody here may look at it afterwards.
    await receiving.send("bytes", { reader, at: range.at, bytes: piece.subarray(0, bytes) }, {
      signal,
    });
    range.at += bytes;
    sent(bytes);
  }
}

/** Fills the piece; a slow source's bytes do not wait for those after them. */
async function filled(
  reader: SourceReader,
  piece: Uint8Array,
  clock: Clock,
  mostMs: number,
): Promise<number> {
  const endMs = clock.monotonic() + mostMs;
  let bytes = 0;
  while (bytes < piece.length && (bytes === 0 || clock.monotonic() < endMs)) {
    const read = await reader.read(piece.subarray(bytes));
    if (read === 0) break;
    bytes += read;
  }
  return bytes;
}

async function shut(state: State, reader: number, ctx: Context<typeof Reading>): Promise<void> {
  const range = state.open.get(reader);
  if (range === undefined) return;
  state.open.delete(reader);
  ctx.abort(`${RANGE}${reader}`);
  await range.reader.close();
}
