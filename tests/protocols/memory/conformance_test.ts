import type { MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { conformance } from "../../conformance/suite.ts";
import { memoryHarness } from "./harness.ts";

const NOTHING = {
  resume: false,
  randomWrites: false,
  renameNoReplace: false,
  durableSync: false,
  fileId: false,
  readBack: false,
  mtime: false,
  permissions: false,
};

const STORES: Readonly<Record<string, MemoryStoreOptions>> = {
  "memory, seize": {},
  "memory, seize, slow": { delayMs: () => [3, 5] },
  "memory, token": { sink: { fence: "token" }, parallelRanges: false },
  "memory, conditional": { sink: { fence: "conditional" }, delayMs: () => [1, 1] },
  "memory, copies itself": { sink: { serverCopy: true }, delayMs: () => [1, 1] },
  "memory, conditional, copies itself": { sink: { serverCopy: true, fence: "conditional" } },
  "memory, none and nothing": { sink: { ...NOTHING, fence: "none" }, ranges: false },
};

for (const [name, options] of Object.entries(STORES)) {
  conformance(name, () => Promise.resolve(memoryHarness(options)));
}
