/** Uploads by tus 1.0 to the server of the protocol's own authors. */

import assert from "node:assert/strict";
import type { Sink, SinkEndpoint } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { type RunningTusServer, startTusServer } from "../../servers/tus_server.ts";

const LARGE = 20_000_003;

interface Place {
  readonly server: RunningTusServer;
  readonly env: Env;
  /** A sink of a fresh protocol, as another process has. */
  sink(options?: SinkEndpoint["options"]): Sink;
}

function tusTest(
  name: string,
  body: (place: Place) => Promise<void>,
  options: Parameters<typeof startTusServer>[0] = {},
): void {
  Deno.test(name, async () => {
    const server = await startTusServer(options);
    const env = realEnv();
    const sink = (more: SinkEndpoint["options"] = {}) =>
      httpProtocol().sink!({
        ...plainEndpoint(server.url),
        ...{ createDirectories: false, root: null, sync: true },
        options: { upload: "tus", name: "a.bin", ...more },
      }, { env });
    try {
      await body({ server, env, sink });
    } finally {
      env.close();
      await server.close();
    }
  });
}

const PUBLISH = { name: "a.bin", replace: false, mtimeMs: null, mode: null };

async function writeAll(
  file: { write(bytes: Uint8Array, at: number): Promise<void> },
  bytes: Uint8Array,
  from = 0,
): Promise<void> {
  for (let at = from; at < bytes.length; at += 1_000_000) {
    await file.write(bytes.subarray(at, at + 1_000_000), at);
  }
}

for (const size of [0, 1, 100_000, LARGE]) {
  for (const known of [size, null]) {
    const told = known === null ? "not told" : "told";
    tusTest(
      `${size} bytes arrive with the publishing, their number ${told} before`,
      async (place) => {
        const sink = place.sink();
        const file = await sink.create("t", NEVER, known);
        await writeAll(file, patterned(size));
        await file.sync();
        assert.equal(await file.size(), size);
        assert.deepEqual(await place.server.complete(), [], "nothing is complete before");
        assert.equal(
          await sink.probe("t", { name: "", size, sha256: null, fileId: null }),
          "unpublished",
        );
        await sink.publish(file, PUBLISH);
        const [seen, ...more] = await place.server.complete();
        assert.equal(seen!.name, "a.bin");
        assertBytes(seen!.bytes, patterned(size), "the upload");
        assert.equal(more.length, 0);
        await sink.close();
      },
    );
  }
}

tusTest("lost pieces and lost answers are made up for, not a byte twice", async (place) => {
  const { server } = place;
  const bytes = patterned(LARGE);
  let patches = 0;
  server.intercept = (request) => {
    if (request.method !== "PATCH") return null;
    patches += 1;
    if (patches === 1) return new Response(null, { status: 503 });
    return patches === 3 ? lostAnswer(server, request) : null;
  };
  const sink = place.sink();
  const file = await sink.create("t", NEVER, LARGE);
  await writeAll(file, bytes);
  await sink.publish(file, PUBLISH);
  const [seen] = await server.complete();
  assertBytes(seen!.bytes, bytes, "the upload");
  await sink.close();
});

/** The piece arrives, its answer does not. */
async function lostAnswer(server: RunningTusServer, request: Request): Promise<Response> {
  const { intercept } = server;
  server.intercept = null;
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const body = await request.bytes();
  const again = await fetch(request.url, { method: "PATCH", headers, body });
  await again.body?.cancel();
  server.intercept = intercept;
  return new Response(null, { status: 502 });
}

