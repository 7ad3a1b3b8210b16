/** The clients and their judges, tried on stores of which it is known whether they lie. */

import assert from "node:assert/strict";
import { Clients } from "./clients.ts";
import { pause } from "./cluster.ts";
import type { Reply, StoreClient, Wish } from "./store_client.ts";
import { judge, type Verdict } from "./verdict.ts";

/** How a store misbehaves, as often as once in `everyWrites`. */
type Lie = "none" | "forgets writes" | "reads old values" | "does twice what is asked twice";

interface Cell {
  readonly value: string | null;
  readonly version: number;
}

const ABSENT: Cell = { value: null, version: 0 };
const LIE_EVERY = 20;
const LOST_ANSWER_EVERY = 10;

/** One store in memory; some answers are lost, whether it lies or not. */
class Shop {
  readonly #lie: Lie;
  readonly #cells = new Map<string, Cell>();
  readonly #before = new Map<string, Cell>();
  readonly #replies = new Map<string, Reply>();
  #index = 0;
  #asked = 0;

  constructor(lie: Lie) {
    this.#lie = lie;
  }

  async ask(wish: Wish): Promise<Reply> {
    this.#asked += 1;
    const asked = this.#asked;
    const reply = this.#once(wish, asked);
    await pause(asked % 3);
    if (wish.op !== "get" && asked % LOST_ANSWER_EVERY === 0) {
      return { outcome: "unknown", why: "the answer is lost" };
    }
    return reply;
  }

  #once(wish: Wish, asked: number): Reply {
    const { idempotencyKey } = wish;
    const known = idempotencyKey === undefined ? undefined : this.#replies.get(idempotencyKey);
    if (known !== undefined && this.#lie !== "does twice what is asked twice") return known;
    const reply = this.#do(wish, asked % LIE_EVERY === 1);
    if (idempotencyKey !== undefined) this.#replies.set(idempotencyKey, reply);
    return reply;
  }

  #do({ op, key, value = null, expectVersion }: Wish, isTempted: boolean): Reply {
    const cell = this.#cells.get(key) ?? ABSENT;
    if (op === "get") {
      const isOld = isTempted && this.#lie === "reads old values";
      return { outcome: "ok", result: { ...isOld ? this.#before.get(key) ?? ABSENT : cell } };
    }
    if (op === "cas" && expectVersion !== cell.version) {
      return { outcome: "ok", result: { applied: false, version: cell.version } };
    }
    this.#index += 1;
    const version = this.#index;
    if (!isTempted || this.#lie !== "forgets writes") {
      this.#before.set(key, cell);
      this.#cells.set(key, value === null ? ABSENT : { value, version });
    }
    const seen = value === null ? {} : { version };
    return { outcome: "ok", result: op === "cas" ? { applied: true, ...seen } : seen };
  }
}

async function verdictOn(lie: Lie): Promise<Verdict> {
  const shop = new Shop(lie);
  const connect = (): StoreClient => ({ ask: (wish) => shop.ask(wish), close: () => {} });
  const clients = new Clients({ count: 8, members: 3, prefix: "t-", connect, pauseMs: 3 });
  while (clients.history.length < 1_000) await pause(5);
  await clients.stop();
  return judge(clients.history);
}

Deno.test("clients of an honest store that loses answers are judged ok", async () => {
  const { linearizable, exactlyOnce, unknown, text } = await verdictOn("none");
  assert.deepEqual({ linearizable, exactlyOnce }, { linearizable: "ok", exactlyOnce: "ok" }, text);
  assert.ok(unknown > 0);
});

for (const lie of ["forgets writes", "reads old values"] as const) {
  Deno.test(`a store that ${lie} is refused`, async () => {
    assert.equal((await verdictOn(lie)).linearizable, "illegal");
  });
}

Deno.test("a store that does twice what is asked twice is refused", async () => {
  const { linearizable, exactlyOnce } = await verdictOn("does twice what is asked twice");
  assert.deepEqual({ linearizable, exactlyOnce }, {
    linearizable: "illegal",
    exactlyOnce: "illegal",
  });
});
