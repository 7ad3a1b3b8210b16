/** Agents for jobs that need not wait, where anybody may take any job: in an embedded run. */

/** The agents of the first jobs, by job: as many as there are free slots; the emptiest goes first. */
export function atOnce(
  jobIds: readonly string[],
  slots: ReadonlyMap<string, number>,
  leases: { get(agent: string): number | undefined },
): ReadonlyMap<string, string> {
  const free = [...slots].map(([agent, most]) => ({
    agent,
    room: most - (leases.get(agent) ?? 0),
  }));
  const agents = new Map<string, string>();
  for (const jobId of jobIds) {
    let best: { agent: string; room: number } | null = null;
    for (const one of free) if (one.room > (best?.room ?? 0)) best = one;
    if (best === null) break;
    best.room -= 1;
    agents.set(jobId, best.agent);
  }
  return agents;
}
