/** Asks between nodes: each settles in time, is answered at most once, and leaves nothing behind. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b", "c"];
const DESKS = 3;
/** Longer than the run: only a cancel or the end of an association ends such a handler. */
const LONG_MS = 3_600_000;
/** A wheel's tick and a turn. */
const SLACK_MS = 250;
/** Far more than a cancel takes over a link that stands. */
const CANCEL_MS = 2_000;
const CANCELS = 4;

const question = z.object({ id: z.number(), how: z.string(), bytes: z.instanceof(Uint8Array) });
const answer = z.object({ id: z.number(), bytes: z.instanceof(Uint8Array) });

const Desk = protocol("sim.desk", {
  version: 1,
  messages: { question: ask(question, answer) },
});

/** One ask. */
interface Asked {
  readonly id: number;
  readonly life: string;
  /** The address of the actor that is asked. */
  readonly to: string;
  readonly dueMs: number;
  isCancelled: boolean;
  settledMs: number | null;
  handled: number;
  /** The life that handles it now. */
  handledBy: string | null;
}

/** All asks of a run. */
class Ledger {
  readonly asks: Asked[] = [];
  isResting = false;

  constructor(readonly sim: Simulation, readonly random: SeededRandom) {}

  begin(life: string, to: string, dueMs: number): Asked {
    const id = this.asks.length;
    const asked = {
      id,
      life,
      to,
      dueMs,
      isCancelled: false,
      settledMs: null,
      handled: 0,
      handledBy: null,
    };
    this.asks.push(asked);
    return asked;
  }

  handle(id: number, life: string): Asked {
    const asked = this.asks[id]!;
    asked.handled += 1;
    this.sim.check("an ask is handled at most once", asked.handled === 1, `ask ${id}`);
    asked.handledBy = life;
    return asked;
  }
}

interface DeskArgs {
  readonly ledger: Ledger;
  readonly member: Member;
}

const desk = actor(Desk, {
  mailbox: { capacity: 4, full: "wait" },
  children: { max: 100_000 },
  state: (args: DeskArgs) => args,
  on: {
    question: ({ ledger, member }, { id, how }, { signal, env }) => {
      const asked = ledger.handle(id, member.life);
      const done = (bytes = 0): z.infer<typeof answer> => {
        asked.handledBy = null;
        return { id, bytes: new Uint8Array(bytes) };
      };
      if (how === "now") return done();
      if (how === "large") return done(100_000);
      return new Promise((resolve) => {
        const late = env.timers.after(how === "later" ? 50 : LONG_MS, () => resolve(done()));
        const abort = (): void => {
          late.cancel();
          ledger.sim.sometimes("a cancel reaches the handler");
          resolve(done());
        };
        if (signal.aborted) abort();
        else signal.addEventListener("abort", abort);
      });
    },
  },
});

function put(ledger: Ledger, member: Member, ref: Ref<typeof Desk>): void {
  const { random, sim } = ledger;
  const how = pick(random, ["now", "now", "large", "later", "never"]);
  const withinMs = pick(random, [1, 100, 2_000, 10_000]);
  const nowMs = (): number => member.env.clock.monotonic();
  const asked = ledger.begin(member.life, ref.address, nowMs() + withinMs);
  const cancel = new AbortController();
  const bytes = new Uint8Array(random.chance(0.05) ? 50_000 : random.integer(0, 50));
  const isPatient = random.chance(0.7);
  const message = { id: asked.id, how, bytes };
  const settled = (): void => {
    sim.check("an ask settles once", asked.settledMs === null, `ask ${asked.id}`);
    asked.settledMs = nowMs();
  };
  ref.ask("question", message, { withinMs, signal: cancel.signal }).then((reply) => {
    settled();
    sim.check("a reply is that of its ask", reply.id === asked.id, `${reply.id}, ${asked.id}`);
  }, (error) => {
    settled();
    sim.sometimes("too many asks", error.code === "TooMany");
  });
  if (isPatient) return;
  member.env.timers.after(random.integer(1, 500), () => cancel.abort());
}

/** Whoever asks a node that is given up need not wait for the deadline. */
function watchGone({ sim, asks }: Ledger, { life, node, env }: Member): void {
  node.links.subscribe(({ kind, peer }) => {
    if (kind !== "unreachable") return;
    const open = asks.filter((asked) =>
      asked.life === life && asked.settledMs === null &&
      asked.to.startsWith(`quorus://${peer.node}/`)
    );
    sim.sometimes("an ask of who is given up", open.length > 0);
    env.timers.after(SLACK_MS, () => {
      const waits = open.filter(({ settledMs }) => settledMs === null).map(({ id }) => id);
      sim.check("asks fail when their node is given up", waits.length === 0, waits);
    });
  });
}

