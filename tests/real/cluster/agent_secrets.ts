/** A directory of secrets that agents read, by their settings. */

import assert from "node:assert/strict";
import type { ClusterUnderTest } from "./cluster_processes.ts";

/** Writes the directory and starts the agents again, which then know it; resolves to its path. */
export async function giveSecrets(
  { cwd, cluster }: ClusterUnderTest,
  agents: readonly string[],
  secrets: Readonly<Record<string, string>>,
): Promise<string> {
  const folder = `${cwd}/secrets`;
  await Deno.mkdir(folder);
  for (const [name, value] of Object.entries(secrets)) {
    await Deno.writeTextFile(`${folder}/${name}`, value);
  }
  for (const agent of agents) {
    const settings = `${cwd}/.quorus/cluster/${agent}/agent.yaml`;
    await Deno.writeTextFile(settings, `secrets: ${folder}\n`, { append: true });
    const { code, err } = await cluster("restart", agent);
    assert.equal(code, 0, err);
  }
  return folder;
}
