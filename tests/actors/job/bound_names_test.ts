/** Destinations whose unpublished files are bound to one name, as uploads to object stores are. */

import assert from "node:assert/strict";
import type { AttemptTools } from "../../../actors/job/tools.ts";
import type { Sink, SinkFile, TransferProtocol } from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { plainSpec, Rig } from "./rig.ts";

const SIZE = 20_000;
const OTHER = new Uint8Array(10);

/** A rig, its tools with such a destination, and the names that files were created for. */
interface BoundRig {
  readonly rig: Rig;
  readonly tools: AttemptTools;
  readonly created: string[];
}

/** A rig whose destination binds a file to the name that it is created for. */
function boundRig(begun: (name: string) => void = () => {}): BoundRig {
  const rig = new Rig({
    to: "memory",
    spec: () => {
      const spec = plainSpec("memory");
      return { ...spec, destination: { ...spec.destination, conflict: "rename" } };
    },
  });
  const created: string[] = [];
  const inner = memoryProtocol(rig.sink);
  const protocol: TransferProtocol = {
    name: "sink",
    schemes: ["sink"],
    sink: (endpoint, context) => {
      const uri = endpoint.uri.replace("sink:", "memory:");
      return binding(inner.sink!({ ...endpoint, uri }, context), (name) => {
        created.push(name);
        begun(name);
      });
    },
  };
  const protocols = protocolRegistry([memoryProtocol(rig.source), protocol]);
  return { rig, tools: { ...rig.tools, protocols }, created };
}

function binding(sink: Sink, begun: (name: string) => void): Sink {
  const names = new Map<string, string>();
  const bound = (file: SinkFile): SinkFile =>
    Object.assign(file, { boundTo: names.get(file.temp) ?? null });
  const create = sink.create.bind(sink);
  const reopen = sink.reopen.bind(sink);
  const publish = sink.publish.bind(sink);
  return Object.assign(
    sink,
    {
      create: async (temp: string, signal: AbortSignal, size?: number | null, name = sink.name) => {
        names.set(temp, name);
        const file = bound(await create(temp, signal, size));
        begun(name);
        return file;
      },
      reopen: async (temp: string, signal: AbortSignal) => {
        const file = await reopen(temp, signal);
        return file === null ? null : bound(file);
      },
      publish: async (file: SinkFile, options: Parameters<Sink["publish"]>[1]) => {
        if (options.name === file.boundTo) return await publish(file, options);
        throw new ProtocolError("unsupported", "cannot publish: bound to another name");
      },
    } satisfies Partial<Sink>,
  );
}

Deno.test("conflict rename begins the file for the first free name, and publishes it as that", async () => {
  const { rig, tools, created } = boundRig();
  await rig.place("/out/to", OTHER);
  await rig.place("/out/to (1)", OTHER);
  const bytes = rig.put(SIZE);
  assert.equal((await rig.attempt(tools)).receipt?.name, "to (2)");
  assert.deepEqual(created, ["to (2)"]);
  assert.deepEqual(await rig.published("to (2)"), bytes);
});

Deno.test("a file whose name was taken after it was begun is made again for another one", async () => {
  const { rig, tools, created }: BoundRig = boundRig((name) => {
    if (name === "to") rig.sink.put("/out/to", OTHER);
  });
  const bytes = rig.put(SIZE);
  const first = await rig.attempt(tools);
  assert.deepEqual([first.state, first.error?.code], ["retrying", "temporaryDamaged"]);
  assert.equal((await rig.attempt(tools)).receipt?.name, "to (1)");
  assert.deepEqual(created, ["to", "to (1)"]);
  assert.deepEqual(await rig.published("to (1)"), bytes);
  assert.deepEqual(await rig.published(), OTHER);
});