function bootMember(ledger: Ledger, member: Member): void {
  for (let index = 0; index < DESKS; index += 1) {
    member.node.spawn(desk, { name: `desk/${index}`, args: { ledger, member } });
  }
  const refs = NODES.filter((name) => name !== member.name).flatMap((name) =>
    Array.from(
      { length: DESKS },
      (_, index) => member.node.ref(Desk, `quorus://${name}/desk/${index}`),
    )
  );
  watchGone(ledger, member);
  const again = (): void => {
    if (ledger.isResting) return;
    for (let count = ledger.random.integer(0, 3); count > 0; count -= 1) {
      put(ledger, member, pick(ledger.random, refs));
    }
    member.env.timers.after(ledger.random.integer(10, 200), again);
  };
  again();
}

/** An ask that has not settled in its time, in a life that goes on. */
function overdue(ledger: Ledger, mesh: Mesh): string | true {
  for (const { id, life, dueMs, settledMs } of ledger.asks) {
    const member = mesh.members.find((one) => one.life === life);
    if (settledMs !== null || member === undefined || !member.env.alive) continue;
    const lateMs = member.env.clock.monotonic() - dueMs;
    if (lateMs > SLACK_MS) return `ask ${id} of ${life} is ${lateMs} ms late`;
  }
  return true;
}

/** A handler that works for nobody any more. */
function orphan(ledger: Ledger, mesh: Mesh): string | true {
  for (const { id, handledBy } of ledger.asks) {
    if (handledBy !== null && mesh.lives(handledBy)) return `${handledBy} still handles ${id}`;
  }
  return true;
}

/** An ask is given up as its link breaks: the far side hears of it when there is a link again. */
async function cancelAsLinkBreaks(ledger: Ledger, mesh: Mesh): Promise<void> {
  const { sim, random } = ledger;
  const from = pick(random, NODES);
  const to = pick(random, NODES.filter((name) => name !== from));
  const member = mesh.alive(from)!;
  const ref = member.node.ref(Desk, `quorus://${to}/desk/0`);
  const asked = ledger.begin(member.life, ref.address, Infinity);
  const cancel = new AbortController();
  const message = { id: asked.id, how: "never", bytes: new Uint8Array() };
  ref.ask("question", message, { withinMs: LONG_MS, signal: cancel.signal }).catch(() => {
    asked.settledMs = sim.world.nowMs;
  });
  await sim.converge("the ask arrives", 10_000, () => asked.handledBy !== null);
  const deeds = [() => cancel.abort(), () => sim.world.network.reset(from, to)];
  if (random.chance(0.5)) deeds.reverse();
  for (const deed of deeds) deed();
  await mesh.meet();
  await sim.converge("a cancel arrives over the next link", CANCEL_MS, () => orphan(ledger, mesh));
}

export const remoteAsks = scenario({
  name: "remote/asks",
  describe: "every ask settles by its deadline, its cancel reaches the far side, nothing is left",
  durationMs: 20_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [
    ...LINK_STATES,
    "a cancel reaches the handler",
    "too many asks",
    "an ask of who is given up",
  ],
  run: async (sim) => {
    const ledger = new Ledger(sim, sim.random("asks"));
    const asksPending = pick(sim.random("ask limit"), [3, 20, 10_000]);
    const mesh = new Mesh(sim, {
      names: NODES,
      limits: { ...smallLimits(sim), asksPending },
      boot: (member) => bootMember(ledger, member),
    });
    // A process that is stopped or slow learns late what time it is.
    const isPunctual = !sim.plan.events.some(({ kind }) => kind === "stop" || kind === "slow");
    if (isPunctual) sim.invariant("asks settle in time", () => overdue(ledger, mesh), "points");
    await sim.faults();
    await mesh.meet();
    ledger.isResting = true;
    await sim.pass(12_000);
    const late = overdue(ledger, mesh);
    sim.check("every ask has settled", late === true, late);
    await sim.converge("no handler works for nobody", 60_000, () => orphan(ledger, mesh));
    for (let round = 0; round < CANCELS; round += 1) await cancelAsLinkBreaks(ledger, mesh);
    await mesh.rest();
    await mesh.stop();
  },
});
