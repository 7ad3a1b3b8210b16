/** What `deno task bench raft` takes: `--parts=throughput,failover --rounds=5 --seconds=5 ...`. */

/** The parts of the benchmark; `bounded` only where `--minutes` says for how long, or it is named. */
const PARTS = ["throughput", "in-process", "failover", "catch-up", "bounded"] as const;
type Part = typeof PARTS[number];

/** See the head of this file. */
export interface RaftBenchOptions {
  readonly parts: readonly Part[];
  /** Alternating rounds of each cell of the table. */
  readonly rounds: number;
  /** Of one round of one cell. */
  readonly seconds: number;
  /** How often the leader is killed. */
  readonly kills: number;
  /** How long memory and disk are watched. */
  readonly minutes: number;
  /** How large the heap of a member may be meanwhile. */
  readonly heapMb: number;
  /** State that a new member has to catch up with. */
  readonly stateMb: number;
}

/** Reads the options; an Error names what is none. */
export function raftBenchOptions(args: readonly string[]): RaftBenchOptions {
  const given = new Map(
    args.filter((arg) => arg.includes("=")).map((arg) => {
      const [name = "", value = ""] = arg.replace(/^--/, "").split("=");
      return [name, value];
    }),
  );
  const number = (name: string, usual: number): number => {
    const value = Number(given.get(name) ?? usual);
    if (!(value > 0)) throw new Error(`--${name}=${given.get(name)} is no number above 0`);
    return value;
  };
  const usual = PARTS.filter((part) => part !== "bounded" || given.has("minutes"));
  const parts = given.get("parts")?.split(",") ?? usual;
  const wrong = parts.find((part) => !PARTS.some((each) => each === part));
  if (wrong !== undefined) throw new Error(`--parts: ${wrong} is none of ${PARTS.join(", ")}`);
  return {
    parts: parts as Part[],
    rounds: number("rounds", 5),
    seconds: number("seconds", 5),
    kills: number("kills", 10),
    minutes: number("minutes", 30),
    heapMb: number("heap-mb", 128),
    stateMb: number("state-mb", 100),
  };
}
