/** What clients ask of a store, and how the door of `examples/13_kv` is asked. */

import type { HistoryResult } from "../../linearizability/history.ts";
import {
  type Answer,
  Connection,
  headerOf,
  type Place,
  type Question,
  questionBytes,
  textOf,
} from "./connection.ts";

/** One wish. */
export interface Wish {
  readonly op: "get" | "put" | "delete" | "cas";
  readonly key: string;
  readonly value?: string | null;
  /** cas: 0 means that nothing may be there; a cas to `null` deletes. */
  readonly expectVersion?: number;
  /** The same wish under the same key is done once. */
  readonly idempotencyKey?: string;
}

/** What became of it. `failed`: certainly not done by this question. */
export type Reply =
  | { readonly outcome: "ok"; readonly result: HistoryResult }
  | { readonly outcome: "failed" | "unknown"; readonly why: string };

/** A client of a store with several members. */
export interface StoreClient {
  ask(wish: Wish, member: number, withinMs: number): Promise<Reply>;
  close(): void;
}

/** Connections to the members of a store, one request at a time each. */
export class Connections {
  readonly #places: readonly Place[];
  readonly #open = new Map<number, Connection>();

  constructor(places: readonly Place[]) {
    this.#places = places;
  }

  /** The answer, or what is known without one. */
  async ask(member: number, question: Question, withinMs: number): Promise<Answer | Reply> {
    const late = new AbortController();
    const timer = setTimeout(() => {
      late.abort();
      this.#drop(member);
    }, withinMs);
    let isSent = false;
    try {
      const known = this.#open.get(member);
      const connection = known ?? await Connection.open(this.#places[member]!, late.signal);
      if (late.signal.aborted) connection.close();
      this.#open.set(member, connection);
      isSent = true;
      return await connection.ask(questionBytes(question));
    } catch (error) {
      this.#drop(member);
      const why = late.signal.aborted ? `no answer within ${withinMs} ms` : String(error);
      return { outcome: isSent ? "unknown" : "failed", why };
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    for (const member of [...this.#open.keys()]) this.#drop(member);
  }

  #drop(member: number): void {
    this.#open.get(member)?.close();
    this.#open.delete(member);
  }
}

/** See the head of `examples/13_kv/door.ts`. */
export class KvClient implements StoreClient {
  readonly #connections: Connections;

  constructor(places: readonly Place[]) {
    this.#connections = new Connections(places);
  }

  async ask(wish: Wish, member: number, withinMs: number): Promise<Reply> {
    const answer = await this.#connections.ask(member, questionOf(wish), withinMs);
    return "outcome" in answer ? answer : replyOf(wish, answer);
  }

  close(): void {
    this.#connections.close();
  }
}

function questionOf({ op, key, value = null, expectVersion, idempotencyKey }: Wish): Question {
  const path = `/kv/${encodeURIComponent(key)}`;
  if (op === "get") return { method: "GET", path: `${path}?consistency=linearizable` };
  const headers: Record<string, string> = {};
  if (expectVersion === 0) headers["if-none-match"] = "*";
  else if (expectVersion !== undefined) headers["if-match"] = `"${expectVersion}"`;
  if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
  if (value === null) return { method: "DELETE", path, headers };
  return { method: "PUT", path, headers, body: value };
}

function replyOf({ op, value = null }: Wish, answer: Answer): Reply {
  const { status } = answer;
  const version = Number((headerOf(answer, "etag") ?? "0").replaceAll('"', ""));
  if (op === "get") {
    if (status === 200) return ok({ value: textOf(answer), version });
    if (status === 404) return ok({ value: null, version: 0 });
    return { outcome: "failed", why: `${status} ${textOf(answer)}` };
  }
  const seen = value === null || version === 0 ? {} : { version };
  if (status === 200 || status === 204) return ok(op === "cas" ? { applied: true, ...seen } : seen);
  if (status === 412) return ok({ applied: false, version });
  return { outcome: status === 409 ? "failed" : "unknown", why: `${status} ${textOf(answer)}` };
}

function ok(result: HistoryResult): Reply {
  return { outcome: "ok", result };
}
