/** Local files below the folders that are used here: the suite as it stands, and every way out of them. */

import assert from "node:assert/strict";
import type { SinkEndpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { fileUriOf } from "../../../protocols/file/uri.ts";
import { ReachGuard } from "../../../protocols/reach.ts";
import { confinedDisk } from "../../../protocols/reach_disk.ts";
import { DEFAULT_REACH } from "../../../protocols/reach_policy.ts";
import { reaching } from "../../../protocols/wrappers/reach.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertFails, fetched, NEVER } from "../../conformance/case.ts";
import { conformance } from "../../conformance/suite.ts";
import { fileHarness } from "./harness.ts";

function confined(env: ReturnType<typeof realEnv>, folders: readonly string[]) {
  const guard = new ReachGuard({ ...DEFAULT_REACH, paths: folders }, env);
  return reaching(fileProtocol(), guard, true);
}

conformance("file below a folder that is used here", async () => {
  const directory = await Deno.makeTempDir();
  const env = realEnv();
  return {
    ...fileHarness(env, directory),
    protocol: confined(env, [directory]),
    close: async () => {
      env.close();
      await Deno.remove(directory, { recursive: true });
    },
  };
});

interface Scene {
  readonly inside: string;
  readonly outside: string;
  readonly env: ReturnType<typeof realEnv>;
}

async function withFolders(test: (scene: Scene) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const env = realEnv();
  const scene = { env, inside: `${folder}/in`, outside: `${folder}/out` };
  try {
    await Deno.mkdir(scene.inside);
    await Deno.mkdir(scene.outside);
    await Deno.writeTextFile(`${scene.outside}/secret`, "hush");
    await test(scene);
  } finally {
    env.close();
    await Deno.remove(folder, { recursive: true });
  }
}

function sinkEndpoint(path: string): SinkEndpoint {
  return { ...plainEndpoint(fileUriOf(path)), createDirectories: true, root: null, sync: true };
}

Deno.test("file: links out of the folder are followed neither for reading nor for writing", () =>
  withFolders(async ({ env, inside, outside }) => {
    await Deno.symlink(outside, `${inside}/folder`);
    await Deno.symlink(`${outside}/secret`, `${inside}/file`);
    const protocol = confined(env, [inside]);
    for (const name of ["file", "folder/secret"]) {
      const source = protocol.source!(plainEndpoint(fileUriOf(`${inside}/${name}`)), { env });
      const error = await assertFails(() => source.stat(NEVER), "forbidden", name);
      assert.match(error.message, /reach\.paths decides it/);
      await assertFails(() => fetched(source), "forbidden", name);
      await source.close();
    }
    for (const name of ["folder/new", "folder/made/new"]) {
      const sink = protocol.sink!(sinkEndpoint(`${inside}/${name}`), { env });
      await assertFails(() => sink.create("t.part", NEVER), "forbidden", name);
      await sink.close();
    }
    const listed = plainEndpoint(`${fileUriOf(`${inside}/folder`)}/`);
    const directory = protocol.directory!(listed, { env });
    const listing = async () => {
      for await (const page of directory.list(NEVER)) assert.fail(JSON.stringify(page));
    };
    await assertFails(listing, "forbidden", "a listing through a link");
    await assertFails(() => directory.remove("secret", null, NEVER), "forbidden", "a removal");
    await directory.close();
    assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name), ["secret"]);
  }));

Deno.test("file: a link that is swapped in between two calls is found at the next one", () =>
  withFolders(async ({ env, inside, outside }) => {
    await Deno.mkdir(`${inside}/folder`);
    await Deno.writeTextFile(`${inside}/folder/secret`, "mine");
    const protocol = confined(env, [inside]);
    const uri = fileUriOf(`${inside}/folder/secret`);
    const source = protocol.source!(plainEndpoint(uri), { env });
    assert.equal((await source.stat(NEVER)).fingerprint.size, 4);
    await Deno.rename(`${inside}/folder`, `${inside}/kept`);
    await Deno.symlink(outside, `${inside}/folder`);
    await assertFails(() => fetched(source), "forbidden", "after the swap");
    const sink = protocol.sink!(sinkEndpoint(`${inside}/folder/new`), { env });
    await assertFails(() => sink.create("t.part", NEVER), "forbidden", "a sink after the swap");
    await sink.close();
    await source.close();
  }));

Deno.test("file: places elsewhere are refused when they are declared", () =>
  withFolders(async ({ env, inside, outside }) => {
    const protocol = confined(env, [inside]);
    for (const uri of [`file://${outside}/secret`, `file://${inside}/../out/secret`, "file:///x"]) {
      const open = () => protocol.source!(plainEndpoint(uri), { env });
      await assertFails(open, "forbidden", uri);
      const write = () => protocol.sink!({ ...sinkEndpoint("/x"), uri }, { env });
      await assertFails(write, "forbidden", uri);
    }
  }));

Deno.test("a confined disk answers below its folders and for nothing else", () =>
  withFolders(async ({ env, inside, outside }) => {
    const disk = confinedDisk(env.disk, [inside]);
    await Deno.symlink(outside, `${inside}/link`);
    await Deno.writeTextFile(`${inside}/a`, "a");
    assert.equal((await disk.stat(`${inside}/a`))?.size, 1);
    assert.equal(await disk.stat(`${inside}/none/deeper`), null);
    assert.equal(
      (await disk.lstat(`${inside}/link`))?.kind,
      "symlink",
      "the link itself is inside",
    );
    await disk.rename(`${inside}/a`, `${inside}/b`);
    await disk.makeDirectory(`${inside}/new/deep`, { recursive: true });
    await disk.remove(`${inside}/link`);
    await Deno.symlink(outside, `${inside}/link`);
    const escapes: (() => Promise<unknown>)[] = [
      () => disk.open(`${inside}/link/secret`, { read: true }),
      () => disk.stat(`${outside}/secret`),
      () => disk.stat(`${inside}/link`),
      () => disk.lstat(`${inside}/link/secret`),
      () => disk.realPath(`${inside}/link`),
      () => disk.rename(`${inside}/b`, `${outside}/b`),
      () => disk.rename(`${outside}/secret`, `${inside}/c`),
      () => disk.link(`${outside}/secret`, `${inside}/c`),
      () => disk.remove(`${inside}/link/secret`),
      () => disk.makeDirectory(`${inside}/link/new`),
      () => disk.readDirectory(`${inside}/link`),
      () => disk.readDirectory(`${inside}/..`),
      () => disk.tryLock(`${outside}/lock`),
    ];
    for (const [index, escape] of escapes.entries()) {
      await assertFails(escape, "forbidden", `way ${index}`);
    }
    assert.deepEqual([...Deno.readDirSync(outside)].map(({ name }) => name), ["secret"]);
  }));
