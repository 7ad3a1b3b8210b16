/** Uploads by one request: what is sent when, what a server may answer, what is never sent. */

import assert from "node:assert/strict";
import type { SinkEndpoint } from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import { NetError } from "../../../runtime/env/errors.ts";
import { wholeOf } from "../../../runtime/sim/http_server.ts";
import { assertBytes, assertFails, NEVER, patterned, sha256 } from "../../conformance/case.ts";
import { PUBLISH, type Uploading, uploading } from "./uploading.ts";

const LARGE = 1_000_003;

function uploadTest(name: string, body: (place: Uploading) => Promise<void>): void {
  Deno.test(name, () => uploading({}, body));
}

uploadTest(
  "a small file is one request of known size, made when it is published",
  async (place) => {
    const { server } = place;
    const sink = place.sink();
    const file = await sink.create("t", NEVER);
    await file.write(patterned(50_000), 0);
    assert.deepEqual(server.asked(), []);
    assert.deepEqual(await sink.publish(file, PUBLISH), {
      size: 50_000,
      mtimeMs: null,
      fileId: null,
    });
    assert.deepEqual(server.asked(), ["PUT /data/a.bin"]);
    assert.ok(server.requests[0]!.body instanceof Uint8Array);
    assertBytes(server.files.get("/data/a.bin")!.bytes, patterned(50_000), "the file");
  },
);

for (const size of [LARGE, null]) {
  const what = size === null ? "in chunks" : "with its size announced";
  uploadTest(`a large file is streamed ${what}, and ends when it is published`, async (place) => {
    const sink = place.sink();
    const file = await sink.create("t", NEVER, size);
    const bytes = patterned(LARGE);
    for (let at = 0; at < LARGE; at += 100_000) {
      await file.write(bytes.subarray(at, at + 100_000), at);
    }
    assert.equal(place.server.requests.length, 1, "the request is under way");
    assert.equal((place.server.requests[0]!.body as { length: number | null }).length, size);
    assert.equal(place.server.files.size, 0, "and nothing is there");
    await sink.publish(file, PUBLISH);
    assertBytes(place.server.files.get("/data/a.bin")!.bytes, bytes, "the file");
    await sink.close();
  });
}

uploadTest("an upload that is closed or aborted never ends at the server", async (place) => {
  for (const end of ["close", "abort", "signal"] as const) {
    const { server } = place;
    const ended = Promise.withResolvers<string>();
    server.intercept = async ({ body }) => {
      await wholeOf(body!).then(() => ended.resolve("whole"), () => ended.resolve("broken off"));
      return null;
    };
    const abort = new AbortController();
    const sink = place.sink();
    const file = await sink.create("t", abort.signal);
    await file.write(patterned(LARGE), 0);
    if (end === "close") await file.close();
    if (end === "abort") await sink.abort("t");
    if (end === "signal") abort.abort(new Error("enough"));
    assert.equal(await ended.promise, "broken off");
    await assertFails(() => sink.publish(file, PUBLISH), ["aborted", "notFound"], "publishing it");
    assert.equal(server.files.size, 0);
  }
});

const ANSWERS: readonly (readonly [number, string, boolean])[] = [
  [401, "unauthenticated", true],
  [403, "denied", true],
  [404, "notFound", true],
  [405, "unsupported", true],
  [409, "notFound", true],
  [411, "unsupported", true],
  [413, "denied", true],
  [429, "rateLimited", true],
  [500, "serverError", false],
  [502, "serverError", false],
  [503, "serverError", true],
  [507, "noSpace", true],
  [202, "badResponse", true],
];

for (const [status, code, definite] of ANSWERS) {
  uploadTest(`status ${status} to a small file is ${code}`, async (place) => {
    place.server.intercept = () => ({ status });
    const sink = place.sink();
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    const error = await assertFails(() => sink.publish(file, PUBLISH), code as "denied", "publish");
    assert.equal(error.definite, definite);
  });
}

uploadTest("a refusal in the middle of a large file is told to its writer", async (place) => {
  place.server.intercept = async ({ body }) => {
    await (body as { read(into: Uint8Array): Promise<number> }).read(new Uint8Array(1_000));
    return { status: 507 };
  };
  const sink = place.sink();
  const file = await sink.create("t", NEVER, 100 * LARGE);
  const writing = async () => {
    for (let at = 0; at < 100 * LARGE; at += LARGE) await file.write(patterned(LARGE), at);
  };
  const error = await assertFails(writing, "noSpace", "writing");
  assert.ok(error.definite);
  await assertFails(() => sink.publish(file, PUBLISH), "noSpace", "publishing it");
});

