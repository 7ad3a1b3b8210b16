/** The authority and the keepers against each other, over a network that does what it likes. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { type KeeperEffect, KeeperMachine } from "../../../runtime/cluster/keeper_machine.ts";
import {
  noPlacement,
  type PlacementEffect,
  type PlacementInput,
  type PlacementState,
  stepPlacement,
} from "../../../runtime/cluster/placement_machine.ts";

const LIMITS = { entities: 100, regrantMs: 1_000 };
const NODES = ["a", "b", "c"] as const;
const IDS = ["counter/only", "shard/1", "shard/2"] as const;

type Letter =
  | { readonly to: "authority"; readonly input: PlacementInput }
  | {
    readonly to: "keeper";
    readonly effect: Extract<PlacementEffect, { do: "grant" | "revoke" }>;
  };

interface Process {
  readonly node: string;
  readonly life: string;
  readonly keeper: KeeperMachine;
  /** Actors that live, with their tokens; an actor that was told to stop still lives. */
  readonly actors: Map<string, number>;
  readonly stopping: Set<string>;
}

/** One authority, three nodes, and letters that arrive in any order, twice or never. */
class Model {
  state: PlacementState = noPlacement();
  nowMs = 0;
  readonly letters: Letter[] = [];
  readonly processes = new Map<string, Process>();
  readonly dead: { node: string; life: string }[] = [];
  #lives = 0;

  constructor() {
    for (const node of NODES) this.start(node);
  }

  /** All are there and everything is placed; the grants are on their way. */
  begin(): void {
    for (const _ of NODES) this.arrive(0, false);
    for (const id of IDS) this.decide({ do: "place", kind: id.split("/")[0]!, id });
  }

  start(node: string): void {
    this.#lives += 1;
    const life = `${node}${this.#lives}`;
    const keeper = new KeeperMachine(2);
    this.processes.set(node, { node, life, keeper, actors: new Map(), stopping: new Set() });
    this.hello(node);
  }

  crash(node: string): void {
    const process = this.processes.get(node);
    if (process === undefined) return;
    this.processes.delete(node);
    this.dead.push({ node, life: process.life });
  }

  hello(node: string): void {
    const process = this.processes.get(node);
    if (process === undefined) return;
    const { life, keeper } = process;
    const kinds = ["counter", "shard"];
    this.#post({ do: "hello", node, life, kinds, holds: keeper.holds() });
  }

  decide(input: PlacementInput): void {
    const { state, effects } = stepPlacement(this.state, input, this.nowMs, LIMITS);
    this.state = state;
    for (const effect of effects) {
      if (effect.do !== "needsFence") this.letters.push({ to: "keeper", effect });
    }
  }

  /** Letters arrive in any order; some stay and come again. */
  arrive(index: number, staysToo: boolean): void {
    if (this.letters.length === 0) return;
    const at = index % this.letters.length;
    const letter = this.letters[at]!;
    if (!staysToo) this.letters.splice(at, 1);
    if (letter.to === "authority") return this.#heard(letter.input);
    const { effect } = letter;
    const process = this.processes.get(effect.node);
    if (process === undefined || process.life !== effect.life) return;
    this.#carryOut(process, process.keeper.step(effect));
  }

  /** An actor that was told to stop is gone at last, or one ends by itself. */
  end(node: string, id: string): void {
    const process = this.processes.get(node);
    if (process === undefined || !process.actors.delete(id)) return;
    process.stopping.delete(id);
    this.#carryOut(process, process.keeper.step({ do: "stopped", id }));
  }

  holdersOf(id: string): { node: string; token: number }[] {
    return [...this.processes.values()].filter(({ actors }) => actors.has(id))
      .map(({ node, actors }) => ({ node, token: actors.get(id)! }));
  }

  check(): void {
    for (const id of IDS) assert.ok(this.holdersOf(id).length <= 1, `${id} lives once`);
  }

  /** Everybody is healthy, every letter arrives in order, and time passes. */
  heal(): void {
    for (const life of this.dead) this.decide({ do: "fenced", ...life });
    for (const node of NODES) if (!this.processes.has(node)) this.start(node);
    for (const node of NODES) this.decide({ do: "drain", node, isDraining: false });
    for (let round = 0; round < 12; round += 1) {
      this.nowMs += 1_000;
      for (const node of NODES) this.hello(node);
      this.decide({ do: "tick" });
      for (let most = 0; this.letters.length > 0 && most < 10_000; most += 1) {
        this.arrive(0, false);
        this.check();
      }
      for (const { node, stopping } of this.processes.values()) {
        for (const id of [...stopping]) this.end(node, id);
      }
    }
  }

