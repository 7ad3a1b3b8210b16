import assert from "node:assert/strict";
import { RaftError } from "../../../../runtime/raft/errors.ts";
import { openRaftLog } from "../../../../runtime/raft/wal/open.ts";
import type { Disk, DiskFile } from "../../../../runtime/env/env.ts";
import { simulatedEnv } from "../../../../runtime/sim/env.ts";
import { FIRST } from "./log_model.ts";

/** `target` with methods of its own in place of some. */
function instead<T extends object>(target: T, own: Partial<T>): T {
  return new Proxy(target, {
    get(_, key) {
      const value: unknown = Reflect.get(key in own ? own : target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A disk whose next sync of data fails once `fails` is set, and that is well again after it. */
function failingOnce(disk: Disk) {
  const state = { fails: false };
  const file = (whole: DiskFile) => {
    return instead(whole, {
      async syncData() {
        if (!state.fails) return await whole.syncData();
        state.fails = false;
        throw new Error("EIO: i/o error, fdatasync");
      },
    });
  };
  const open: Disk["open"] = async (path, options) => file(await disk.open(path, options));
  return { state, disk: instead(disk, { open }) };
}

Deno.test("a sync that failed once is not tried again: the system may have dropped what it was to write", async () => {
  const env = simulatedEnv({ seed: 1 });
  const { state, disk } = failingOnce(env.disk);
  const log = await env.world.complete(openRaftLog({ ...env, disk }, {
    folder: "/g",
    identity: { group: "g", member: "a" },
    limits: { segmentBytes: 4_096, reserveBytes: 8_192, syncEveryBytes: 4_096 },
    first: FIRST,
    create: true,
    newest: null,
  }));
  const write = (number: number) => {
    const hardState = { term: number, vote: "a", commit: 0 };
    return env.world.complete(log.persist({ number, reset: null, entries: [], hardState }));
  };
  await write(1);
  await env.world.settle();
  state.fails = true;
  const isDiskFailed = (error: unknown) =>
    error instanceof RaftError && error.code === "DiskFailed";
  await assert.rejects(write(2), isDiskFailed);
  await assert.rejects(write(3), isDiskFailed, "nothing is written after it");
  await env.world.complete(log.close());
});
