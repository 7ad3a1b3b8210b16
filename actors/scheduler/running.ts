/** The jobs under way, counted by what the policy asks of them: hosts, and agents of a run. */

import { type Job, LEASED_STATES } from "../job/record.ts";
import { hostsOf } from "./demand.ts";

interface Entry {
  readonly agent: string;
  readonly reader: string | null;
  readonly runId: string;
  readonly sourceHost: string | null;
  readonly destinationHost: string | null;
}

/** Kept in step with the state, job by job. */
export class Running {
  readonly source = new Map<string, number>();
  readonly destination = new Map<string, number>();
  readonly #runs = new Map<string, Map<string, number>>();
  readonly #entries = new Map<string, Entry>();

  /** The agents that a job was counted for: who works on it, and who reads for that one. */
  agentsOf(jobId: string): readonly string[] {
    const known = this.#entries.get(jobId);
    if (known === undefined) return [];
    return known.reader === null ? [known.agent] : [known.agent, known.reader];
  }

  /** The jobs that are counted. */
  jobIds(): Iterable<string> {
    return this.#entries.keys();
  }

  /** Jobs of a run that an agent works on. */
  readonly runLeases = (runId: string, agent: string): number =>
    this.#runs.get(runId)?.get(agent) ?? 0;

  /** Counts a job as it is now; told late or twice, it is counted once. */
  note(jobId: string, job: Job | undefined): void {
    const isHeld = job !== undefined && LEASED_STATES.has(job.state) && job.lease !== null;
    const known = this.#entries.get(jobId);
    const reader = job?.lease?.reader ?? null;
    const isSame = known?.agent === job?.lease?.agent && known?.reader === reader;
    if (known !== undefined && isHeld && isSame) return;
    if (known !== undefined) {
      this.#entries.delete(jobId);
      this.#count(known, -1);
    }
    if (!isHeld || job.lease === null) return;
    const entry = { agent: job.lease.agent, reader, runId: job.runId, ...hostsOf(job.spec) };
    this.#entries.set(jobId, entry);
    this.#count(entry, 1);
  }

  #count({ agent, runId, sourceHost, destinationHost }: Entry, by: 1 | -1): void {
    if (sourceHost !== null) add(this.source, sourceHost, by);
    if (destinationHost !== null) add(this.destination, destinationHost, by);
    let agents = this.#runs.get(runId);
    if (agents === undefined) this.#runs.set(runId, agents = new Map());
    add(agents, agent, by);
    if (agents.size === 0) this.#runs.delete(runId);
  }
}

function add(counts: Map<string, number>, key: string, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
