/** The protocol from outside: the suite over it, hostile archives, and its use on the command line. */

import assert from "node:assert/strict";
import { resolve } from "node:path";
import { ProtocolError } from "@quorus/quorus";
import { conformance, type Harness } from "@quorus/quorus/testing";
import tar from "../../examples/16_protocol/tar.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { inFolder } from "../scenario/folder.ts";
import { quorus } from "../scenario/quorus.ts";

const MODULE = resolve(import.meta.dirname ?? ".", "../../examples/16_protocol/tar.ts");
const BLOCK = 512;
const MTIME_S = 1_700_000_000;

interface Written {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly type?: string;
  /** What its header says, where that is not so. */
  readonly size?: string;
}

function header({ name, bytes, type = "0", size }: Written): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  put(name, 0);
  put("0000640\0", 100);
  put(size ?? `${bytes.length.toString(8).padStart(11, "0")}\0`, 124);
  put(`${MTIME_S.toString(8).padStart(11, "0")}\0`, 136);
  put("        ", 148);
  put(type, 156);
  put("ustar\u000000", 257);
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function archiveOf(members: readonly Written[]): Uint8Array<ArrayBuffer> {
  const parts = members.flatMap((member) => {
    const padding = new Uint8Array((BLOCK - member.bytes.length % BLOCK) % BLOCK);
    return [header(member), member.bytes, padding];
  });
  parts.push(new Uint8Array(2 * BLOCK));
  const archive = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

/** Situations of one archive, which is replaced as a whole. */
async function tarHarness(): Promise<Harness> {
  const folder = await Deno.makeTempDir({ prefix: "quorus-tar-" });
  const env = realEnv();
  const archive = `${folder}/a.tar`;
  const members = new Map<string, Uint8Array>([["first", new Uint8Array(700)]]);
  const write = async () => {
    await Deno.writeFile(
      `${folder}/new.tar`,
      archiveOf([...members].map(([name, bytes]) => ({ name, bytes }))),
    );
    await Deno.rename(`${folder}/new.tar`, archive);
  };
  await write();
  return {
    protocol: tar,
    context: { env },
    source: {
      uri: (name) => `tar://${archive}!/${encodeURIComponent(name)}`,
      put: async (name, bytes) => {
        members.set(name, bytes.slice());
        await write();
      },
      truncate: (_name, atBytes) =>
        Promise.resolve(() => Deno.truncate(archive, 3 * BLOCK + 700 + atBytes)),
    },
    close: async () => {
      env.close();
      await Deno.remove(folder, { recursive: true });
    },
  };
}

conformance("tar (example)", tarHarness);

const HOSTILE: readonly [string, Uint8Array<ArrayBuffer>, string, RegExp][] = [
  [
    "a size that leads beyond its end",
    archiveOf([{ name: "f", bytes: new Uint8Array(10), size: "00077777777\0" }]),
    "badResponse",
    /ends within/,
  ],
  [
    "a negative size",
    archiveOf([{ name: "f", bytes: new Uint8Array(10), size: "\u00ff".repeat(6) }]),
    "badResponse",
    /ends within|a number in it is none|no header/,
  ],
  [
    "a size that is no number",
    archiveOf([{ name: "f", bytes: new Uint8Array(10), size: "zzzzzzzzzzz\0" }]),
    "badResponse",
    /a number in it is none/,
  ],
  [
    "a name of 100,000 bytes",
    archiveOf([{ name: "x", type: "L", bytes: new Uint8Array(100_000) }]),
    "badResponse",
    /too long/,
  ],
  [
    "attributes whose lengths lie",
    archiveOf([{ name: "x", type: "x", bytes: new TextEncoder().encode("99999 path=f\n") }]),
    "badResponse",
    /extended header/,
  ],
  ["noise", new Uint8Array(2_048).fill(7), "badResponse", /no header|a number/],
  [
    "a link by the name that was asked for",
    archiveOf([{ name: "f", type: "2", bytes: new Uint8Array(0) }]),
    "notFound",
    /no such member/,
  ],
];

for (const [what, archive, code, message] of HOSTILE) {
  Deno.test(`tar (example): an archive with ${what} gives ${code}`, async () => {
    await inFolder(async (folder) => {
      await Deno.writeFile(`${folder}/a.tar`, archive);
      const env = realEnv();
      const source = tar.source!(plainEndpoint(`tar://${folder}/a.tar!/f`), { env });
      const failing = source.stat(new AbortController().signal);
      await assert.rejects(failing, (thrown) => {
        assert.ok(thrown instanceof ProtocolError);
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, message);
        return true;
      });
      await source.close();
      env.close();
    });
  });
}

Deno.test("tar (example): a member is copied by the command line, named by --protocol", async () => {
  await inFolder(async (folder) => {
    const bytes = new TextEncoder().encode("127.0.0.1 localhost\n");
    await Deno.writeFile(`${folder}/a.tar`, archiveOf([{ name: "./etc/hosts", bytes }]));
    const given = ["--protocol", MODULE];
    const from = `tar://${folder}/a.tar!/etc/hosts`;
    const state = ["--data", `${folder}/state`];
    const copied = await quorus(["copy", from, `${folder}/hosts`, ...given, ...state]);
    assert.equal(copied.code, 0, copied.err);
    assert.deepEqual(await Deno.readFile(`${folder}/hosts`), bytes);
    const page = await quorus(["protocols", "tar", ...given]);
    assert.match(page.out, /^tar: files in tar archives/);
    assert.match(page.out, /schemes +tar:/);
    const without = await quorus(["copy", from, `${folder}/hosts`, ...state]);
    assert.equal(without.code, 2);
    assert.match(without.err, /protocol tar is not offered/);
    const confined = await quorus([
      ...["copy", from, `${folder}/again`, ...given, ...state],
      ...["--reach", "paths=/nowhere"],
    ]);
    assert.equal(confined.code, 1);
    assert.match(confined.err + confined.out, /reach\.paths/);
  });
});

Deno.test("what is no protocol is refused with the reason", async () => {
  await inFolder(async (folder) => {
    const cases: readonly [string, RegExp][] = [
      ["export const x = 1;", /exports no protocol/],
      ["export default {name: 'x', schemes: []};", /names no schemes/],
      ["export default {name: 'x', schemes: ['X:'], source() {}};", /names no schemes/],
      ["export default {name: 'x', schemes: ['x']};", /neither a source nor a sink/],
      [
        "export default {name: 'x', schemes: ['file'], source() {}};",
        /two transfer protocols claim/,
      ],
      ["throw new Error('no luck');", /no luck/],
    ];
    for (const [index, [text, message]] of cases.entries()) {
      const module = `${folder}/m${index}.js`;
      await Deno.writeTextFile(module, text);
      const refused = await quorus(["protocols", "--protocol", module]);
      assert.equal(refused.code, 2, refused.out);
      assert.match(refused.err, message);
    }
    const missing = await quorus(["protocols", "--protocol", `${folder}/none.ts`]);
    assert.equal(missing.code, 2);
  });
});
