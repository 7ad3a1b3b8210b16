/** The archive of a group: segments are cut by the leader, kept by all, and fetched by who was away. */

import assert from "node:assert/strict";
import { archive } from "../../../actors/archive/archive.ts";
import { archiver } from "../../../actors/archive/archiver.ts";
import type { ArchiveLimits, VerifyLimits } from "../../../actors/archive/limits.ts";
import { Archive, ARCHIVE_PATH } from "../../../actors/archive/messages.ts";
import { type ArchiveReader, archiveReader } from "../../../actors/archive/reader.ts";
import { startArchive } from "../../../actors/archive/start.ts";
import { ArchiveStore } from "../../../actors/archive/store.ts";
import { leadership } from "../../../actors/controller/leadership.ts";
import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import { Controllers, type Member, textOf } from "../controller/controllers.ts";
import { endedRun } from "./ended_runs.ts";

const THREE = ["a", "b", "c"];
const QUERY = { tenants: null, after: null, first: 1, limit: 100, isWanted: () => true };
const SOON = { archiveAfterMs: 10_000, archiveRestMs: 1_000 };

interface Options {
  readonly limits?: Partial<ArchiveLimits>;
  readonly retentionMs?: number;
  readonly raft?: Partial<RaftLimits>;
  readonly verify?: Partial<VerifyLimits>;
  /** Controllers whose archive does not run at first. */
  readonly without?: readonly string[];
}

/** A group whose members have an archive each. */
class Archives {
  readonly stores = new Map<string, ArchiveStore>();
  group!: Controllers;
  verify: Partial<VerifyLimits> = {};

  static async start(options: Options = {}): Promise<Archives> {
    const { limits = SOON, retentionMs, raft = {}, without = [] } = options;
    const archives = new Archives();
    archives.verify = options.verify ?? {};
    archives.group = await Controllers.start(THREE, {
      limits: raft,
      begun: async (member) => {
        const { env, id } = member;
        const store = await env.world.complete(ArchiveStore.open(env, `/data/${id}/archive`));
        archives.stores.set(id, store);
        if (!without.includes(id)) archives.run(id, member);
        archives.#lead(member, limits, retentionMs ?? null);
      },
    });
    return archives;
  }

  /** Starts the archive of a controller. */
  run(id: string, { node, replica }: Member): void {
    const store = this.stores.get(id)!;
    node.spawn(archive, { name: ARCHIVE_PATH, args: { replica, store, limits: this.verify } });
  }

  #lead(
    { node, replica }: Member,
    limits: Partial<ArchiveLimits>,
    retentionMs: number | null,
  ): void {
    node.spawn(leadership, {
      name: "leadership",
      restart: "permanent",
      args: {
        replica,
        begin: (ctx) => ctx.spawn(archiver, { args: { replica, retentionMs, limits } }),
      },
    });
  }

  reader(id: string): ArchiveReader {
    return archiveReader(this.group.of(id).replica, this.stores.get(id)!);
  }

  /** Ends a run that the group then archives some time later. */
  async end(...runIds: readonly string[]): Promise<void> {
    const { replica } = await this.group.leader();
    for (const command of runIds.flatMap((id) => endedRun(id))) {
      assert.deepEqual(await this.group.done(replica.propose(command)), []);
    }
  }

  /** Whether all who live have all segments, with no row left in the state. */
  isSettled(count: number): boolean {
    return this.group.living.every(({ id, replica: { state } }) => {
      const { segments, open, count: cut } = state.archive;
      const store = this.stores.get(id)!;
      return cut >= count && open.size === 0 && [...segments.values()].every((s) => store.holds(s));
    });
  }

  async settled(count: number): Promise<void> {
    await this.group.until(`${count} segments are everywhere`, () => this.isSettled(count), 60_000);
  }

  async runsOf(id: string): Promise<string[]> {
    const part = await this.group.done(this.reader(id).runs(QUERY));
    assert.equal(part.isIncomplete, false);
    return part.items.map(({ item }) => item.runId);
  }
}

