/**
 * A service over two nodes: a shop that must not lose an order, a warehouse that must pack each once.
 *
 * Nothing in here knows whether it runs on machines or in a test: clocks and timers are the context's.
 */

import { z } from "zod";
import { actor, ask, protocol, tell } from "@quorus/quorus";

const RETRY_MS = 1_000;

export const Warehouse = protocol("example.warehouse", {
  version: 1,
  messages: {
    pack: ask(z.object({ order: z.number() }), z.object({ packed: z.number() })),
  },
});

export const Shop = protocol("example.shop", {
  version: 1,
  messages: {
    buy: tell(z.object({ order: z.number() })),
    open: ask(z.object({}), z.array(z.number())),
    flush: tell(z.object({})),
  },
});

/** An ask that failed may have been handled: packing the same order again must change nothing. */
export const warehouse = actor(Warehouse, {
  state: (args: { pack: (order: number) => void }) => ({ ...args, packed: new Set<number>() }),
  on: {
    pack: ({ packed, pack }, { order }) => {
      if (!packed.has(order)) pack(order);
      packed.add(order);
      return { packed: packed.size };
    },
  },
});

/** Keeps an order until the warehouse has said that it is packed, and asks again until then. */
export const shop = actor(Shop, {
  state: (args: { warehouse: string }, ctx) => {
    ctx.every("retry", RETRY_MS, "flush", {});
    return { warehouse: ctx.ref(Warehouse, args.warehouse), open: new Set<number>(), busy: false };
  },
  on: {
    buy: ({ open }, { order }) => void open.add(order),
    open: ({ open }) => [...open],
    flush: (state, _body, ctx) => {
      const [order] = state.open;
      if (state.busy || order === undefined) return;
      state.busy = true;
      ctx.task("pack", async (signal) => {
        await state.warehouse.ask("pack", { order }, { withinMs: 2_000, signal });
        return order;
      });
    },
  },
  done: (state, task, ctx) => {
    state.busy = false;
    if (!task.ok) return; // the next tick asks again
    state.open.delete(task.value as number);
    ctx.self.tell("flush", {});
  },
});
