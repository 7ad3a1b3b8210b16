/**
 * The chat's room, a process of its own: start it, and a client or two in other terminals.
 *
 * ```sh
 * export CHAT_TOKEN=$(head -c 16 /dev/urandom | base64)   # the same in every terminal
 * deno run -A examples/10_chat/room.ts 4100
 * deno run -A examples/10_chat/client.ts ada ws://127.0.0.1:4100
 * ```
 *
 * A member that goes away, on purpose or by accident, ends the room's watch of it exactly once.
 */

import process from "node:process";
import { actor, type Ref, startNode } from "@quorus/quorus";
import { Member, Room } from "./protocol.ts";

const nameOf = (address: string): string => new URL(address).hostname;

const room = actor(Room, {
  state: () => new Map<string, Ref<typeof Member>>(),
  on: {
    join: (members, { member }, ctx) => {
      const ref = ctx.ref(Member, member);
      ctx.watch(ref);
      for (const other of members.values()) {
        other.tell("hear", { text: `* ${nameOf(member)} is here` });
      }
      members.set(member, ref);
      return { present: [...members.keys()].map(nameOf) };
    },
    say: (members, { name, text }) => {
      for (const member of members.values()) member.tell("hear", { text: `${name}: ${text}` });
    },
  },
  ended: (members, { ref }) => {
    members.delete(ref.address);
    for (const other of members.values()) {
      other.tell("hear", { text: `* ${nameOf(ref.address)} has left` });
    }
  },
});

const [port = "4100"] = Deno.args;
const token = Deno.env.get("CHAT_TOKEN");
if (token === undefined) throw new Error("set CHAT_TOKEN, to the same value on both sides");

const node = startNode({
  id: "room",
  logLevel: "warn",
  links: { listen: [{ hostname: "127.0.0.1", port: Number(port) }], token },
});
node.spawn(room, { name: "room" });
await node.links.ready; // rejects where the port is taken
console.log("listening on", node.links.urls[0]);
process.once("SIGTERM", () => void node.stop());
