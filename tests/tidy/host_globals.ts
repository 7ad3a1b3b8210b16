/** What only the real Env may touch: the globals that make two runs of one program differ. */

const time = "take Env.clock: simulated nodes have clocks of their own";
const random = "take Env.random: a failure must be replayable from its seed";
const timers = "take Env.timers: simulated time must decide when it fires";
const network = "take Env.net: simulation has no sockets";
const host = "take Env (or cli/process.ts for the process itself)";
const collector = "the garbage collector decides when it changes, and no seed repeats that";

/** Globals that may not be read at all, with what to do instead. */
export const hostGlobals: ReadonlyMap<string, string> = new Map([
  ["BroadcastChannel", host],
  ["Deno", host],
  ["EventSource", network],
  ["FinalizationRegistry", collector],
  ["SharedWorker", host],
  ["WeakRef", collector],
  ["WebSocket", network],
  ["WebSocketStream", network],
  ["Worker", host],
  ["XMLHttpRequest", network],
  ["alert", host],
  ["caches", host],
  ["clearImmediate", timers],
  ["clearInterval", timers],
  ["clearTimeout", timers],
  ["confirm", host],
  ["crypto", "take Env.random or Env.hash: WebCrypto settles in an order no seed repeats"],
  ["fetch", network],
  ["localStorage", host],
  ["navigator", host],
  ["performance", time],
  ["process", host],
  ["prompt", host],
  ["sessionStorage", host],
  ["setImmediate", timers],
  ["setInterval", timers],
  ["setTimeout", timers],
]);

/** Members that may not be read of globals that are otherwise free, with what to do instead. */
export const hostMembers: ReadonlyMap<string, ReadonlyMap<string, string>> = new Map([
  ["AbortSignal", new Map([["timeout", timers]])],
  ["Date", new Map([["now", time]])],
  ["Math", new Map([["random", random]])],
  ["Temporal", new Map([["Now", time]])],
]);

/** Names of the global object. */
export const globalObjects: ReadonlySet<string> = new Set(["global", "globalThis", "self"]);

/** What to do instead of asking `Date` for the present. */
export const presentDate = time;
