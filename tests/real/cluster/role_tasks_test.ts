/** The tasks of the roles: what they are granted is enough, and is the least that roles are started with. */

import assert from "node:assert/strict";
import { permissionFlags } from "../../../cli/roles/permissions.ts";
import { ROLE_NAMES } from "../../../cli/config/roles.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;
const { tasks } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));

/** `--allow-read=.` as `--allow-read`. */
const names = (flags: readonly string[]) =>
  flags.filter((flag) => flag.startsWith("--")).map((flag) => flag.replace(/=.*/, "")).sort();

Deno.test("a role's task grants the kinds of permissions that the role needs, and no others", () => {
  for (const role of ROLE_NAMES) {
    const { command } = tasks[role] as { command: string };
    const needs = { data: "d", reads: [], net: ["h:1"], files: ["f"], program: "p" };
    const flags = permissionFlags(role, needs, true);
    assert.deepEqual(names(command.split(" ")), names(flags), role);
    const systemFacts = (list: readonly string[]) => list.find((flag) => /^--allow-sys/.test(flag));
    assert.equal(systemFacts(command.split(" ")), systemFacts(flags), role);
  }
});

Deno.test("deno task start runs every role with what it grants, until a signal", async () => {
  const data = `${ROOT}.quorus/tasks-${Deno.pid}`;
  const free = ["listen=127.0.0.1:0", "http=127.0.0.1:0"].flatMap((one) => ["--set", one]);
  const { command } = tasks["start"] as { command: string };
  const [, ...args] = command.split(" ");
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args, "--json", "--data", data, ...free],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  try {
    const { value = "" } = await reader.read();
    assert.notEqual(value, "", "it was ready");
    const ready = JSON.parse(value);
    assert.deepEqual(ready.roles, ["controller", "agent", "gateway"]);
    assert.equal(
      (await fetch(`${ready.http}/livez`).then(async (answer) => {
        await answer.body?.cancel();
        return answer;
      })).status,
      200,
    );
    child.kill("SIGTERM");
    const { code } = await child.status;
    assert.equal(code, 0, await errors);
  } finally {
    await reader.cancel();
    await errors;
    await Deno.remove(data, { recursive: true }).catch(() => {});
  }
});
