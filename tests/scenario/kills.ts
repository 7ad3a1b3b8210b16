/**
 * `kill -9` at random moments of one HTTP transfer, each followed by a new run: what was on the
 * disk, what the server had to send again, and what could be seen under the final name meanwhile.
 */

import { type FileServer, startFileServer } from "../servers/file_server.ts";
import { generatedFile, sha256Of } from "../servers/pattern.ts";
import { type FinalName, watchFinalName } from "./final_name.ts";
import { eventsOf, startQuorus } from "./quorus.ts";
import { type WatchedFile, watchedFile } from "./watched_file.ts";

/** Fetched again at most after one kill: window + checkpoint interval + socket buffers. */
export const SENT_AGAIN_MAX_BYTES = (16 + 64 + 8) * 2 ** 20;

/** What is done. */
export interface KillScenario {
  readonly bytes: number;
  readonly kills: number;
  readonly seed: number;
  readonly throttleBytesPerSecond: number;
}

/** When a process is killed. */
export type Moment =
  /** So long after it was started: before or while it finds out what was kept. */
  | { readonly when: "start"; readonly delayMs: number }
  /** When the server sends this position of the file, and a little later. */
  | { readonly when: "middle"; readonly position: number; readonly delayMs: number }
  /** So long after the server has sent the last byte. */
  | { readonly when: "end"; readonly delayMs: number };

/** One kill and what came of it. */
export interface Kill {
  readonly moment: Moment;
  /** The file had its final name and no temporary file was left. */
  readonly published: boolean;
  /** The whole run had ended, its process not yet: the next run began anew, as it should. */
  finished: boolean;
  /** How far the server had ever got. */
  readonly furthestBytes: number;
  /** Of temporary files, after the kill. */
  readonly diskBytes: number;
  /** Where the next run began to fetch; `null` where it was killed first or had all it needed. */
  resumedAt: number | null;
  /** Bytes that the server sent a second time because of this kill. */
  sentAgainBytes: number;
}

/** The whole story. */
export interface KillReport {
  readonly kills: readonly Kill[];
  readonly sentBytes: number;
  readonly sha256Right: boolean;
  readonly finalName: FinalName;
  /** Names in the destination's folder beside the file. */
  readonly leftBehind: readonly string[];
  readonly durationMs: number;
}

const PATH = "/large.bin";
const WORKFLOW = "tests/scenario/large_file.yaml";

/** Plays the scenario in `folder`, which must be empty. */
export async function playKills(scenario: KillScenario, folder: string): Promise<KillReport> {
  const startedMs = performance.now();
  const watched = watchedFile(generatedFile(scenario.bytes, scenario.seed));
  const { throttleBytesPerSecond } = scenario;
  const server = startFileServer({
    files: new Map([[PATH, watched.file]]),
    throttleBytesPerSecond,
  });
  const destination = `${folder}/files`;
  await Deno.mkdir(destination);
  const watcher = watchFinalName(`${destination}/large.bin`, watched.file);
  const arena: Arena = { watched, server, destination, data: `${folder}/state` };
  try {
    const kills: Kill[] = [];
    for (const moment of momentsOf(scenario)) kills.push(await killAt(arena, moment, kills));
    const last = await runToEnd(arena, kills);
    if (last.code !== 0) throw new Error(`The last run ended with ${last.code}: ${last.err}`);
    const finalName = await watcher.stop();
    const names = [...Deno.readDirSync(destination)].map(({ name }) => name);
    return {
      kills,
      sentBytes: server.bytesServed(PATH),
      sha256Right: finalName.versions.at(-1)?.sha256 === sha256Of(watched.file),
      finalName,
      leftBehind: names.filter((name) => name !== "large.bin"),
      durationMs: Math.round(performance.now() - startedMs),
    };
  } finally {
    await watcher.stop();
    await server.close();
  }
}

interface Arena {
  readonly watched: WatchedFile;
  readonly server: FileServer;
  readonly destination: string;
  readonly data: string;
}

/** The same words each time: the same run. */
function command({ server, destination, data }: Arena): string[] {
  const variables = [
    "--var",
    `SOURCE=${server.url(PATH)}`,
    "--var",
    `OUT=${destination}/large.bin`,
  ];
  return ["run", WORKFLOW, ...variables, "--data", data, "--json"];
}

async function killAt(arena: Arena, moment: Moment, earlier: readonly Kill[]): Promise<Kill> {
  const { watched, server, destination } = arena;
  const before = arena.watched.furthest();
  const asked = bodyRequests(server);
  const process = startQuorus(command(arena));
  if (moment.when === "middle") await firstOf(watched.reaches(moment.position), process.ended);
  if (moment.when === "end") await firstOf(watched.reaches(watched.file.size), process.ended);
  await firstOf(pause(moment.delayMs), process.ended);
  process.kill("SIGKILL");
  const { out } = await process.ended;
  account(earlier, before, bodyRequests(server).slice(asked.length), out);
  const diskBytes = temporaryBytes(destination);
  return {
    moment,
    published: diskBytes === 0 && isThere(`${destination}/large.bin`),
    finished: false,
    furthestBytes: watched.furthest(),
    diskBytes,
    resumedAt: null,
    sentAgainBytes: 0,
  };
}

async function runToEnd(arena: Arena, kills: readonly Kill[]) {
  const before = arena.watched.furthest();
  const asked = bodyRequests(arena.server);
  const ended = await startQuorus(command(arena)).ended;
  account(kills, before, bodyRequests(arena.server).slice(asked.length), ended.out);
  return ended;
}

/** Writes down what the run after a kill fetched; one that was killed before that says nothing. */
function account(
  kills: readonly Kill[],
  furthest: number,
  starts: readonly number[],
  out: string,
): void {
  const kill = kills.at(-1);
  const start = starts[0];
  if (kill === undefined || start === undefined) return;
  kill.resumedAt = start;
  const firstLine = out.slice(0, out.indexOf("\n") + 1);
  const resumed = eventsOf(firstLine)[0]?.resumed === true;
  kill.finished = kill.published && !resumed;
  if (!kill.finished) kill.sentAgainBytes = Math.max(0, furthest - start);
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}

/** Where each request for bytes began. */
function bodyRequests(server: FileServer): number[] {
  return server.requests(PATH).filter(({ method }) => method === "GET")
    .map(({ headers }) => Number(/^bytes=(\d+)-/.exec(headers.get("range") ?? "")?.[1] ?? 0));
}

function temporaryBytes(folder: string): number {
  return [...Deno.readDirSync(folder)].filter(({ name }) => name.startsWith(".quorus-"))
    .reduce((sum, { name }) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
}

/** Some at the start of a process, one at the very end, all others in order over the file. */
export function momentsOf({ bytes, kills, seed }: KillScenario): Moment[] {
  const random = randomOf(seed);
  const middles = Array.from({ length: kills }, () => Math.floor(random() * bytes * 0.98))
    .sort((a, b) => a - b);
  return middles.map((position, index): Moment => {
    if (index === kills - 1) return { when: "end", delayMs: Math.floor(random() * 100) };
    if (index % 5 === 3) return { when: "start", delayMs: Math.floor(random() * 800) };
    return { when: "middle", position, delayMs: Math.floor(random() * 20) };
  });
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function firstOf(first: Promise<unknown>, second: Promise<unknown>): Promise<"first" | "second"> {
  return Promise.race([first.then(() => "first" as const), second.then(() => "second" as const)]);
}

/** The random moment itself: the one place where time, not an event, decides. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
