import assert from "node:assert/strict";
import { ForbiddenGlobal, replaceGlobals } from "../../../runtime/sim/globals.ts";

const USES: Readonly<Record<string, () => unknown>> = {
  "Date.now": () => Date.now(),
  "new Date()": () => new Date(),
  "Date()": () => Date(),
  "Temporal.Now.instant": () => Temporal.Now.instant(),
  "Math.random": () => Math.random(),
  "performance.now": () => performance.now(),
  "performance.timeOrigin": () => performance.timeOrigin,
  "setTimeout": () => setTimeout(() => {}, 0),
  "setInterval": () => setInterval(() => {}, 0),
  "AbortSignal.timeout": () => AbortSignal.timeout(1),
  "crypto.getRandomValues": () => crypto.getRandomValues(new Uint8Array(1)),
  "crypto.randomUUID": () => crypto.randomUUID(),
  "crypto.subtle": () => crypto.subtle,
  "fetch": () => fetch("http://localhost"),
  "WebSocket": () => new WebSocket("ws://localhost"),
  "Worker": () => new Worker("data:text/javascript,", { type: "module" }),
  "Deno.readTextFileSync": () => Deno.readTextFileSync("deno.json"),
  "Deno.connect": () => Deno.connect({ port: 1 }),
};

Deno.test("each nondeterministic global refuses, says what to take instead, and comes back", () => {
  const before = Object.getOwnPropertyDescriptors(globalThis);
  const globals = replaceGlobals();
  const seen: string[] = [];
  try {
    for (const [name, use] of Object.entries(USES)) {
      try {
        use();
      } catch (error) {
        if (error instanceof ForbiddenGlobal) seen.push(error.message);
        else seen.push(`${name}: ${error}`);
      }
    }
  } finally {
    globals.restore();
  }
  for (const [index, name] of Object.keys(USES).entries()) {
    assert.ok(seen[index]?.startsWith(`use ${name} in a simulation`), `${name}: ${seen[index]}`);
    assert.match(seen[index]!, /take Env\.\w+/);
  }
  assert.deepEqual(Object.getOwnPropertyDescriptors(globalThis), before);
  assert.ok(Math.random() < 1 && Date.now() > 0 && performance.now() > 0);
  assert.equal(typeof crypto.subtle, "object");
  assert.match(Deno.readTextFileSync("deno.json"), /quorus/);
});

Deno.test("dates that are told their time go on", () => {
  const globals = replaceGlobals();
  try {
    assert.equal(new Date(0).toISOString(), "1970-01-01T00:00:00.000Z");
    assert.ok(new Date(0) instanceof Date);
    assert.equal(Date.UTC(2020, 0), 1_577_836_800_000);
  } finally {
    globals.restore();
  }
});

Deno.test("packages load and work where the globals throw", async () => {
  const code = `
    const { replaceGlobals } = await import("./runtime/sim/globals.ts");
    replaceGlobals();
    const { z } = await import("zod");
    const fc = await import("fast-check");
    const { parse } = await import("yaml");
    fc.assert(fc.property(fc.integer(), (n) => z.number().parse(n) === n), { seed: 1 });
    console.log(JSON.stringify(z.object({ a: z.iso.datetime() }).parse(parse("a: 2020-01-01T00:00:00Z"))));
  `;
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--ext=ts", code],
    cwd: new URL("../../..", import.meta.url),
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  assert.equal(new TextDecoder().decode(stdout), '{"a":"2020-01-01T00:00:00Z"}\n');
});
