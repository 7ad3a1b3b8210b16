import assert from "node:assert/strict";
import {
  mayClean,
  readVolumes,
  VOLUME_MARKER,
  type VolumeOption,
} from "../../../actors/agent/volumes.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { ClusterRig } from "./cluster_rig.ts";

async function withDirectories(...paths: string[]): Promise<SimulatedEnv> {
  const env = simulatedEnv({ seed: 1 });
  for (const path of paths) {
    await env.world.complete(env.disk.makeDirectory(path, { recursive: true }));
  }
  return env;
}

function read(env: SimulatedEnv, ...options: VolumeOption[]) {
  return env.world.complete(readVolumes(env.disk, env.random, options));
}

async function write(env: SimulatedEnv, path: string, text: string): Promise<void> {
  await env.world.complete((async () => {
    const file = await env.disk.open(path, { write: true, create: true, truncate: true });
    await file.write(new TextEncoder().encode(text), 0);
    await file.close();
  })());
}

Deno.test("a volume is marked once, and keeps its id wherever it is mounted", async () => {
  const env = await withDirectories("/data", "/elsewhere");
  const [first] = await read(env, { path: "/data/", create: true });
  assert.deepEqual([first!.path, first!.readOnly], ["/data", false]);
  assert.match(first!.id, /^[0-9a-f]{32}$/);
  const [again] = await read(env, { path: "/data", readOnly: true });
  assert.deepEqual(again, { ...first, readOnly: true });
  await write(env, `/elsewhere/${VOLUME_MARKER}`, JSON.stringify({ version: 1, id: first!.id }));
  const [other] = await read(env, { path: "/elsewhere", create: true });
  assert.equal(other!.id, first!.id);
});

Deno.test("two agents that mark one directory at a time find the same id", async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const env = simulatedEnv({ seed });
    await env.world.complete(env.disk.makeDirectory("/data"));
    const options = [{ path: "/data", create: true }];
    const both = Promise.all([
      readVolumes(env.disk, env.random, options),
      readVolumes(env.disk, env.random, options),
    ]);
    const [one, other] = await env.world.complete(both);
    assert.equal(one[0]!.id, other[0]!.id);
    const names = await env.world.complete(env.disk.readDirectory("/data"));
    assert.deepEqual(names.map(({ name }) => name), [VOLUME_MARKER], "nothing else is left");
  }
});

Deno.test("a directory without a marker, or with a wrong one, is no volume", async () => {
  const env = await withDirectories("/data");
  await assert.rejects(read(env, { path: "/data" }), /no marker file .quorus-volume/);
  await assert.rejects(read(env, { path: "/data", readOnly: true, create: true }), /no marker/);
  await assert.rejects(read(env, { path: "/gone", create: true }), /cannot use \/gone/);
  await assert.rejects(read(env, { path: "data" }), /no absolute path/);
  for (const text of ["", "{}", "not JSON", '{"version":2,"id":"x"}', " ".repeat(5_000)]) {
    await write(env, `/data/${VOLUME_MARKER}`, text);
    await assert.rejects(read(env, { path: "/data", create: true }), { code: "badVolume" });
  }
});

Deno.test("only what lies on a volume that may be written is cleaned up", () => {
  const volumes = [
    { id: "a", path: "/data", readOnly: false },
    { id: "b", path: "/data/archive", readOnly: true },
  ];
  const may = ["/data", "/data/", "/data/old", "file:///data/old", "/data/archived"];
  const mayNot = ["/", "/etc", "/data/archive", "/data/archive/x", "/data/../etc", "/database"];
  for (const target of may) assert.ok(mayClean(volumes, target), target);
  for (const target of mayNot) assert.ok(!mayClean(volumes, target), target);
});

Deno.test("an agent tells its volumes, and cleans up on them alone", async () => {
  const rig = new ClusterRig();
  await rig.open();
  const role = await rig.startAgent("a1", {
    folder: "/agent",
    volumes: [{ path: "/", create: true }],
  });
  await rig.until("registered", () => role.status().status === "idle");
  assert.equal(rig.group.state.agents.get("a1")!.registration.volumes[0]?.path, "/");
  const { env: machine } = rig.agents.get("a1")!;
  await rig.complete(machine.disk.makeDirectory("/out"));
  await write(machine, "/out/old", "old");
  await rig.world.pass(10);
  const ask = (target: string) => {
    const action = { type: "cleanup", target, retentionDays: 0 } as const;
    return rig.complete(rig.tell("a1").ask("perform", { action, failedJobs: [] }));
  };
  assert.deepEqual(await ask("/out"), { removed: 1, kept: 0, partial: false });
  assert.equal(await rig.complete(machine.disk.stat("/out/old")), null);
  await assert.rejects(ask("/out/../etc"), /on no volume/);
  await rig.close();
});