uploadTest("a success before the end of the file is none", async (place) => {
  place.server.intercept = () => ({ status: 201 });
  const sink = place.sink();
  const file = await sink.create("t", NEVER, LARGE);
  const all = async () => {
    await file.write(patterned(LARGE), 0);
    await sink.publish(file, PUBLISH);
  };
  await assertFails(all, "badResponse", "an early 201");
});

uploadTest("a file of another size than announced is never complete", async (place) => {
  const sink = place.sink();
  const short = await sink.create("t", NEVER, LARGE);
  await short.write(patterned(LARGE - 1), 0);
  const error = await assertFails(() => sink.publish(short, PUBLISH), "truncated", "too few");
  assert.ok(error.definite);
  const long = await sink.create("u", NEVER, 10);
  await assertFails(() => long.write(patterned(11), 0), "tooLong", "too many");
  assert.equal(place.server.files.size, 0);
});

uploadTest("a lost answer leaves open what happened, and the probe finds it", async (place) => {
  const { server } = place;
  for (const size of [100, LARGE]) {
    const bytes = patterned(size, size);
    server.intercept = async (request, path) => {
      if (request.method !== "PUT") return null;
      server.put(path, await wholeOf(request.body!));
      throw new NetError("reset", "the connection broke; try again", { definite: false });
    };
    const sink = place.sink();
    const file = await sink.create("t", NEVER);
    await file.write(bytes, 0);
    const error = await assertFails(() => sink.publish(file, PUBLISH), "unreachable", "publish");
    assert.equal(error.definite, false);
    const expected = { name: "a.bin", size, sha256: sha256(bytes), fileId: null };
    assert.equal(await sink.probe("t", expected), "published");
    assert.equal(await sink.probe("t", { ...expected, sha256: sha256(patterned(1)) }), "unknown");
  }
});

uploadTest(
  "a form carries the file between its frame, under the name it was given",
  async (place) => {
    const { server } = place;
    server.intercept = async ({ body, headers }) => {
      const text = new TextDecoder("latin1").decode(await wholeOf(body!));
      const boundary = /boundary=(.+)$/.exec(headers["content-type"]!)![1]!;
      const [, part] = text.split(`--${boundary}`);
      const [head, content] = [
        part!.slice(0, part!.indexOf("\r\n\r\n")),
        part!.split("\r\n\r\n")[1]!,
      ];
      assert.match(head, /name="file"; filename="re%22port.csv"/);
      assert.ok(text.endsWith(`\r\n--${boundary}--\r\n`));
      received = content.length - 2;
      return { status: 200 };
    };
    let received = 0;
    const uri = "http://paper/data/upload";
    const options = { method: "POST", form: "file", name: 're"port.csv' };
    for (const size of [100, LARGE]) {
      for (const known of [size, null]) {
        const sink = place.sink({ uri, options });
        assert.equal(await sink.stat(sink.name, NEVER), null, "nothing is looked for");
        const file = await sink.create("t", NEVER, known);
        await file.write(new Uint8Array(size).fill(65), 0);
        await sink.publish(file, { ...PUBLISH, name: sink.name, replace: false });
        assert.equal(received, size);
      }
    }
  },
);

uploadTest("only the statuses that were declared mean success", async (place) => {
  const put = async (status: number, options: SinkEndpoint["options"]) => {
    place.server.intercept = () => ({ status });
    const sink = place.sink({ options });
    const file = await sink.create("t", NEVER);
    await sink.publish(file, PUBLISH);
  };
  await put(202, { status: 202 });
  await put(202, { status: "201, 202" });
  await assertFails(() => put(200, { status: 201 }), "badResponse", "200 instead of 201");
});

uploadTest(
  "nothing is sent to where a redirect leads, but to the same place once more",
  async (place) => {
    const { server, world } = place;
    let elsewhere = 0;
    world.serve("other", () => {
      elsewhere += 1;
      return { status: 201 };
    });
    const auth = { type: "basic", username: "u", password: "canary" } as const;
    const cases = [
      ["http://other/b", 307, 10, "insecure"],
      ["http://other/b", 308, LARGE, "insecure"],
      ["http://other/b", 302, 10, "insecure"],
      ["/data/b.bin", 303, 10, "badResponse"],
      ["/data/b.bin", 307, LARGE, "badResponse"],
    ] as const;
    for (const [location, status, size, code] of cases) {
      server.intercept = ({ method }) =>
        method === "PUT" ? { status, headers: { location } } : null;
      const sink = place.sink({ auth });
      const file = await sink.create("t", NEVER, size);
      const all = async () => {
        await file.write(patterned(size), 0);
        await sink.publish(file, PUBLISH);
      };
      const error = await assertFails(all, code, `${status} to ${location}`);
      assert.doesNotMatch(`${error.stack} ${error.cause}`, /canary/);
      await sink.abort("t");
    }
    assert.equal(elsewhere, 0);
    server.intercept = (_, path) =>
      path === "/data/a.bin" ? { status: 307, headers: { location: "/data/b.bin" } } : null;
    const sink = place.sink({ auth });
    const file = await sink.create("t", NEVER);
    await file.write(patterned(10), 0);
    await sink.publish(file, PUBLISH);
    assert.ok(server.files.has("/data/b.bin"));
  },
);

