/** What `quorus doctor` says of a real OpenSSH server, alone and as one end of a pair. */

import assert from "node:assert/strict";
import { type Sshd, startSshd } from "../../servers/sshd.ts";
import { requirePrograms } from "../require.ts";

const needs = requirePrograms(["sshd", "ssh-keygen"]);

async function doctor({ folder }: Sshd, ...words: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      new URL("../../../cli.ts", import.meta.url).pathname,
      "doctor",
      ...words,
    ],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

function accessTo({ user, fingerprint }: Sshd, prefix = "--"): string[] {
  return [
    ...[`${prefix}auth`, "type=key", `${prefix}auth`, `username=${user}`],
    ...[`${prefix}auth`, "privateKey=${file:user}", `${prefix}option`, `hostKey=${fingerprint}`],
  ];
}

Deno.test({
  name: "doctor looks at SFTP places, writes only where it is told, and judges the pair",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      await Deno.mkdir(`${sshd.root}/in`);
      await Deno.mkdir(`${sshd.root}/out`);
      await Deno.writeTextFile(`${sshd.root}/in/f`, "12345");
      const place = `sftp://127.0.0.1:${sshd.port}${sshd.root}`;
      const read = await doctor(sshd, `${place}/in/f`, ...accessTo(sshd));
      assert.equal(read.code, 0, read.out + read.err);
      assert.match(read.out, /ok +host key +pinned/);
      assert.match(read.out, /ok +auth +credentials of type key taken/);
      assert.match(read.out, /ok +size +5 B/);
      assert.doesNotMatch(read.out, /destination/, "nothing is written without --to");
      const listed = await doctor(sshd, `${place}/in/`, ...accessTo(sshd));
      assert.match(listed.out, /ok +listable +1 names on the first page/);
      const pair = await doctor(
        sshd,
        ...[`${place}/in/f`, "--to", `${place}/out/`],
        ...accessTo(sshd),
        ...accessTo(sshd, "--to-"),
      );
      assert.equal(pair.code, 0, pair.out + pair.err);
      for (
        const line of [
          /ok +writable .*synced/,
          /ok +resume +an interrupted file is gone on with/,
          /ok +hash +the bytes that arrived/,
          /ok +no replace +a taken name is kept/,
          /ok +fence +seize/,
          /ok +space +.* free/,
          /what this pair can promise/,
          /ok +publish +exactly once/,
          /ok +resume +from the last checkpoint/,
          /ok +verification +up to re-read/,
        ]
      ) assert.match(pair.out, line);
      assert.deepEqual([...Deno.readDirSync(`${sshd.root}/out`)], [], "nothing is left");
      const data = await doctor(
        sshd,
        ...[`${place}/in/f`, "--to", `${place}/out/`, "-o", "json"],
        ...accessTo(sshd),
        ...accessTo(sshd, "--to-"),
      );
      const kinds = JSON.parse(data.out).places.map((one: { examined: { as: string }[] }) =>
        one.examined.map(({ as }) => as)
      );
      assert.deepEqual(kinds, [["source"], ["destination"], ["pair"]]);
    } finally {
      await sshd.close();
    }
  },
});

Deno.test({
  name: "doctor exits 3 for what refuses us or is refused, 4 for what does not answer",
  ...needs,
  async fn() {
    const sshd = await startSshd();
    try {
      await Deno.writeTextFile(`${sshd.root}/f`, "x");
      const place = `sftp://127.0.0.1:${sshd.port}${sshd.root}/f`;
      const access = accessTo(sshd);
      const wrongKey = [...access.slice(0, -1), `hostKey=SHA256:${"A".repeat(43)}`];
      const cases: [string[], number, RegExp][] = [
        [[place, ...wrongKey], 3, /FAIL +trust +cannot trust/],
        [[place, ...access, "--auth", "username=nobody-here"], 3, /FAIL +auth/],
        [[place, ...access, "--reach", "loopback=false"], 3, /FAIL +reach .*reach\.loopback/],
        [[place, ...access, "--reach", "schemes=https"], 3, /FAIL +reach .*reach\.schemes/],
        [["sftp://169.254.169.254/f", ...access], 3, /FAIL +reach .*reach\.metadata/],
        [["sftp://127.0.0.1:1/f", ...access], 4, /FAIL +reachable/],
        [[place.replace(/f$/, "absent"), ...access], 4, /FAIL +reachable .*no such file/],
        [[place, ...access, "--auth", "type=sas"], 2, /.*/],
        [[place, "--reach", "colour=red"], 2, /.*/],
      ];
      for (const [words, code, line] of cases) {
        const found = await doctor(sshd, ...words);
        assert.equal(found.code, code, `${words.join(" ")}\n${found.out}${found.err}`);
        assert.match(found.out, line);
        assert.ok(!(found.out + found.err).includes(sshd.privateKey.slice(60, 100)));
      }
    } finally {
      await sshd.close();
    }
  },
});
