import assert from "node:assert/strict";
import { realPrograms } from "../../../runtime/env/real/programs.ts";
import type { RunningProgram } from "../../../runtime/env/programs.ts";

async function outputOf(program: RunningProgram): Promise<string> {
  const buffer = new Uint8Array(7);
  let text = "";
  for (;;) {
    const count = await program.read(buffer);
    if (count === 0) return text;
    text += new TextDecoder().decode(buffer.subarray(0, count));
  }
}

Deno.test("what goes in comes out, and the end says how it ended", async () => {
  const program = realPrograms.start({ program: "cat", args: [] });
  await program.write(new TextEncoder().encode("a longer line than the buffer\n"));
  await program.closeInput();
  await program.closeInput();
  assert.equal(await outputOf(program), "a longer line than the buffer\n");
  assert.deepEqual(await program.ended, { code: 0, signal: null, errors: "" });
});

Deno.test("standard error is kept to its last, the environment is the one that was given", async () => {
  const script = 'echo "$GIVEN$HOME" ; for i in $(seq 3000); do echo "line $i" >&2; done; exit 3';
  const program = realPrograms.start({
    program: "sh",
    args: ["-c", script],
    environment: { GIVEN: "yes", PATH: "/usr/bin:/bin" },
  });
  assert.equal(await outputOf(program), "yes\n");
  const { code, errors } = await program.ended;
  assert.equal(code, 3);
  assert.ok(errors.endsWith("line 3000\n") && errors.length <= 8_192);
  await program.closeInput();
});

Deno.test("standard error is read as it comes where it is asked for, apart from what comes out", async () => {
  const script = "while read -r line; do echo said >&2; echo done; done";
  const program = realPrograms.start({ program: "sh", args: ["-c", script], errors: "read" });
  const buffer = new Uint8Array(3);
  for (let round = 0; round < 2; round++) {
    await program.write(new TextEncoder().encode("go on\n"));
    let text = "";
    while (!text.endsWith("\n")) {
      const count = await program.readErrors(buffer);
      text += new TextDecoder().decode(buffer.subarray(0, count));
    }
    assert.equal(text, "said\n");
  }
  await program.closeInput();
  assert.equal(await outputOf(program), "done\ndone\n");
  assert.equal(await program.readErrors(buffer), 0);
  assert.equal((await program.ended).errors, "");
});

Deno.test("a program that is killed ends with its signal, and one that is missing does not start", async () => {
  const program = realPrograms.start({ program: "cat", args: [] });
  program.kill();
  const { code, signal } = await program.ended;
  assert.deepEqual([code, signal], [null, "SIGKILL"]);
  assert.equal(await program.read(new Uint8Array(1)), 0);
  await assert.rejects(program.write(new Uint8Array(100_000)), { code: "io" });
  program.kill();
  await program.closeInput();
  assert.throws(() => realPrograms.start({ program: "quorus-no-such-program", args: [] }), {
    code: "notFound",
  });
});