Deno.test("a server that does not honour conditions is found out, and nothing is sent to it", async () => {
  for (const conditions of ["start", "never"] as const) {
    await uploading({ conditions }, async (place) => {
      place.server.put("/data/a.bin", patterned(5));
      const sink = place.sink({ options: { conditional: true } });
      const error = await assertFails(() => sink.create("t", NEVER), "unsupported", "create");
      assert.match(error.message, /If-None-Match/);
      assert.deepEqual([...place.server.files.keys()], ["/data/a.bin"], "nothing is left over");
    });
  }
});

uploadTest("conditions are tried out once, not for each file", async (place) => {
  for (const temp of ["t", "u"]) {
    const sink = place.sink({ options: { conditional: true } });
    const file = await sink.create(temp, NEVER);
    await sink.publish(file, PUBLISH);
  }
  const tried = place.server.asked().filter((asked) => asked.includes(".quorus-check"));
  assert.equal(tried.length, 4, tried.join("\n"));
});

Deno.test("a server that wants a length is told one, or the source is named as the reason", async () => {
  await uploading({ chunked: false }, async (place) => {
    const all = async (size: number | null) => {
      const sink = place.sink();
      const file = await sink.create("t", NEVER, size);
      await file.write(patterned(LARGE), 0);
      await sink.publish(file, PUBLISH);
    };
    await all(LARGE);
    const error = await assertFails(() => all(null), "unsupported", "no length");
    assert.match(error.message, /411.*size/);
  });
});

uploadTest(
  "a server that takes no more bytes is given up, one that waits for ours is not",
  async (place) => {
    const { server, env } = place;
    server.intercept = async ({ body }) => {
      await (body as { read(into: Uint8Array): Promise<number> }).read(new Uint8Array(1_000));
      return await new Promise(() => {});
    };
    const sink = place.sink({ idleTimeoutMs: 5_000, responseTimeoutMs: 1_000 });
    const file = await sink.create("t", NEVER, 3 * LARGE);
    await assertFails(() => file.write(patterned(LARGE), 0), "timeout", "a server that stalls");
    await sink.abort("t");
    server.intercept = null;
    const slow = await sink.create("t", NEVER, 2 * LARGE);
    await slow.write(patterned(LARGE), 0);
    const pause = Promise.withResolvers<void>();
    env.timers.after(600_000, pause.resolve);
    await pause.promise;
    await slow.write(patterned(LARGE), LARGE);
    await sink.publish(slow, PUBLISH);
    assert.equal(server.files.get("/data/a.bin")!.bytes.length, 2 * LARGE);
  },
);

Deno.test("what cannot be meant is refused before anything is asked", () => {
  const protocol = httpProtocol();
  const refused = (
    uri: string,
    options: SinkEndpoint["options"],
    code: string,
    root: string | null = null,
  ) =>
    assert.throws(
      () =>
        protocol.sink!({
          ...{ uri, options, headers: {}, auth: null, tls: null, root },
          ...{ responseTimeoutMs: null, idleTimeoutMs: null, createDirectories: false, sync: true },
        }, { env: null as never }),
      (error) =>
        error instanceof ProtocolError && error.code === code && !/secret/.test(error.message),
      uri,
    );
  const uri = "http://h/a";
  refused(uri, { verb: "PUT" }, "badEndpoint");
  refused(uri, { method: "PATCH" }, "badEndpoint");
  refused(uri, { form: "f" }, "badEndpoint");
  refused(uri, { method: "POST", form: "a\r\nb" }, "badEndpoint");
  refused(uri, { method: "POST", form: "f", name: "a/b" }, "nameRefused");
  refused(uri, { status: "404" }, "badEndpoint");
  refused(uri, { method: "POST", conditional: true }, "badEndpoint");
  refused(uri, { upload: "tus", method: "PUT" }, "badEndpoint");
  refused(uri, { upload: "tus", urls: "relative" }, "badEndpoint");
  refused(uri, { urls: "/a" }, "badEndpoint");
  refused("http://u:secret@h/a", {}, "badEndpoint");
  refused("http://h/a/../b?secret=1", {}, "escapes");
  refused("http://h/a/%2e%2e/b", {}, "escapes");
  refused("http://h/a%2fb", {}, "badEndpoint");
  refused("http://h/a%0d%0ab", {}, "nameRefused");
  refused("http://h/", {}, "nameRefused");
  refused("http://h/b/c", {}, "escapes", "/a");
  refused(`http://h/${"x".repeat(10_000)}`, {}, "nameRefused");
});
