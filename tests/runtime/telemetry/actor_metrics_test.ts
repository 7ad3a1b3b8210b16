import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { actorMetrics } from "../../../runtime/telemetry/actor_metrics.ts";
import { prometheusText } from "../../../runtime/telemetry/prometheus.ts";
import { virtualNode } from "../../../testing.ts";

const Note = protocol("test.note", { version: 1, messages: { add: tell(z.number()) } });

Deno.test("a node's metrics read as Prometheus text, labelled with the node", async () => {
  const { node, world } = virtualNode({ id: "node-a" });
  const ref = node.spawn(actor(Note, { state: () => null, on: { add: () => {} } }), {});
  ref.tell("add", 1);
  await world.pass(1);
  node.ref(Note, "quorus://node-a/nobody").tell("add", 2);
  const lines = prometheusText(actorMetrics(node.id, node.metrics())).split("\n");
  for (
    const line of [
      "# TYPE quorus_actor_actors gauge",
      'quorus_actor_actors{node="node-a"} 1',
      'quorus_actor_messages_total{node="node-a",protocol="test.note"} 1',
      'quorus_actor_dead_letters_total{node="node-a",reason="noSuchActor"} 1',
      'quorus_actor_handler_seconds_count{node="node-a"} 1',
      'quorus_actor_mailbox_depth_high{node="node-a"} 1',
      'quorus_actor_restarts_total{node="node-a"} 0',
    ]
  ) assert.ok(lines.includes(line), line);
  await world.complete(node.stop());
});
