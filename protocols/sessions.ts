/**
 * Sessions of servers, kept open and shared: setting one up costs several round trips and a key
 * exchange, and servers let only so many in.
 */

import { assert } from "../runtime/base/assert.ts";
import type { TimerHandle, Timers } from "../runtime/env/env.ts";
import { protocolLimits } from "./limits.ts";
import { Places } from "./places.ts";

/** A session as the pool sees it. */
export interface Session {
  /** Ends it at once, and resolves when nothing of it is left; idempotent, and it never fails. */
  end(): Promise<void>;
  /** It has broken down: whoever asks next gets another one. */
  readonly isBroken: boolean;
}

/** How many sessions there may be, and for how long. */
export interface SessionLimits {
  /** Open at once towards one place. */
  readonly sessionsPerPlace: number;
  /** Users of one session at once. */
  readonly usersPerSession: number;
  /** A session that nobody uses is ended after this. */
  readonly idleMs: number;
}

/** A session that one user holds; `release` gives it back, once. */
export interface HeldSession<S extends Session> {
  readonly session: S;
  release(): void;
}

class Shared<S extends Session> {
  readonly opening: Promise<S>;
  users = 0;
  session: S | null = null;
  idle: TimerHandle | null = null;

  constructor(opening: Promise<S>) {
    this.opening = opening;
  }
}

class Place<S extends Session> {
  readonly seats: Places;
  readonly sessions = new Set<Shared<S>>();

  constructor(seats: number) {
    this.seats = new Places(seats);
  }
}

/** The sessions of one protocol, by place: host, port, user and whatever else tells them apart. */
export class SessionPool<S extends Session> {
  readonly #timers: Timers;
  readonly #limits: SessionLimits;
  readonly #places = new Map<string, Place<S>>();
  #isClosed = false;

  constructor(timers: Timers, limits: Partial<SessionLimits> = {}) {
    this.#timers = timers;
    this.#limits = {
      sessionsPerPlace: protocolLimits.sessionsPerPlace,
      usersPerSession: 1,
      idleMs: protocolLimits.sessionIdleMs,
      ...limits,
    };
  }

  /**
   * A session of `place`: one that is free, a new one by `open` where there may be one more, or one that
   * others use too. Waits for a seat; `aborted` if the signal fires first, and whatever `open` throws. The
   * session that `open` begins is for all who come, so it is not ended by one user's signal.
   */
  async take(
    place: string,
    open: () => Promise<S>,
    signal: AbortSignal | null,
  ): Promise<HeldSession<S>> {
    assert(!this.#isClosed, "a pool that was closed gives no sessions");
    const at = this.#at(place);
    await at.seats.enter(signal);
    return await this.#use(place, at, open, () => this.take(place, open, signal), true);
  }

  /**
   * A session for one call, by somebody who may hold one already: without a seat of its own, so it waits
   * for nobody and nobody can wait for him in a circle.
   */
  async borrow(place: string, open: () => Promise<S>): Promise<HeldSession<S>> {
    assert(!this.#isClosed, "a pool that was closed gives no sessions");
    const at = this.#at(place);
    return await this.#use(place, at, open, () => this.borrow(place, open), false);
  }

  #at(place: string): Place<S> {
    const { sessionsPerPlace, usersPerSession } = this.#limits;
    const at = this.#places.get(place) ?? new Place<S>(sessionsPerPlace * usersPerSession);
    this.#places.set(place, at);
    return at;
  }

  async #use(
    place: string,
    at: Place<S>,
    open: () => Promise<S>,
    again: () => Promise<HeldSession<S>>,
    isSeated: boolean,
  ): Promise<HeldSession<S>> {
    const shared = this.#chosen(at, isSeated) ?? this.#opened(at, open);
    const leave = () => this.#leave(place, at, shared, isSeated);
    shared.users += 1;
    shared.idle?.cancel();
    shared.idle = null;
    try {
      const session = await shared.opening;
      if (!session.isBroken) return held(session, leave);
    } catch (thrown) {
      leave();
      throw thrown;
    }
    leave();
    return await again();
  }

  /** Ends every session, used or not; waits for those that are being opened. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const all = [...this.#places.values()].flatMap(({ sessions }) => [...sessions]);
    this.#places.clear();
    for (const shared of all) shared.idle?.cancel();
    await Promise.all(all.map(({ opening }) => opening.then((session) => session.end(), () => {})));
  }

  #chosen({ sessions }: Place<S>, isSeated: boolean): Shared<S> | null {
    let least: Shared<S> | null = null;
    for (const shared of sessions) {
      if (shared.session?.isBroken === true) {
        if (shared.users === 0) this.#drop(sessions, shared);
        continue;
      }
      if (least === null || shared.users < least.users) least = shared;
    }
    if (least === null || !isSeated) return least;
    const { sessionsPerPlace, usersPerSession } = this.#limits;
    if (least.users > 0 && sessions.size < sessionsPerPlace) return null;
    return least.users < usersPerSession ? least : null;
  }

  /** It broke down while nobody used it. */
  #drop(sessions: Set<Shared<S>>, shared: Shared<S>): void {
    sessions.delete(shared);
    shared.idle?.cancel();
    void shared.session?.end();
  }

  #opened({ sessions }: Place<S>, open: () => Promise<S>): Shared<S> {
    const shared = new Shared(open());
    sessions.add(shared);
    shared.opening.then((session) => {
      shared.session = session;
    }, () => void sessions.delete(shared));
    return shared;
  }

  #leave(place: string, at: Place<S>, shared: Shared<S>, isSeated: boolean): void {
    const { session } = shared;
    shared.users -= 1;
    if (session?.isBroken === true) at.sessions.delete(shared);
    if (shared.users === 0 && session !== null) {
      if (session.isBroken || this.#isClosed) void session.end();
      else {
        shared.idle = this.#timers.after(this.#limits.idleMs, () => {
          at.sessions.delete(shared);
          void session.end();
          this.#forget(place, at);
        });
      }
    }
    if (isSeated) at.seats.leave();
    this.#forget(place, at);
  }

  #forget(place: string, at: Place<S>): void {
    const isUnused = at.sessions.size === 0 && at.seats.isEmpty;
    if (isUnused && this.#places.get(place) === at) this.#places.delete(place);
  }
}

function held<S extends Session>(session: S, leave: () => void): HeldSession<S> {
  let isHeld = true;
  return {
    session,
    release: () => {
      if (!isHeld) return;
      isHeld = false;
      leave();
    },
  };
}
