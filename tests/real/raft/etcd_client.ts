/** The wishes of clients as questions to etcd's JSON gateway; versions are its modification revisions. */

import type { HistoryResult } from "../../linearizability/history.ts";
import type { Place, Question } from "./connection.ts";
import { textOf } from "./connection.ts";
import { Connections, type Reply, type StoreClient, type Wish } from "./store_client.ts";

interface Found {
  readonly kvs?: readonly { readonly value?: string; readonly mod_revision: string }[];
}

interface Said extends Found {
  readonly header: { readonly revision: string };
  readonly succeeded?: boolean;
  readonly responses?: readonly { readonly response_range?: Found }[];
}

/** See the head of this file. */
export class EtcdClient implements StoreClient {
  readonly #connections: Connections;

  constructor(places: readonly Place[]) {
    this.#connections = new Connections(places);
  }

  async ask(wish: Wish, member: number, withinMs: number): Promise<Reply> {
    const answer = await this.#connections.ask(member, questionOf(wish), withinMs);
    if ("outcome" in answer) return answer;
    if (answer.status !== 200) {
      return { outcome: "unknown", why: `${answer.status} ${textOf(answer)}` };
    }
    return { outcome: "ok", result: resultOf(wish, JSON.parse(textOf(answer))) };
  }

  close(): void {
    this.#connections.close();
  }
}

/** A linearizable read of one key. */
export function rangeQuestion(key: string): Question {
  return post("range", { key: btoa(key) });
}

/** A write of one key. */
export function putQuestion(key: string, value: string): Question {
  return post("put", { key: btoa(key), value: btoa(value) });
}

function post(path: string, body: unknown): Question {
  return { method: "POST", path: `/v3/kv/${path}`, body: JSON.stringify(body) };
}

function questionOf({ op, key, value = null, expectVersion }: Wish): Question {
  if (op === "get") return rangeQuestion(key);
  if (op === "put") return putQuestion(key, value!);
  if (op === "delete") return post("deleterange", { key: btoa(key) });
  const revision = String(expectVersion);
  return post("txn", {
    compare: [{ result: "EQUAL", target: "MOD", key: btoa(key), mod_revision: revision }],
    success: [{ request_put: { key: btoa(key), value: btoa(value!) } }],
    failure: [{ request_range: { key: btoa(key) } }],
  });
}

function resultOf({ op }: Wish, said: Said): HistoryResult {
  if (op === "get") return seen(said);
  const version = Number(said.header.revision);
  if (op === "put") return { version };
  if (op === "delete") return {};
  if (said.succeeded === true) return { applied: true, version };
  return { applied: false, version: seen(said.responses?.[0]?.response_range ?? {}).version ?? 0 };
}

function seen({ kvs }: Found): HistoryResult & { readonly version: number } {
  const [found] = kvs ?? [];
  if (found === undefined) return { value: null, version: 0 };
  return { value: atob(found.value ?? ""), version: Number(found.mod_revision) };
}
