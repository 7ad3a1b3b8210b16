/** The examples of the runtime do what their first lines say, each as processes of its own. */

import assert from "node:assert/strict";
import { type Program, startExample } from "./program.ts";

const TOKEN = { CHAT_TOKEN: "a token of this test" };

/** Ends what a failed test has left behind. */
async function withPrograms(
  run: (start: typeof startExample) => Promise<void>,
): Promise<void> {
  const started: Program[] = [];
  try {
    await run((...given) => {
      const program = startExample(...given);
      started.push(program);
      return program;
    });
  } finally {
    for (const program of started) {
      try {
        program.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      await program.ended;
    }
  }
}

/** The URL that a program says it listens on. */
async function urlOf(program: Program, part: string): Promise<string> {
  return /\w+:\/\/[\d.]+:\d+/.exec(await program.line(part))![0];
}

Deno.test("08_rate_limiter lets a burst pass, then one in a while, and forgets who stays away", async () => {
  const { code, lines } = await startExample("08_rate_limiter.ts").ended;
  assert.equal(code, 0, lines.join("\n"));
  assert.deepEqual(lines, [
    "ada, four at once: true true false false",
    "bob has a bucket of his own: true",
    "ada, after the time she was told: true",
    "actors: 3",
    "actors when nobody has come for a while: 1",
  ]);
});

Deno.test("09_worker_pool loses a Worker, starts it again, and counts every chunk once", async () => {
  const { code, lines } = await startExample("09_worker_pool/pool.ts").ended;
  const text = lines.join("\n");
  assert.equal(code, 0, text);
  assert.match(text, /^w[12] is unreachable: started again$/m);
  assert.match(text, /^w[12] lost the chunk from 100000$/m);
  assert.match(text, /^primes below 400,000: 33860$/m);
});

Deno.test("10_chat brings everybody's words to everybody, over a room that is killed", async () => {
  await withPrograms(async (start) => {
    const room = start("10_chat/room.ts", ["0"], TOKEN);
    const url = await urlOf(room, "listening on");
    const ada = start("10_chat/client.ts", ["ada", url], TOKEN);
    await ada.line("* here are ada");
    const bob = start("10_chat/client.ts", ["bob", url], TOKEN);
    await Promise.all([ada.line("* bob is here"), bob.line("* here are")]);
    await ada.type("hello");
    await bob.line("ada: hello");

    room.kill("SIGKILL");
    await room.ended;
    const second = start("10_chat/room.ts", [new URL(url).port], TOKEN);
    await Promise.all([ada, bob].map((one) => one.line("* the room is gone")));
    await Promise.all([ada, bob].map((one) => one.line("* here are")));
    await ada.type("are you there?");
    await bob.line("ada: are you there?");

    await bob.closeInput();
    await ada.line("* bob has left");
    assert.equal((await bob.ended).code, 0);
    second.kill("SIGTERM");
    assert.equal((await second.ended).code, 0);
  });
});

Deno.test("10_chat tells who has the wrong token what is wrong", async () => {
  await withPrograms(async (start) => {
    const room = start("10_chat/room.ts", ["0"], TOKEN);
    const url = await urlOf(room, "listening on");
    const eve = start("10_chat/client.ts", ["eve", url], { CHAT_TOKEN: "guessed" });
    const { code, lines } = await eve.ended;
    assert.equal(code, 1);
    assert.match(lines.join("\n"), /does not match our join token; start both .* same token/);
    await room.line("WrongToken");
  });
});

Deno.test("12_hono counts votes, refuses what is none, shows metrics, and stops in order", async () => {
  await withPrograms(async (start) => {
    const service = start("12_hono.ts", ["0"]);
    const url = (await urlOf(service, "Listening on")).replace("0.0.0.0", "127.0.0.1");
    const vote = (body: string) =>
      fetch(`${url}/polls/lunch/votes`, { method: "POST", body }).then(textOf);
    assert.equal(await vote('{"choice":"soup"}'), '200 {"soup":1}');
    assert.equal(await vote('{"choice":"soup"}'), '200 {"soup":2}');
    assert.match(await vote("no JSON"), /^400 /);
    assert.equal(await fetch(`${url}/polls/lunch`).then(textOf), '200 {"soup":2}');
    assert.match(await fetch(`${url}/polls/nobody`).then(textOf), /^404 .*no such poll/);
    assert.match(await fetch(`${url}/polls/no%20name`).then(textOf), /^404 .*no such poll/);
    const metrics = await fetch(`${url}/metrics`).then(textOf);
    assert.match(
      metrics,
      /^quorus_actor_messages_total\{node="polls",protocol="example.poll"\} 3$/m,
    );
    assert.match(metrics, /^# TYPE quorus_link_up gauge$/m);
    service.kill("SIGTERM");
    assert.equal((await service.ended).code, 0);
  });
});

async function textOf(response: Response): Promise<string> {
  return `${response.status} ${await response.text()}`;
}
