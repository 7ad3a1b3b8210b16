/** Logging in by digest authentication, at servers in memory. */

import assert from "node:assert/strict";
import type { SourceEndpoint } from "../../../protocols/contract.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { DigestGuard, type DigestGuardOptions } from "../../servers/digest_guard.ts";
import { drain, endpoint, WHOLE } from "./reading.ts";
import { PUBLISH, type Uploading, uploading } from "./uploading.ts";

const USER = { username: 'us"er', password: "hunter2: a pass word" };
const AUTH = { type: "digest", ...USER } as const;
const FILE = patterned(100_000);
const LARGE = 300_000;

interface Guarded extends Uploading {
  readonly guard: DigestGuard;
  /** Reads `/data/NAME` to its end. */
  read(name?: string, more?: Partial<SourceEndpoint>): Promise<Uint8Array>;
  /** Verdicts since the last call. */
  verdicts(): string[];
}

function guarded(
  name: string,
  options: Partial<DigestGuardOptions>,
  body: (place: Guarded) => Promise<void>,
): void {
  Deno.test(`digest: ${name}`, () => {
    const protocol = httpProtocol();
    return uploading({}, async (place) => {
      const guard = new DigestGuard({ ...USER, ...options });
      const { server, env } = place;
      server.put("/data/f", FILE);
      server.intercept = (request) => guard.judge(request);
      const { handle } = server;
      place.world.serve("paper", async (request) => {
        const reply = await handle(request);
        return { ...reply, headers: { ...reply.headers, ...guard.info() } };
      });
      let told = 0;
      await body({
        ...place,
        guard,
        read: async (file = "f", more = {}) => {
          const declared = endpoint(`http://paper/data/${file}`, { auth: AUTH, ...more });
          const source = protocol.source!(declared, { env });
          return await drain(await source.open(WHOLE, null, NEVER));
        },
        verdicts: () => {
          const all = guard.judged.map(({ method, verdict }) => `${method} ${verdict}`);
          return all.slice(told, told = all.length);
        },
      });
      for (const { headers } of server.requests) {
        assert.doesNotMatch(JSON.stringify(headers), /hunter2|Basic/);
      }
    }, protocol);
  });
}

for (const algorithms of [["SHA-256"], ["MD5"], ["MD5", "SHA-256"]] as const) {
  guarded(
    `a server that asks is answered once for all requests (${algorithms.join(", ")})`,
    { algorithms },
    async ({ read, verdicts, guard }) => {
      assertBytes(await read(), FILE, "the file");
      assert.deepEqual(verdicts(), ["GET asked", "GET accepted"]);
      assertBytes(await read(), FILE, "again");
      assertBytes(await read(), FILE, "and again");
      assert.deepEqual(verdicts(), ["GET accepted", "GET accepted"]);
      assert.deepEqual(guard.judged.map(({ count }) => count), [null, 1, 2, 3]);
    },
  );
}

guarded("requests side by side count each for itself", {}, async ({ read, guard }) => {
  await Promise.all(Array.from({ length: 20 }, () => read()));
  assert.equal(guard.judged.filter(({ verdict }) => verdict === "accepted").length, 20);
  assert.ok(guard.judged.every(({ verdict }) => verdict !== "wrong"));
});

guarded("a nonce that came of age is replaced", { usesPerNonce: 2 }, async (place) => {
  for (let file = 0; file < 5; file += 1) assertBytes(await place.read(), FILE, `file ${file}`);
  const expected = ["GET asked", "GET accepted", "GET accepted", "GET stale", "GET accepted"];
  assert.deepEqual(place.verdicts().slice(0, 5), expected);
});

guarded(
  "so is one that the server has forgotten and calls wrong",
  { hidesStale: true },
  async ({ read, guard, verdicts }) => {
    await read();
    verdicts();
    guard.forget();
    assertBytes(await read(), FILE, "the file");
    assert.deepEqual(verdicts(), ["GET stale", "GET accepted"]);
  },
);

guarded(
  "a server that takes no nonce is given up for now, not for good",
  { usesPerNonce: 0 },
  async (place) => {
    const error = await assertFails(() => place.read(), "unauthenticated", "restless");
    assert.equal(error.retryable, true);
    assert.deepEqual(place.verdicts(), ["GET asked", "GET stale", "GET stale", "GET stale"]);
  },
);

guarded(
  "where the server tells the next nonce, it is asked no more",
  { usesPerNonce: 1, tellsNext: true },
  async ({ read, verdicts }) => {
    for (let file = 0; file < 3; file += 1) await read();
    assert.deepEqual(verdicts(), ["GET asked", "GET accepted", "GET accepted", "GET accepted"]);
  },
);