Deno.test("ended runs leave the hot state of every controller, and are found in its archive", async () => {
  const archives = await Archives.start();
  const { group } = archives;
  await archives.end("one", "two");
  const row = group.of("a").replica.state.runs.get("one")!;
  await group.world.pass(5_000);
  assert.equal(group.of("a").replica.state.runs.size, 2);
  await archives.settled(1);
  for (const id of THREE) {
    assert.equal(group.of(id).replica.state.runs.size, 0);
    assert.equal(group.of(id).replica.state.jobs.size, 0);
    assert.deepEqual((await archives.runsOf(id)).sort(), ["one", "two"]);
    const found = await group.done(archives.reader(id).get("one"));
    assert.equal(textOf(found!.run as never), textOf(row as never));
    assert.equal(found!.jobs.length, 2);
  }
  await group.stop();
});

Deno.test("many runs that end at once are archived without a pause between their segments", async () => {
  const archives = await Archives.start({ limits: { ...SOON, archiveSegmentRuns: 1 } });
  const { group } = archives;
  const runIds = Array.from({ length: 8 }, (_, n) => `run-${n}`);
  await archives.end(...runIds);
  const { replica } = await group.leader();
  await group.until("the first is cut", () => replica.state.archive.count > 0, 60_000);
  await group.until("all are", () => replica.state.archive.count === 8, 4_000);
  await archives.settled(8);
  assert.deepEqual((await archives.runsOf("c")).sort(), runIds);
  await group.stop();
});

Deno.test("a run can be read at any moment while it moves to the archive", async () => {
  const archives = await Archives.start();
  const { group } = archives;
  await archives.end("one");
  const { replica } = group.of("b");
  for (let n = 0; n < 200 && !archives.isSettled(1); n += 1) {
    const found = replica.state.runs.get("one") ??
      (await group.done(archives.reader("b").get("one")))?.run;
    assert.equal(found?.id, "one");
    await group.world.pass(100);
  }
  assert.ok(archives.isSettled(1));
  await group.stop();
});

Deno.test("a leader that dies between cutting and sealing leaves work that the next one ends", async () => {
  const archives = await Archives.start();
  const { group } = archives;
  await archives.end("one");
  const first = await group.leader();
  await group.until("it is cut", () => first.replica.state.archive.open.size === 1, 60_000);
  const restart = group.crash(first.id, "power");
  await archives.settled(1);
  assert.notEqual((await group.leader()).id, first.id);
  await restart();
  await archives.settled(1);
  for (const id of THREE) assert.deepEqual(await archives.runsOf(id), ["one"]);
  await group.stop();
});

Deno.test("rows stay in the state until most controllers have their segment", async () => {
  const without = ["b", "c"];
  const archives = await Archives.start({ without });
  const { group } = archives;
  await archives.end("one");
  const { replica } = group.of("a");
  await group.until("it is cut", () => replica.state.archive.open.size === 1, 60_000);
  await group.world.pass(30_000);
  assert.equal(
    archives.stores.get("a")!.holds([...replica.state.archive.segments.values()][0]!),
    true,
  );
  assert.equal(replica.state.archive.open.size, 1);
  archives.run("b", group.of("b"));
  await group.until("it is sealed", () => replica.state.archive.open.size === 0, 60_000);
  archives.run("c", group.of("c"));
  await archives.settled(1);
  await group.stop();
});

Deno.test("a controller that was away fetches what it missed from the others, and says so until it has", async () => {
  const archives = await Archives.start({ raft: { snapshotEntries: 8, keepEntries: 1 } });
  const { group } = archives;
  const { id } = await group.follower();
  const restart = group.crash(id);
  await archives.end("one", "two");
  await archives.settled(1);
  await archives.end("three", "four");
  await archives.settled(2);
  const back = await restart();
  await group.until("it knows of them", () => back.replica.state.archive.count === 2);
  assert.equal(
    archives.stores.get(id)!.holds([...back.replica.state.archive.segments.values()][0]!),
    false,
  );
  assert.equal((await group.done(archives.reader(id).runs(QUERY))).isIncomplete, true);
  await archives.settled(2);
  assert.deepEqual((await archives.runsOf(id)).sort(), ["four", "one", "three", "two"]);
  await group.stop();
});

