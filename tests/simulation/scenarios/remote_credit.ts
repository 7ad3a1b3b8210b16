/** Windows down to one message: memory stays within them, and nobody waits for ever. */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import type { Env } from "../../../runtime/env/env.ts";
import {
  laneWindow,
  type RemoteLimits,
  remoteLimits,
  targetWindow,
} from "../../../runtime/remote/limits.ts";
import { MESSAGE_LANES, type TargetCount } from "../../../runtime/remote/wire.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { scenario } from "../../../runtime/sim/scenario.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { LINK_FAULTS, LINK_STATES, type Member, Mesh, pick, smallLimits } from "./remote_mesh.ts";

const NODES = ["a", "b"];
const SINKS = 3;
/** A message may stand behind a full window of each lane, at 50 ms each; three of two senders do. */
const GETS_ON_MS = 1_000_000;
const SENDERS = 6;
const SIZES = [[1, 50], [1_000, 4_000], [10_000, 120_000]] as const;
/** Nobody writes into it: messages are parts of it. */
const BYTES = new Uint8Array(120_000);
/** Between two messages of a sender: fast ones fill every window, slow ones are cheap. */
const PACES_MS = [5, 30, 100] as const;

const load = z.object({ bytes: z.instanceof(Uint8Array) });
const Store = protocol("sim.store", {
  version: 1,
  messages: {
    note: tell(load),
    vote: tell(load, { lane: "consensus" }),
    chunk: tell(load, { lane: "bulk" }),
  },
});
const TAGS = ["note", "vote", "chunk"] as const;

const store = actor(Store, {
  mailbox: { capacity: 2, full: "wait" },
  state: (args: { readonly sim: Simulation; readonly slowMs: number }) => args,
  on: {
    note: ({ slowMs }, _, { env }) => after(env, slowMs),
    vote: ({ slowMs }, _, { env }) => after(env, slowMs),
    chunk: ({ slowMs }, _, { env }) => after(env, slowMs),
  },
});

function after({ timers }: Pick<Env, "timers">, ms: number): Promise<void> | undefined {
  if (ms === 0) return;
  return new Promise<void>((resolve) => timers.after(ms, resolve));
}

/** One loop that sends and waits for room; what it has brought away. */
interface Sender {
  readonly life: string;
  readonly to: string;
  sent: number;
}

/** What a sender sends where. */
interface Course {
  readonly ref: Ref<typeof Store>;
  readonly tag: typeof TAGS[number];
  readonly size: () => number;
  readonly paceMs: number;
  readonly random: SeededRandom;
}

class Load {
  readonly senders: Sender[] = [];
  isResting = false;

  constructor(
    readonly sim: Simulation,
    readonly limits: RemoteLimits,
  ) {}

  begin(member: Member): void {
    const random = this.sim.random(`load ${member.life}`);
    const sinks = NODES.filter((name) => name !== member.name).flatMap((name) =>
      Array.from(
        { length: SINKS },
        (_, index) => member.node.ref(Store, `quorus://${name}/store/${index}`),
      )
    );
    for (let index = 0; index < SENDERS; index += 1) {
      const ref = pick(random, sinks);
      const tag = TAGS[index % TAGS.length]!;
      const [low, high] = pick(random, SIZES);
      const paceMs = pick(random, PACES_MS);
      const sender: Sender = { life: member.life, to: `${ref.address} ${tag}`, sent: 0 };
      this.senders.push(sender);
      const size = (): number => random.integer(low, high);
      void this.#loop(member, sender, { ref, tag, size, paceMs, random });
    }
  }

  async #loop(
    member: Member,
    sender: Sender,
    { ref, tag, size, paceMs, random }: Course,
  ): Promise<void> {
    while (!this.isResting) {
      const bytes = BYTES.subarray(0, size());
      const isSent = random.chance(0.3)
        ? ref.tell(tag, { bytes }) === "accepted"
        : await ref.send(tag, { bytes }).then(() => true, () => false);
      if (isSent) sender.sent += 1;
      this.#look(member, bytes.length);
      await after(member.env, isSent ? paceMs : 100);
    }
  }

  #look({ node }: Member, bytes: number): void {
    const { sim } = this;
    for (const { held } of node.links.peers()) {
      const wrong = this.#beyond(held);
      sim.check("what is under way fits its window", wrong === null, wrong);
      const window = laneWindow(this.limits, "bulk");
      sim.sometimes("a message larger than a window", bytes > window.bytes);
      sim.sometimes("credit exhausted", held.some((one) => one.messages >= window.messages));
    }
  }

  /** More than the window of a lane or of a target, but for one message alone. */
  #beyond(held: readonly TargetCount[]): string | null {
    for (const one of held) {
      const { messages, bytes } = targetWindow(this.limits, one.lane);
      if (one.messages > 1 && (one.messages > messages || one.bytes > bytes)) {
        return `${JSON.stringify(one)} of ${JSON.stringify({ messages, bytes })}`;
      }
    }
    for (const lane of MESSAGE_LANES) {
      const window = laneWindow(this.limits, lane);
      const ofLane = held.filter((one) => one.lane === lane);
      const messages = ofLane.reduce((sum, one) => sum + one.messages, 0);
      const bytes = ofLane.reduce((sum, one) => sum + one.bytes, 0);
      if (messages <= 1) continue;
      if (messages > window.messages || bytes > window.bytes) {
        return `${lane}: ${messages} messages, ${bytes} bytes of ${JSON.stringify(window)}`;
      }
    }
    return null;
  }
}

export const remoteCredit = scenario({
  name: "remote/credit",
  describe: "what is under way fits its window, and whoever waits for room gets it",
  durationMs: 12_000,
  nodes: NODES,
  faults: { kinds: LINK_FAULTS, intensity: [0, 0.9] },
  sometimes: [
    // Nobody watches anybody: there are no system messages.
    ...LINK_STATES.filter((state) => state !== "a reconnect with pending system messages"),
    "credit exhausted",
    "a message larger than a window",
  ],
  run: async (sim) => {
    const small = smallLimits(sim);
    const load = new Load(sim, remoteLimits(small));
    const random = sim.random("stores");
    const boot = (member: Member): void => {
      for (let index = 0; index < SINKS; index += 1) {
        const args = { sim, slowMs: pick(random, [0, 0, 3, 50]) };
        member.node.spawn(store, { name: `store/${index}`, args });
      }
      load.begin(member);
    };
    const mesh = new Mesh(sim, { names: NODES, limits: small, boot });
    await sim.faults();
    await mesh.meet();
    const before = load.senders.map(({ sent }) => sent);
    await sim.converge("every sender gets on", GETS_ON_MS, () => {
      const stuck = load.senders.filter(({ life, sent }, index) =>
        mesh.lives(life) && sent < before[index]! + 3
      );
      return stuck.length === 0 || stuck.map(({ life, to }) => `${life} > ${to}`).join("; ");
    });
    load.isResting = true;
    await mesh.rest(400_000);
    await mesh.stop();
  },
});