guarded("a wrong password is refused after one answer, each time", {}, async (place) => {
  const auth = { ...AUTH, password: "hunter2: another" };
  for (let tries = 0; tries < 2; tries += 1) {
    const error = await assertFails(() => place.read("f", { auth }), "unauthenticated", "wrong");
    assert.equal(error.retryable, false);
    assert.doesNotMatch(JSON.stringify([error.message, error.details]), /hunter2/);
    assert.deepEqual(place.verdicts(), ["GET asked", "GET wrong"]);
  }
});

for (
  const [what, challenge, shown] of [
    ["only Basic", 'Basic realm="x"', "basic"],
    [
      "an algorithm that is not known",
      'Digest realm="x", nonce="n", qop="auth", algorithm=X',
      "digest",
    ],
    ["nothing at all", "", "nothing"],
  ] as const
) {
  guarded(`a server that asks for ${what} is told nothing`, { challenge }, async (place) => {
    const error = await assertFails(() => place.read(), "unauthenticated", what);
    assert.match(error.message, new RegExp(`asks for ${shown}`));
    assert.deepEqual(place.verdicts(), ["GET asked"]);
  });
}

guarded("another origin is not answered, wherever a redirect leads", {}, async (place) => {
  const { world, server, read } = place;
  const headers: Record<string, string>[] = [];
  world.serve("elsewhere", (request) => {
    headers.push({ ...request.headers });
    return {
      status: 401,
      headers: { "www-authenticate": 'Digest realm="paper", nonce="n", qop="auth"' },
    };
  });
  await read();
  server.intercept = () => ({ status: 302, headers: { location: "http://elsewhere/data/f" } });
  await assertFails(() => read(), "unauthenticated", "elsewhere");
  assert.equal(headers.length, 1);
  assert.equal(headers[0]!.authorization, undefined);
});

guarded("a redirect at the same origin is answered for its own place", {}, async (place) => {
  const { server, guard, read, verdicts } = place;
  server.intercept = (request) =>
    guard.judge(request) ??
      (request.url.endsWith("/g") ? { status: 307, headers: { location: "/data/f?x=1" } } : null);
  assertBytes(await read("g"), FILE, "the file");
  assert.deepEqual(verdicts(), ["GET asked", "GET accepted", "GET accepted"]);
});

guarded("a small upload is made again once the server has asked", {}, async (place) => {
  const sink = place.sink({ auth: AUTH });
  const file = await sink.create("t", NEVER);
  await file.write(patterned(1_000), 0);
  await sink.publish(file, PUBLISH);
  assert.deepEqual(place.verdicts(), ["PUT asked", "PUT accepted"]);
  assertBytes(place.server.files.get("/data/a.bin")!.bytes, patterned(1_000), "the file");
});

async function uploadLarge(place: Guarded): Promise<void> {
  const sink = place.sink({ auth: AUTH });
  const file = await sink.create("t", NEVER, LARGE);
  try {
    await file.write(patterned(LARGE), 0);
    await sink.publish(file, PUBLISH);
  } finally {
    await file.close();
  }
}

guarded("a streamed upload is begun once the server has asked", {}, async (place) => {
  await uploadLarge(place);
  assert.deepEqual(place.verdicts(), ["HEAD asked", "HEAD accepted", "PUT accepted"]);
  await uploadLarge(place);
  assert.deepEqual(place.verdicts(), ["PUT accepted"]);
  assertBytes(place.server.files.get("/data/a.bin")!.bytes, patterned(LARGE), "the file");
});

guarded("a streamed upload asks again where the last answer is old", {}, async (place) => {
  await uploadLarge(place);
  place.verdicts();
  place.guard.forget();
  const passed = Promise.withResolvers<void>();
  place.env.timers.after(60_000, passed.resolve);
  await passed.promise;
  await uploadLarge(place);
  assert.deepEqual(place.verdicts(), ["HEAD stale", "HEAD accepted", "PUT accepted"]);
});

guarded(
  "a streamed upload that is asked all the same fails, and succeeds when it is begun again",
  { open: ["HEAD"] },
  async (place) => {
    const error = await assertFails(() => uploadLarge(place), "unauthenticated", "asked late");
    assert.equal(error.retryable, true);
    assert.deepEqual(place.verdicts(), ["PUT asked"]);
    await uploadLarge(place);
    assert.deepEqual(place.verdicts(), ["PUT accepted"]);
  },
);

guarded("a streamed upload with a wrong password sends nothing", {}, async (place) => {
  const sink = place.sink({ auth: { ...AUTH, password: "hunter2: another" } });
  const file = await sink.create("t", NEVER, LARGE);
  const error = await assertFails(
    () => file.write(patterned(LARGE), 0),
    "unauthenticated",
    "wrong",
  );
  assert.equal(error.retryable, false);
  await file.close();
  assert.deepEqual(place.verdicts(), ["HEAD asked", "HEAD wrong"]);
});
