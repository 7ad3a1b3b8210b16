/** The module of each Worker of the pool: a node of its own with one actor. */

import { actor, startWorkerNode } from "@quorus/quorus";
import { Primes } from "./protocol.ts";

function isPrime(n: number): boolean {
  for (let divisor = 2; divisor * divisor <= n; divisor++) {
    if (n % divisor === 0) return false;
  }
  return n > 1;
}

/** A bug that takes the whole thread with it, before anybody is answered. */
function lost(): Promise<number> {
  void Promise.reject(new Error("nobody handles this"));
  return new Promise(() => {});
}

const counter = actor(Primes, {
  state: () => null,
  on: {
    count: (_state, { from, to, attempt }) => {
      // An exception would restart this actor only.
      if (from === 100_000 && attempt === 1) return lost();
      let primes = 0;
      for (let n = from; n < to; n++) if (isPrime(n)) primes += 1;
      return primes;
    },
  },
});

await startWorkerNode((node) => void node.spawn(counter, { name: "counter" }), {
  logLevel: "error",
});
