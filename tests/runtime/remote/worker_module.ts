/** The module of the Workers in worker_test.ts. */

import { actor, startWorkerNode } from "../../../mod.ts";
import { Sum } from "./worker_protocol.ts";

const sum = actor(Sum, {
  state: () => ({ total: 0 }),
  on: {
    add: (state, { amount }) => {
      state.total += amount;
    },
    total: (state) => state.total,
    measure: (_state, { bytes }) => bytes.length,
    leave: () => {
      void Promise.reject(new Error("nobody handles this"));
    },
  },
});

await startWorkerNode((node) => void node.spawn(sum, { name: "sum" }), { logLevel: "error" });