  #carryOut({ node, life, actors, stopping }: Process, effects: readonly KeeperEffect[]): void {
    for (const effect of effects) {
      if (effect.do === "start") {
        assert.ok(!actors.has(effect.id), "a keeper starts nothing twice");
        actors.set(effect.id, effect.token);
      } else if (effect.do === "stop") {
        stopping.add(effect.id);
      } else {
        const { what, id, token } = effect;
        this.#post({ do: what, node, life, id, token });
      }
    }
  }

  /** Links bring nothing of an earlier life once a later one was heard; that one ends the earlier. */
  #heard(input: PlacementInput): void {
    if (input.do === "hello") {
      const known = this.state.hosts.get(input.node);
      const isDead = (life: string) => this.dead.some((one) => one.life === life);
      if (known !== undefined && known.life !== input.life) {
        if (!isDead(known.life)) return;
        this.decide({ do: "fenced", node: known.node, life: known.life });
      }
    }
    this.decide(input);
  }

  #post(input: PlacementInput): void {
    this.letters.push({ to: "authority", input });
  }
}

const node = fc.constantFrom(...NODES);
const id = fc.constantFrom(...IDS);
const acts = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({ act: fc.constant("arrive"), at: fc.nat(), twice: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ act: fc.constantFrom("place", "remove"), id }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constant("move"), id, node }) },
    { weight: 3, arbitrary: fc.record({ act: fc.constantFrom("hello", "lost"), node }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("crash", "start"), node }) },
    { weight: 1, arbitrary: fc.record({ act: fc.constant("drain"), node, on: fc.boolean() }) },
    { weight: 4, arbitrary: fc.record({ act: fc.constant("end"), node, id }) },
    { weight: 2, arbitrary: fc.record({ act: fc.constantFrom("fence", "tick", "lose") }) },
  ),
  { maxLength: 200 },
) as fc.Arbitrary<Act[]>;

interface Act {
  readonly act: string;
  readonly at: number;
  readonly twice: boolean;
  readonly id: string;
  readonly node: string;
  readonly on: boolean;
}

function perform(model: Model, { act, at, twice, id, node, on }: Act): void {
  switch (act) {
    case "arrive":
      return model.arrive(at, twice);
    case "place":
      return model.decide({ do: "place", kind: id.split("/")[0]!, id });
    case "remove":
      return model.decide({ do: "remove", id });
    case "move":
      if (model.state.entities.get(id) === undefined) return;
      return model.decide({ do: "move", id, to: node });
    case "hello":
      return model.hello(node);
    case "lost":
      return model.decide({ do: "lost", node });
    case "crash":
      return model.crash(node);
    case "start":
      if (!model.processes.has(node)) model.start(node);
      return;
    case "drain":
      return model.decide({ do: "drain", node, isDraining: on });
    case "end":
      return model.end(node, id);
    case "fence": // only of lives that have ended: what a fence promises
      for (const life of model.dead) model.decide({ do: "fenced", ...life });
      return;
    case "tick":
      model.nowMs += 700;
      return model.decide({ do: "tick" });
    case "lose":
      return void model.letters.splice(0, 1);
  }
}