tusTest(
  "another process goes on where the upload ended, by the folder of addresses",
  async (place) => {
    const urls = await Deno.makeTempDir({ prefix: "quorus-urls-" });
    const bytes = patterned(LARGE);
    const first = place.sink({ urls });
    const begun = await first.create("t", NEVER, LARGE);
    await writeAll(begun, bytes.subarray(0, 12_000_000));
    await begun.sync();
    await begun.close();
    await first.close();
    const later = place.sink({ urls });
    const file = (await later.reopen("t", NEVER))!;
    assert.equal(await file.size(), 12_000_000);
    await writeAll(file, bytes, 12_000_000);
    await later.publish(file, PUBLISH);
    const [seen] = await place.server.complete();
    assertBytes(seen!.bytes, bytes, "the upload");
    const expected = { name: "a.bin", size: LARGE, sha256: null, fileId: null };
    assert.equal(await place.sink({ urls }).probe("t", expected), "published");
    assert.equal(await place.sink().probe("t", expected), "unknown", "without the folder");
    assert.equal(await place.sink({ urls }).reopen("t", NEVER), null);
    for (const { name } of Deno.readDirSync(urls)) {
      assert.equal((await Deno.stat(`${urls}/${name}`)).mode! & 0o777, 0o600);
    }
    await Deno.remove(urls, { recursive: true });
  },
);

tusTest("an upload that was given up is ended at the server", async (place) => {
  const sink = place.sink();
  const file = await sink.create("t", NEVER, LARGE);
  await writeAll(file, patterned(9_000_000));
  await file.sync();
  assert.notEqual([...Deno.readDirSync(place.server.folder)].length, 0);
  await sink.abort("t");
  assert.equal([...Deno.readDirSync(place.server.folder)].length, 0);
  await assertFails(() => sink.publish(file, PUBLISH), "notFound", "publish");
});

tusTest("an upload that the server dropped is told as gone", async (place) => {
  const sink = place.sink();
  const file = await sink.create("t", NEVER, LARGE);
  await writeAll(file, patterned(9_000_000));
  await file.sync();
  for (const { name } of Deno.readDirSync(place.server.folder)) {
    await Deno.remove(`${place.server.folder}/${name}`);
  }
  const on = async () => {
    await file.write(patterned(11_000_003), 9_000_000);
    await sink.publish(file, PUBLISH);
  };
  const error = await assertFails(on, "notFound", "going on");
  assert.ok(error.retryable);
});

tusTest("a file that is too large is refused before a byte is sent", async (place) => {
  const sink = place.sink();
  const file = await sink.create("t", NEVER, 2_000_000);
  const all = async () => {
    await file.write(patterned(2_000_000), 0);
    await file.sync();
  };
  await assertFails(all, "denied", "2 MB where 1 MB may be");
}, { maxSize: 1_000_000 });

tusTest("hostile answers are errors, and an upload elsewhere gets nothing", async (place) => {
  const { server } = place;
  const answer = (method: string, status: number, headers: Record<string, string>) => {
    server.intercept = (request) =>
      request.method === method ? new Response(null, { status, headers }) : null;
  };
  const upload = async () => {
    const sink = place.sink();
    const file = await sink.create("t", NEVER, 10);
    await file.write(patterned(10), 0);
    await sink.publish(file, PUBLISH);
  };
  answer("OPTIONS", 204, {});
  await assertFails(upload, "unsupported", "no tus server");
  answer("OPTIONS", 204, { "tus-version": "1.0.0" });
  await assertFails(upload, "unsupported", "no creation");
  answer("POST", 201, {});
  await assertFails(upload, "badResponse", "no Location");
  answer("POST", 201, { location: "http://127.0.0.2:1/files/x" });
  await assertFails(upload, "insecure", "another origin");
  answer("POST", 201, { location: "http://u:p@127.0.0.1/x" });
  await assertFails(upload, "insecure", "credentials");
  answer("PATCH", 204, {});
  await assertFails(upload, "badResponse", "no Upload-Offset");
  for (const offset of ["0", "11", "-1", "999999999999999999999", "x"]) {
    answer("PATCH", 204, { "upload-offset": offset });
    const error = await assertFails(upload, "badResponse", `offset ${offset}`);
    assert.ok(!/canary/.test(error.message));
  }
  assert.deepEqual(await server.complete(), []);
});

tusTest("names that would end a header are encoded", async (place) => {
  const name = 'ü "quoted", with=all; 100%';
  const sink = place.sink({ name });
  const file = await sink.create("t", NEVER, 1);
  await file.write(patterned(1), 0);
  await sink.publish(file, { ...PUBLISH, name });
  assert.deepEqual((await place.server.complete()).map((seen) => seen.name), [name]);
});
