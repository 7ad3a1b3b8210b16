/** Situations of a memory store, in a simulated world of its own. */

import { memoryProtocol, memoryUriOf } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import type { MemoryFaults } from "../../../protocols/memory/operations.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";

/** A store on a machine of its own and one client on another. */
export function memoryHarness(options: MemoryStoreOptions): Harness {
  const world = new World(5);
  const store = new MemoryStore(simulatedEnv({ seed: 5, world, name: "store" }), options);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const path = (name: string) => `/data/${name}`;
  const uri = (name: string) => memoryUriOf(path(name));
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(store.put(path(name), bytes));
  const fault = (faults: MemoryFaults) => (name: string) =>
    Promise.resolve(store.setFaults(path(name), faults));
  const faultFromOpening = async (name: string, faults: MemoryFaults) => {
    await fault(faults)(name);
    return () => Promise.resolve();
  };
  return {
    protocol: memoryProtocol(store),
    context: { env },
    source: {
      uri,
      put,
      truncate: (name, atBytes) => faultFromOpening(name, { truncateAtBytes: atBytes }),
      oneByteMore: (name) => faultFromOpening(name, { oneByteMore: true }),
      noLength: fault({ noLength: true }),
      noRanges: fault({ noRanges: true }),
      deny: fault({ failures: [{ operation: "open", times: Infinity, code: "denied" }] }),
      stall: (name, stallAtBytes) => fault({ stallAtBytes })(name),
    },
    sink: {
      uri,
      put,
      published: (name) => Promise.resolve(store.get(path(name))),
      mode: (name) => Promise.resolve(store.files.get(path(name))?.mode ?? -1),
    },
    directory: { uri: (name) => uri(name), put },
    run: (body) => world.complete(body()),
    close: () => Promise.resolve(),
  };
}
