import assert from "node:assert/strict";
import { type Session, type SessionLimits, SessionPool } from "../../protocols/sessions.ts";
import { simulatedEnv } from "../../runtime/sim/env.ts";
import { World } from "../../runtime/sim/world.ts";

class FakeServer {
  opened = 0;
  readonly live = new Set<Line>();

  readonly open = (): Promise<Line> => {
    this.opened += 1;
    const line = new Line(this);
    this.live.add(line);
    return Promise.resolve(line);
  };
}

class Line implements Session {
  isBroken = false;
  readonly #server: FakeServer;

  constructor(server: FakeServer) {
    this.#server = server;
  }

  end(): Promise<void> {
    this.#server.live.delete(this);
    return Promise.resolve();
  }
}

const NEVER = new AbortController().signal;

async function withPool(
  limits: Partial<SessionLimits>,
  body: (
    pool: SessionPool<Line>,
    server: FakeServer,
    pause: (ms: number) => Promise<void>,
  ) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const env = simulatedEnv({ seed: 1, world, name: "node" });
  const pool = new SessionPool<Line>(env.timers, { idleMs: 1_000, ...limits });
  const server = new FakeServer();
  const pause = (ms: number) =>
    new Promise<void>((resolve) => void env.timers.after(ms, () => resolve()));
  await world.complete(body(pool, server, pause));
  await pool.close();
  assert.equal(server.live.size, 0, "a closed pool leaves no session open");
}

Deno.test("a session that was given back is taken again", () =>
  withPool({}, async (pool, server) => {
    const first = await pool.take("a", server.open, NEVER);
    first.release();
    first.release();
    const second = await pool.take("a", server.open, NEVER);
    assert.equal(second.session, first.session);
    assert.equal(server.opened, 1);
    (await pool.take("b", server.open, NEVER)).release();
    assert.equal(server.opened, 2, "another place has sessions of its own");
    second.release();
  }));

Deno.test("users spread over as many sessions as there may be, then share, then wait in order", () =>
  withPool({ sessionsPerPlace: 2, usersPerSession: 2 }, async (pool, server) => {
    const held = [];
    for (let user = 0; user < 4; user += 1) held.push(await pool.take("a", server.open, NEVER));
    assert.equal(server.opened, 2);
    assert.deepEqual(new Set(held.map(({ session }) => session)).size, 2);
    const waiting = pool.take("a", server.open, NEVER);
    held[3]!.release();
    assert.equal((await waiting).session, held[3]!.session);
  }));

Deno.test("who stops waiting for a session leaves no trace", () =>
  withPool({ sessionsPerPlace: 1 }, async (pool, server) => {
    const held = await pool.take("a", server.open, NEVER);
    const stop = new AbortController();
    const waiting = pool.take("a", server.open, stop.signal);
    stop.abort();
    await assert.rejects(waiting, { code: "aborted" });
    held.release();
    (await pool.take("a", server.open, NEVER)).release();
    assert.equal(server.opened, 1);
  }));

Deno.test("who only borrows a session waits for no seat", () =>
  withPool({ sessionsPerPlace: 1 }, async (pool, server) => {
    const held = await pool.take("a", server.open, NEVER);
    const borrowed = await pool.borrow("a", server.open);
    assert.equal(borrowed.session, held.session);
    borrowed.release();
    held.release();
    (await pool.borrow("b", server.open)).release();
    assert.equal(server.opened, 2, "where there is none, one is opened");
  }));

Deno.test("a session that broke is not given out again, and its seat is free", () =>
  withPool({ sessionsPerPlace: 1 }, async (pool, server) => {
    const first = await pool.take("a", server.open, NEVER);
    first.session.isBroken = true;
    first.release();
    assert.equal(server.live.size, 0);
    const second = await pool.take("a", server.open, NEVER);
    assert.notEqual(second.session, first.session);
    second.release();
    second.session.isBroken = true;
    const third = await pool.take("a", server.open, NEVER);
    assert.ok(!third.session.isBroken, "one that broke while nobody used it");
  }));

Deno.test("a session that cannot be opened fails who wanted it, and not the next one", () =>
  withPool({ sessionsPerPlace: 1 }, async (pool, server) => {
    const refuse = () => Promise.reject(new Error("refused"));
    await assert.rejects(pool.take("a", refuse, NEVER), /refused/);
    (await pool.take("a", server.open, NEVER)).release();
  }));

Deno.test("a session that nobody uses is ended after its time", () =>
  withPool({}, async (pool, server, pause) => {
    (await pool.take("a", server.open, NEVER)).release();
    await pause(900);
    assert.equal(server.live.size, 1);
    (await pool.take("a", server.open, NEVER)).release();
    await pause(900);
    assert.equal(server.live.size, 1, "its time began anew");
    await pause(200);
    assert.equal(server.live.size, 0);
  }));
