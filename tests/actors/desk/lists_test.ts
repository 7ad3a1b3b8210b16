/** Lists that go on from the state into the archive, while runs move from one to the other. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type ArchiveReader, archiveReader } from "../../../actors/archive/reader.ts";
import { ArchiveStore } from "../../../actors/archive/store.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import type { State } from "../../../actors/controller/state.ts";
import { findList, type ListQuery } from "../../../actors/desk/lists.ts";
import type { Found, Principal } from "../../../actors/desk/messages.ts";
import { viewJob, viewRun } from "../../../actors/desk/views.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { endedRun, Log } from "../archive/ended_runs.ts";

const ANYBODY: Principal = { keyId: "any", scope: "viewer", tenants: null };
const BOARD = { progress: () => null };
const QUERY = { states: null, labels: [], after: null, limit: 100 };

// deno-lint-ignore require-yield
async function* nobody(): AsyncIterable<Uint8Array> {
  throw new Error("nobody is asked");
}

/** A log, and the archive of a controller that follows it. */
class Archived {
  readonly log = new Log();
  readonly #env: SimulatedEnv = simulatedEnv({ seed: 1 });
  #store!: ArchiveStore;
  #reader!: ArchiveReader;

  static async open(): Promise<Archived> {
    const self = new Archived();
    self.#store = await self.done(ArchiveStore.open(self.#env, "/archive"));
    const { log } = self;
    self.#reader = archiveReader({
      get state() {
        return log.state;
      },
    }, self.#store);
    return self;
  }

  done<T>(work: Promise<T>): Promise<T> {
    return this.#env.world.complete(work);
  }

  /** Ends a run whose labels say its kind. */
  end(runId: string, tenant: string, labels: Readonly<Record<string, string>>): void {
    this.log.apply(
      ...endedRun(runId, 2, tenant).map((command): Command =>
        command.type === "createRun" ? { ...command, plan: { ...command.plan, labels } } : command
      ),
    );
  }

  /** Cuts a segment of a run; `isWritten`: it is on the disk, `isSealed`: and its rows have left the state. */
  async archive(runId: string, isWritten: boolean, isSealed: boolean): Promise<void> {
    const { record, rows } = await this.log.cut(this.#env, runId);
    if (isWritten) await this.done(this.#store.take(record, rows, nobody));
    const { number, hash } = record;
    if (isWritten && isSealed) this.log.apply({ type: "sealSegment", number, hash });
  }

  list(query: ListQuery, principal: Principal = ANYBODY, state = this.log.state): Promise<Found> {
    const context = { archive: this.#reader, board: BOARD };
    return this.done(findList(context, state, principal, query));
  }

  close(): Promise<void> {
    return this.done(this.#store.close());
  }
}

function idsOf(found: Found): string[] {
  if (found.type === "runs") return found.runs.map(({ id }) => id);
  assert.ok(found.type === "jobs", JSON.stringify(found));
  return found.jobs.map(({ id }) => id);
}

function nextOf(found: Found): string | null {
  assert.ok(found.type === "runs" || found.type === "jobs");
  assert.notEqual(found.isIncomplete, true);
  return found.next;
}

const KINDS = [{ tier: "gold" }, { tier: "silver" }, {}] as const;
const filters = fc.constantFrom<Pick<ListQuery, "states" | "labels">>(
  { states: null, labels: [] },
  { states: ["cancelled"], labels: [] },
  { states: ["running", "queued"], labels: [] },
  { states: null, labels: [{ name: "tier", values: ["gold"] }] },
  { states: ["cancelled"], labels: [{ name: "tier", values: null }] },
);

/** What a list without an archive would show. */
function model(whole: State, query: ListQuery, tenants: readonly string[] | null): string[] {
  const fits = (tenant: string, state: string, labels: Readonly<Record<string, string>>) =>
    (tenants === null || tenants.includes(tenant)) &&
    (query.states === null || query.states.includes(state)) &&
    query.labels.every(({ name, values }) =>
      labels[name] !== undefined && (values === null || values.includes(labels[name]))
    );
  const found = query.type === "runs"
    ? [...whole.runs.values()].filter((run) => fits(run.tenant, run.state, run.plan.labels))
      .map(({ id, createdMs }) => ({ id, atMs: createdMs }))
    : [...whole.jobs.values()].filter((job) =>
      fits(job.tenant, job.state, whole.runs.get(job.runId)!.plan.labels)
    ).map(({ id, submittedMs }) => ({ id, atMs: submittedMs }));
  return found.sort((a, b) => b.atMs - a.atMs || (a.id < b.id ? -1 : 1)).map(({ id }) => id);
}

Deno.test("a list read page by page has everything once and in order, whatever is archived in between", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat({ max: 2 }), fc.constantFrom("acme", "other")), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.array(fc.record({ isWritten: fc.boolean(), isSealed: fc.boolean() }), { maxLength: 8 }),
      fc.nat({ max: 4 }),
      fc.constantFrom("runs" as const, "jobs" as const),
      fc.constantFrom(null, ["acme"], ["other", "acme"], ["nobody"]),
      filters,
      fc.integer({ min: 1, max: 4 }),
      async (runs, moves, before, type, tenants, filter, limit) => {
        const archived = await Archived.open();
        const runIds = runs.map(([kind, tenant], n) => {
          archived.end(`run-${n}`, tenant, KINDS[kind]!);
          return `run-${n}`;
        });
        const wanted = { ...QUERY, ...filter, limit };
        const query: ListQuery = type === "runs"
          ? { type, ...wanted }
          : { type, runId: null, ...wanted };
        const expected = model(archived.log.state, query, tenants);
        const left = [...moves.keys()].filter((n) => n < runIds.length);
        const move = async () => {
          const n = left.shift();
          const how = n === undefined ? undefined : moves[n];
          if (how !== undefined) await archived.archive(runIds[n!]!, how.isWritten, how.isSealed);
        };
        for (let n = 0; n < before; n += 1) await move();
        const found: string[] = [];
        for (let after: string | null = null;;) {
          // The state may be older than the archive: what was archived since is in both.
          const { state } = archived.log;
          await move();
          const principal = { ...ANYBODY, tenants: tenants === null ? null : [...tenants] };
          const page: Found = await archived.list({ ...query, after }, principal, state);
          found.push(...idsOf(page));
          after = nextOf(page);
          if (after === null) break;
          await move();
        }
        assert.deepEqual(found, expected);
        await archived.close();
      },
    ),
    { numRuns: 60 },
  );
});

