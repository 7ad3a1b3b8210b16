/** Load by `wrk` (Debian: `wrk`), a client in C: on a small machine one in JavaScript takes half of it. */

/** What was measured; latencies in ms, CPU time of the client in us a request. */
export interface ClosedLoad {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly requests: number;
  readonly clientCpuUs: number;
}

/** How a server is asked: each connection asks again as soon as it has its answer. */
export interface ClosedLoadOptions {
  readonly url: string;
  readonly paths: readonly string[];
  readonly key: string;
  readonly connections: number;
  readonly seconds: number;
}

/** Of `/proc`: a tick of Linux is 10 ms. */
const TICK_US = 10_000;
const MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 };

/** Whether it is installed. */
export function hasWrk(): boolean {
  try {
    new Deno.Command("wrk", { args: ["-v"], stdout: "null", stderr: "null" }).outputSync();
    return true;
  } catch {
    return false;
  }
}

/** Runs it; an Error where an answer is no 200, or never comes. */
export async function closedLoad(options: ClosedLoadOptions): Promise<ClosedLoad> {
  const { url, paths, key, connections, seconds } = options;
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  await Deno.writeTextFile(script, scriptOf(paths, key));
  const args = ["-t1", `-c${connections}`, `-d${seconds}s`, "--timeout=20s", "--latency"];
  const before = childrenCpuUs();
  const { stdout } = await new Deno.Command("wrk", { args: [...args, "-s", script, url] }).output();
  await Deno.remove(script);
  const text = new TextDecoder().decode(stdout);
  const odd = /^ *(Non-2xx|Socket errors).*$/m.exec(text)?.[0];
  if (odd !== undefined) throw new Error(`ask ${url}: ${odd.trim()}`);
  const requests = numberIn(text, /(\d+) requests in/);
  return {
    perSecond: numberIn(text, /Requests\/sec: +([\d.]+)/),
    p50Ms: timeIn(text, /50% +([\d.]+)(\w+)/),
    p99Ms: timeIn(text, /99% +([\d.]+)(\w+)/),
    requests,
    clientCpuUs: (childrenCpuUs() - before) / Math.max(1, requests),
  };
}

/** Asks for one path after the other. */
function scriptOf(paths: readonly string[], key: string): string {
  return `local paths = { ${paths.map((path) => JSON.stringify(path)).join(", ")} }
local headers = { ["authorization"] = "Bearer ${key}" }
local requests = {}
local at = 0
init = function()
  for i, path in ipairs(paths) do requests[i] = wrk.format("GET", path, headers) end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
`;
}

function numberIn(text: string, pattern: RegExp): number {
  const match = pattern.exec(text);
  if (match === null) throw new Error(`read what wrk says: there is no ${pattern} in ${text}`);
  return Number(match[1]);
}

function timeIn(text: string, pattern: RegExp): number {
  return numberIn(text, pattern) * (MS[pattern.exec(text)![2]!] ?? NaN);
}

/** Of the children of this process that have ended. */
function childrenCpuUs(): number {
  const text = Deno.readTextFileSync("/proc/self/stat");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_US;
}
