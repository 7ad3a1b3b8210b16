/**
 * `deno task test:real`: the tests against real servers, in three processes side by side. Most of what is
 * waited for is other programs: one after the other they take twice as long.
 *
 * Arguments are passed on; paths among them are tested alone, in one process.
 */

const FLAGS = ["-A", "--sanitize-ops", "--sanitize-resources", "--permit-no-files"];
const FOLDER = "tests/real";

/** Folders of one process each: servers of one protocol, and clusters; the third has everything else. */
const APART = [
  ["azure", "ftp", "nfs", "s3", "sftp", "smb", "webdav"],
  ["cluster"],
].map((group) => group.map((name) => `${FOLDER}/${name}`));

interface Ended {
  readonly code: number;
  /** What it has written, where that was kept. */
  readonly output: Uint8Array;
}

async function test(args: readonly string[], isKept: boolean): Promise<Ended> {
  const stdio = isKept ? "piped" : "inherit";
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", ...FLAGS, ...args],
    stdin: "null",
    stdout: stdio,
    stderr: stdio,
  }).spawn();
  if (!isKept) return { code: (await child.status).code, output: new Uint8Array() };
  const { code, stdout, stderr } = await child.output();
  return { code, output: new Uint8Array([...stdout, ...stderr]) };
}

async function all(args: readonly string[]): Promise<number> {
  const apart = APART.map((folders) => test([...args, ...folders], true));
  const others = await test([...args, `--ignore=${APART.flat().join(",")}`, FOLDER], false);
  let worst = others.code;
  for (const { code, output } of await Promise.all(apart)) {
    for (let at = 0; at < output.length;) at += await Deno.stdout.write(output.subarray(at));
    worst ||= code;
  }
  return worst;
}

const isAlone = Deno.args.some((arg) => !arg.startsWith("-"));
Deno.exit(isAlone ? (await test(Deno.args, false)).code : await all(Deno.args));
