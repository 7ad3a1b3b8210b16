import assert from "node:assert/strict";

/** Runs a process that leaves a rejection unhandled; gives its exit status and what it logged. */
async function leaveUnhandled(options: string): Promise<{ code: number; log: string }> {
  const real = new URL("../../../runtime/env/real.ts", import.meta.url).href;
  const program = `
    import { realEnv } from ${JSON.stringify(real)};
    const env = realEnv(${options});
    env.timers.after(10, async () => { await null; throw new Error("forgotten"); });
    env.timers.after(5_000, () => console.error("went on"));
  `;
  const command = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", program],
    stderr: "piped",
  });
  const { code, stderr } = await command.output();
  return { code, log: new TextDecoder().decode(stderr) };
}

Deno.test("a rejection that nobody handles is logged and ends the node as it was told", async () => {
  const { code, log } = await leaveUnhandled("{ onUnhandled: () => Deno.exit(7) }");
  assert.equal(code, 7);
  assert.match(log, /nobody handled a rejection.*forgotten/);
  assert.doesNotMatch(log, /went on/);
});

Deno.test("a rejection that nobody handles ends the process where nothing was said", async () => {
  const { code, log } = await leaveUnhandled("{}");
  assert.equal(code, 1);
  assert.doesNotMatch(log, /went on/);
});
