/** The demo's cluster: real processes, started and ended by the command line as its users do. */

const CLI = new URL("../../cli.ts", import.meta.url).pathname;
/** What `deno task cluster` grants. */
const GRANTED =
  "--no-prompt --ignore-env --allow-read --allow-write --allow-net=127.0.0.1 --allow-run";

interface NodeRow {
  readonly node: string;
  readonly role: string;
  readonly pid: number;
  readonly place: string | null;
}

/** A cluster that runs. */
export class DemoCluster {
  readonly #folder: string;
  readonly #nodes: readonly NodeRow[];
  /** Of the API. */
  readonly url: string;
  readonly key: string;

  private constructor(folder: string, nodes: readonly NodeRow[], key: string) {
    this.#folder = folder;
    this.#nodes = nodes;
    this.url = `http://${nodes.find(({ role }) => role === "gateway")?.place}`;
    this.key = key;
  }

  /** Starts 3 controllers, 3 agents and a gateway; transfers may read and write in `files`. */
  static async up(folder: string, files: string): Promise<DemoCluster> {
    const verb = ["cluster", "up", "--dir", folder, "--files", files];
    console.log(`$ deno task ${verb.join(" ")}`);
    const { nodes, adminKeyFile } = JSON.parse(await quorus([...verb, "-o", "json"]));
    const key = (await Deno.readTextFile(adminKeyFile)).trim();
    return new DemoCluster(folder, nodes, key);
  }

  /** kill -9: the process gets no chance to say anything. */
  kill(id: string): void {
    Deno.kill(this.#nodes.find(({ node }) => node === id)!.pid, "SIGKILL");
  }
}

/** Ends the cluster in a folder, if there is one, with its logs kept or not. */
export async function endCluster(folder: string, logs: "kept" | "removed"): Promise<void> {
  if (!await Deno.stat(`${folder}/cluster.json`).then(() => true, () => false)) return;
  const verb = ["cluster", "down", "--dir", folder];
  await quorus(logs === "removed" ? [...verb, "--remove"] : verb);
}

async function quorus(verb: readonly string[]): Promise<string> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", ...GRANTED.split(" "), CLI, ...verb],
    stdin: "null",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`quorus ${verb.join(" ")} has failed`);
  return new TextDecoder().decode(stdout);
}
