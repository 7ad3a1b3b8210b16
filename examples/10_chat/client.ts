/**
 * One member of the chat: `deno run -A examples/10_chat/client.ts NAME URL`, then type.
 *
 * 1. Links come back by themselves. Short breaks are not even seen: messages wait for the link.
 * 2. A room that is gone for good (it was started anew, say) ends the watch, and this member joins
 *    again until somebody answers.
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { actor, startNode } from "@quorus/quorus";
import { Member, Room } from "./protocol.ts";

const ROOM = "quorus://room/room";
const RETRY_MS = 500;

const member = actor(Member, {
  state: (name: string, ctx) => {
    ctx.self.tell("join", {});
    return { name, room: ctx.ref(Room, ROOM) };
  },
  on: {
    join: ({ room }, _body, ctx) => {
      ctx.task("join", (signal) => room.ask("join", { member: ctx.self.address }, { signal }));
    },
    hear: (_state, { text }) => console.log(text),
    type: ({ name, room }, { text }) => {
      const delivery = room.tell("say", { name, text }); // who must know that it came, asks instead
      if (delivery !== "accepted") console.log(`* not sent (${delivery}): ${text}`);
    },
  },
  done: ({ room }, task, ctx) => {
    if (!task.ok) return ctx.after("again", RETRY_MS, "join", {});
    ctx.watch(room);
    console.log(`* here are ${(task.value as { present: string[] }).present.join(", ")}`);
  },
  ended: (_state, _end, ctx) => {
    console.log("* the room is gone, waiting for it");
    ctx.self.tell("join", {});
  },
});

const [name = "ada", url = "ws://127.0.0.1:4100"] = Deno.args;
const token = Deno.env.get("CHAT_TOKEN");
if (token === undefined) throw new Error("set CHAT_TOKEN, to the same value on both sides");

const node = startNode({ id: name, logLevel: "error", links: { token } });
try {
  await node.links.connect({ node: "room", url }); // waits for a room that is not there yet
  const me = node.spawn(member, { name: "member", args: name });
  for await (const text of createInterface({ input: process.stdin })) me.tell("type", { text });
} catch (error) {
  console.error(String(error)); // refused: says why, and what to do
  Deno.exitCode = 1;
}
await node.stop();