Deno.test("whatever happens in whatever order, an entity lives once at most, and once when all is healed", () => {
  fc.assert(
    fc.property(acts, fc.boolean(), (sequence, hasBegun) => {
      const model = new Model();
      if (hasBegun) model.begin();
      for (const act of sequence) {
        perform(model, act);
        model.check();
      }
      for (const id of IDS) model.decide({ do: "place", kind: id.split("/")[0]!, id });
      model.heal();
      for (const id of IDS) {
        const [holder, ...more] = model.holdersOf(id);
        const entity = model.state.entities.get(id)!;
        assert.deepEqual([entity.phase, more.length], ["held", 0], `${id} lives`);
        assert.deepEqual(holder, { node: entity.holder!.node, token: entity.token });
      }
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("tokens grow with every grant, of whatever entity", () => {
  fc.assert(fc.property(acts, (sequence) => {
    const model = new Model();
    let highest = 0;
    const granted = new Map<number, string>();
    for (const act of sequence) {
      perform(model, act);
      for (const { id, token, phase, holder } of model.state.entities.values()) {
        if (phase === "free") continue;
        const grant = `${id} ${holder!.life}`;
        assert.ok(granted.get(token) === grant || token > highest);
        granted.set(token, grant);
      }
      highest = Math.max(highest, ...granted.keys());
    }
  }));
});

Deno.test("a keeper starts nothing under a token that it has seen, whatever came first", () => {
  const keeper = new KeeperMachine(2);
  const claim = { id: "k/1", token: 5 };
  const grant = { do: "grant", kind: "k", ...claim } as const;
  const ended = { do: "say", what: "ended", ...claim } as const;
  assert.deepEqual(keeper.step({ do: "revoke", ...claim }), [ended]);
  assert.deepEqual(keeper.step(grant), [ended], "the grant that was overtaken");
  for (const [token, id] of [[6, "k/2"], [7, "k/3"]] as const) {
    keeper.step({ do: "revoke", id, token });
  }
  assert.deepEqual(keeper.step(grant), [ended], "also when it was forgotten");
  assert.deepEqual(keeper.step({ ...grant, token: 8 })[0], { ...grant, do: "start", token: 8 });
});

Deno.test("a keeper that still runs an older grant ends it before it starts a newer one", () => {
  const keeper = new KeeperMachine(2);
  const grant = { do: "grant", kind: "k", id: "k/1" } as const;
  keeper.step({ ...grant, token: 1 });
  assert.deepEqual(keeper.step({ ...grant, token: 4 }), [{ do: "stop", id: "k/1" }]);
  assert.deepEqual(keeper.step({ ...grant, token: 4 }), []);
  keeper.step({ do: "stopped", id: "k/1" });
  assert.equal(keeper.step({ ...grant, token: 4 })[0]!.do, "start");
});

function scene() {
  let state = noPlacement();
  const act = (input: PlacementInput, nowMs = 0): readonly PlacementEffect[] => {
    const step = stepPlacement(state, input, nowMs, LIMITS);
    state = step.state;
    return step.effects;
  };
  const hello = (node: string, life = `${node}1`) =>
    act({ do: "hello", node, life, kinds: ["k"], holds: [] });
  const entity = () => state.entities.get("k/1")!;
  return { act, hello, entity };
}

Deno.test("a moved entity is revoked, confirmed ended, then granted under a higher token", () => {
  const { act, hello } = scene();
  hello("a");
  assert.deepEqual(act({ do: "place", kind: "k", id: "k/1" }), [
    { do: "grant", node: "a", life: "a1", kind: "k", id: "k/1", token: 1 },
  ]);
  hello("b");
  act({ do: "started", node: "a", life: "a1", id: "k/1", token: 1 });
  assert.deepEqual(act({ do: "move", id: "k/1", to: "b" }), [
    { do: "revoke", node: "a", life: "a1", id: "k/1", token: 1 },
  ]);
  assert.deepEqual(act({ do: "ended", node: "a", life: "a1", id: "k/1", token: 1 }), [
    { do: "grant", node: "b", life: "b1", kind: "k", id: "k/1", token: 2 },
  ]);
});

Deno.test("what a lost node held waits for its fence, and goes on where it is if the node comes back", () => {
  const { act, hello, entity } = scene();
  hello("a");
  act({ do: "place", kind: "k", id: "k/1" });
  hello("b");
  act({ do: "started", node: "a", life: "a1", id: "k/1", token: 1 });
  const needsFence = { do: "needsFence", node: "a", life: "a1", id: "k/1", token: 1 };
  assert.deepEqual(act({ do: "lost", node: "a" }), [needsFence]);
  assert.deepEqual(act({ do: "tick" }, 1_000_000), [needsFence]);
  assert.equal(entity().phase, "held");
  assert.deepEqual(act({ do: "fenced", node: "a", life: "a1" }), [
    { do: "grant", node: "b", life: "b1", kind: "k", id: "k/1", token: 2 },
  ]);
  const holds = [{ id: "k/1", token: 1 }];
  assert.deepEqual(act({ do: "hello", node: "a", life: "a1", kinds: ["k"], holds }), [
    { do: "revoke", node: "a", life: "a1", id: "k/1", token: 1 },
  ], "a fenced holder that shows up again is told to end");
});

Deno.test("an entity that failed is granted again after a pause only", () => {
  const { act, hello } = scene();
  hello("a");
  act({ do: "place", kind: "k", id: "k/1" });
  act({ do: "started", node: "a", life: "a1", id: "k/1", token: 1 });
  assert.deepEqual(act({ do: "ended", node: "a", life: "a1", id: "k/1", token: 1 }, 100), []);
  assert.deepEqual(act({ do: "tick" }, 1_000), []);
  assert.equal(act({ do: "tick" }, 1_100)[0]?.do, "grant");
});

Deno.test("keys spread over the nodes, and stay where they are when another node comes", () => {
  const { act, hello } = scene();
  for (const node of ["a", "b", "c"]) hello(node);
  const counts = new Map<string, number>();
  for (let key = 0; key < 90; key += 1) {
    for (const { node } of act({ do: "place", kind: "k", id: `k/${key}` })) {
      counts.set(node, (counts.get(node) ?? 0) + 1);
    }
  }
  for (const node of ["a", "b", "c"]) assert.ok(counts.get(node)! > 15, `${node} has its part`);
  assert.ok(hello("d").every(({ do: what }) => what !== "revoke"));
});

Deno.test("more entities than the limit are refused, and a move of what is not placed", () => {
  const { act } = scene();
  for (let key = 0; key < 100; key += 1) act({ do: "place", kind: "k", id: `k/${key}` });
  assert.throws(() => act({ do: "place", kind: "k", id: "k/100" }), { code: "TooMany" });
  assert.throws(() => act({ do: "move", id: "k/100", to: null }), { code: "NotPlaced" });
});