Deno.test("a damaged segment is found and fetched again", async () => {
  const archives = await Archives.start();
  const { group } = archives;
  await archives.end("one");
  await archives.settled(1);
  const { id, env, node } = await group.follower();
  const [name] = await group.done(archives.stores.get(id)!.files.list());
  const path = `/data/${id}/archive/segments/0000000001.${name!.hash}.segment`;
  await group.done((async () => {
    const file = await env.disk.open(path, { write: true });
    await file.write(new Uint8Array([7]), 100);
    await file.close();
  })());
  const ref = node.ref(Archive, `quorus://${id}/${ARCHIVE_PATH}`);
  assert.deepEqual(await group.done(ref.ask("verify", {})), { damaged: [1] });
  assert.deepEqual((await group.done(ref.ask("status", {}))).missing, [1]);
  await archives.settled(1);
  assert.deepEqual(await group.done(ref.ask("verify", {})), { damaged: [] });
  assert.equal((await group.done(archives.reader(id).get("one")))?.run.id, "one");
  await group.stop();
});

Deno.test("a flipped bit is found by itself, told, and mended from another controller", async () => {
  const archives = await Archives.start({
    verify: { archiveVerifyMs: 60_000, archiveVerifyLookMs: 5_000 },
  });
  const { group } = archives;
  await archives.end("one");
  await archives.settled(1);
  const { id, env } = await group.follower();
  const store = archives.stores.get(id)!;
  const [name] = await group.done(store.files.list());
  await group.done((async () => {
    const path = `/data/${id}/archive/segments/0000000001.${name!.hash}.segment`;
    const file = await env.disk.open(path, { write: true });
    await file.write(new Uint8Array([7]), 100);
    await file.close();
  })());
  await group.until("it is found", () => store.checks.damaged === 1, 200_000);
  const status = archives.reader(id).status();
  assert.equal(status.damaged, 1);
  assert.ok(status.lastDamagedMs !== null);
  await archives.settled(1);
  await group.until("all are verified", () => {
    const { missing, verified, verifiedMs } = archives.reader(id).status();
    return missing.length === 0 && verified > 1 && verifiedMs !== null;
  }, 200_000);
  for (const other of THREE) {
    assert.equal(archives.reader(other).status().damaged, other === id ? 1 : 0, other);
  }
  await group.stop();
});

Deno.test("runs whose time is over are dropped by every controller", async () => {
  const archives = await Archives.start({ retentionMs: 60_000 });
  const { group } = archives;
  await archives.end("one");
  await archives.settled(1);
  await group.world.pass(30_000);
  await archives.end("two");
  await archives.settled(2);
  const dropped = () => group.living.every(({ replica }) => replica.state.archive.first === 2);
  await group.until("the first is dropped", dropped, 60_000);
  await group.world.pass(1_000);
  for (const id of THREE) {
    assert.deepEqual(await archives.runsOf(id), ["two"]);
    assert.equal(await group.done(archives.reader(id).get("one")), null);
  }
  await group.stop();
});

Deno.test("segments are given to controllers only", async () => {
  const archives = await Archives.start();
  const { group } = archives;
  await archives.end("one");
  await archives.settled(1);
  const outsider = await group.newcomer("outsider");
  const [record] = [...group.of("a").replica.state.archive.segments.values()];
  const ref = outsider.node.ref(Archive, `quorus://a/${ARCHIVE_PATH}`);
  const { number, hash } = record!;
  assert.equal(await group.done(ref.ask("fetch", { number, hash, offset: 0 })), null);
  await group.stop();
});

Deno.test("a node starts its archive, and closes it at its end", async () => {
  const readers = new Map<string, ArchiveReader>();
  const group = await Controllers.start(THREE, {
    begun: async ({ id, env, node, replica }) => {
      const options = { folder: `/data/${id}/archive`, retentionMs: null, limits: SOON };
      readers.set(id, await env.world.complete(startArchive(node, replica, options)));
    },
  });
  const { replica } = await group.leader();
  for (const command of endedRun("one")) await group.done(replica.propose(command));
  await group.until("it is archived", () => replica.state.archive.count === 1, 60_000);
  await group.until("it is sealed", () => replica.state.archive.open.size === 0, 60_000);
  await group.world.pass(1_000);
  for (const id of THREE) {
    assert.equal((await group.done(readers.get(id)!.runs(QUERY))).items.length, 1);
  }
  await group.stop();
  const { env } = group.of("a");
  const again = await group.done(ArchiveStore.open(env, "/data/a/archive"));
  assert.equal((await group.done(again.runs(QUERY))).items.length, 1);
  await group.done(again.close());
});
