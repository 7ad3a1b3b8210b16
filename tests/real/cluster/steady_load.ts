/** Clients that submit and read without a pause, and count what became of every request and every try. */

import { ClientError, type QuorusClient, quorusClient } from "../../../client.ts";

/** What a load has seen. */
export interface LoadCounts {
  /** Calls of the client, and their HTTP requests: more than one where a try was repeated. */
  readonly calls: number;
  readonly tries: number;
  /** Calls that came to an error. */
  readonly failures: readonly string[];
  /** The longest call, in ms. */
  readonly longestMs: number;
  /** Ids of the runs that were accepted. */
  readonly runs: readonly string[];
}

const CLIENTS = 4;
const PAUSE_MS = 40;

/** A workflow of one small transfer below `folder`. */
function workflow(folder: string, name: string): string {
  return `apiVersion: quorus.dev/v1
kind: Transfer
metadata: { name: ${name} }
spec:
  source: { path: "${folder}/source.txt" }
  destination: { path: "${folder}/out/${name}.txt" }
`;
}

/** See the head of this file. */
export class SteadyLoad {
  readonly client: QuorusClient;
  readonly #folder: string;
  readonly #ended = new AbortController();
  readonly #failures: string[] = [];
  readonly #runs: string[] = [];
  readonly #workers: Promise<void>[];
  #calls = 0;
  #tries = 0;
  #longestMs = 0;

  constructor(urls: readonly string[], key: string, folder: string) {
    this.#folder = folder;
    Deno.mkdirSync(`${folder}/out`, { recursive: true });
    Deno.writeTextFileSync(`${folder}/source.txt`, "a small file\n");
    this.client = quorusClient({
      url: urls,
      key,
      limits: { tryMs: 3_000, callMs: 60_000 },
      fetch: (url, init) => {
        this.#tries += 1;
        return fetch(url, init);
      },
    });
    this.#workers = Array.from({ length: CLIENTS }, (_, index) => this.#work(index));
  }

  counts(): LoadCounts {
    return {
      calls: this.#calls,
      tries: this.#tries,
      failures: this.#failures,
      longestMs: Math.round(this.#longestMs),
      runs: this.#runs,
    };
  }

  /** Lets the calls that are under way end. */
  async stop(): Promise<LoadCounts> {
    this.#ended.abort();
    await Promise.all(this.#workers);
    return this.counts();
  }

  async #work(index: number): Promise<void> {
    for (let turn = 0; !this.#ended.signal.aborted; turn += 1) {
      const name = `t${index}-${turn}`;
      await this.#call("submit", async () => {
        const [run] = await this.client.runs.submit({ workflow: workflow(this.#folder, name) });
        this.#runs.push(run!.id);
      });
      await this.#call("read a run", () => this.client.runs.get(this.#runs.at(-1)!));
      await this.#call("list runs", () => this.client.runs.page({ limit: 5 }));
      await this.#call("read the cluster", () => this.client.cluster.get());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  async #call(what: string, work: () => Promise<unknown>): Promise<void> {
    const startMs = performance.now();
    this.#calls += 1;
    try {
      await work();
    } catch (error) {
      const code = error instanceof ClientError ? error.code : "defect";
      this.#failures.push(`${what}: ${code}: ${error instanceof Error ? error.message : error}`);
    }
    this.#longestMs = Math.max(this.#longestMs, performance.now() - startMs);
  }
}
