/** The reports of a Worker's attempts on their way to the agent, each until it is answered. */

import type { Ref } from "../../../runtime/actor/ref.ts";
import { AgentError } from "../errors.ts";
import type { Reported } from "../outbox.ts";
import type { Keeper } from "./messages.ts";

/** See the head of this file. No ask: an answer may take as long as there is no controller. */
export class Reports {
  readonly #keeper: Ref<typeof Keeper>;
  readonly #open = new Map<number, PromiseWithResolvers<readonly string[]>>();
  #last = 0;

  constructor(keeper: Ref<typeof Keeper>) {
    this.#keeper = keeper;
  }

  /** Resolves to why it did not hold, empty if it did; AgentError `stopped` when the agent stops. */
  async report({ jobId, event }: Reported): Promise<readonly string[]> {
    const report = this.#last += 1;
    const answered = Promise.withResolvers<readonly string[]>();
    this.#open.set(report, answered);
    try {
      await this.#keeper.send("report", { report, jobId, event });
      return await answered.promise;
    } finally {
      this.#open.delete(report);
    }
  }

  /** The answer has come. */
  answered(report: number, refused: readonly string[] | null): void {
    const open = this.#open.get(report);
    if (refused !== null) return open?.resolve(refused);
    const why = "the agent stops, and what was reported may be committed";
    open?.reject(new AgentError("stopped", why, { retryable: true, definite: false }));
  }
}