Deno.test("what was archived is shown in lists as it was before", async () => {
  const archived = await Archived.open();
  archived.end("one", "acme", { tier: "gold" });
  const { state } = archived.log;
  const run = viewRun(state.runs.get("one")!, state);
  const jobs = ["one-0", "one-1"].map((id) =>
    viewJob(state.jobs.get(id)!, state.runs.get("one"), BOARD)
  );
  for (const [isWritten, isSealed] of [[false, false], [true, true]] as const) {
    const one = await Archived.open();
    one.end("one", "acme", { tier: "gold" });
    await one.archive("one", isWritten, isSealed);
    assert.equal(one.log.state.runs.size, 0);
    const found = await one.list({ type: "runs", ...QUERY });
    assert.deepEqual(found, { type: "runs", runs: [run], next: null });
    for (const runId of [null, "one"]) {
      const of = await one.list({ type: "jobs", runId, ...QUERY });
      assert.deepEqual(of, { type: "jobs", jobs, next: null });
    }
    await one.close();
  }
  await archived.close();
});

Deno.test("a list says where parts of the archive are missing, and refuses a place that is none", async () => {
  const archived = await Archived.open();
  archived.end("one", "acme", {});
  const { record } = await archived.log.cut(simulatedEnv({ seed: 2 }), "one");
  archived.log.apply({ type: "sealSegment", number: 1, hash: record.hash });
  for (const query of [{ type: "runs" }, { type: "jobs", runId: null }] as const) {
    const found = await archived.list({ ...query, ...QUERY });
    assert.ok((found.type === "runs" || found.type === "jobs") && found.isIncomplete);
    assert.deepEqual(idsOf(found), []);
    const refused = await archived.list({ ...query, ...QUERY, after: "one" });
    assert.ok(refused.type === "none" && refused.code === "invalid", JSON.stringify(refused));
  }
  await archived.close();
});
