/** Programs that take part, and the CPU time of processes. */

/** What programs see of the environment: no proxies, keys or authorities of whoever measures. */
const SEEN = ["PATH", "HOME", "USER", "TMPDIR", "DENO_DIR"];
const TICK_MS = 10;
const COMPLAINT_CHARACTERS = 2_000;

/** Runs a program to its end; what it printed, or an error with what it said. */
export async function command(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
  input = "",
): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    clearEnv: true,
    env: { ...seen(), ...env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  // Read meanwhile: who says a line of each order would wait for ever with a full pipe.
  const said = Promise.all([child.stdout, child.stderr].map((from) => new Response(from).text()));
  const writer = child.stdin.getWriter();
  // Who does not read it has ended, and says why.
  await writer.write(new TextEncoder().encode(input)).catch(() => {});
  await writer.close().catch(() => {});
  const [stdout = "", stderr = ""] = await said;
  const { success } = await child.status;
  if (success) return stdout;
  const complaint = (stderr + stdout).slice(-COMPLAINT_CHARACTERS);
  throw new Error(`${program} ${args[0] ?? ""} failed: ${complaint}`);
}

function seen(): Record<string, string> {
  return Object.fromEntries(SEEN.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  }));
}

/** CPU time of the children of this process that have ended, in ms. */
export function endedChildrenMs(): number {
  const [, ended] = timesOf(Deno.pid);
  return ended;
}

/** CPU time of a process, of those that it started, and of those, in ms. */
export function familyMs(pid: number): number {
  const [own, ended] = timesOf(pid);
  return childrenOf(pid).reduce((sum, child) => sum + familyMs(child), own + ended);
}

/** Memory of a process and of all that it started, in bytes. */
export function familyBytes(pid: number): number {
  const text = readOr(`/proc/${pid}/status`);
  const own = Number(/VmRSS:\s+(\d+) kB/.exec(text)?.[1] ?? 0) * 1_024;
  return childrenOf(pid).reduce((sum, child) => sum + familyBytes(child), own);
}

/** Its own time, and that of its children that have ended. */
function timesOf(pid: number): [number, number] {
  const text = readOr(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ").map(Number);
  const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15);
  return [(user + system) * TICK_MS, (childUser + childSystem) * TICK_MS];
}

/** By each of its threads. */
function childrenOf(pid: number): number[] {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].flatMap(({ name }) =>
      readOr(`/proc/${pid}/task/${name}/children`).split(" ").filter((one) => one !== "")
        .map(Number)
    );
  } catch {
    return []; // it has ended
  }
}

function readOr(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // it has ended
  }
}
