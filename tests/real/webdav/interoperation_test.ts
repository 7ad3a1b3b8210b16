/** Files that rclone put there are read, and those that we put there are what rclone finds. */

import assert from "node:assert/strict";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { assertBytes, fetched, NEVER, patterned } from "../../conformance/case.ts";
import { RCLONE_USER, startRclone, type WebdavServer } from "../../servers/webdav.ts";
import { requirePrograms } from "../require.ts";

const NAMES = ["plain.bin", "two words.bin", "ünï-漢字.bin", "100% & more;=+,.bin", "[x]#?.bin"];
const SIZE = 200_000;

async function rclone(server: WebdavServer, ...words: string[]): Promise<void> {
  const run = (args: string[]) => new Deno.Command("rclone", { args, stdin: "null" }).output();
  const password = await run(["obscure", RCLONE_USER.password]);
  const { success, stderr } = await run([
    ...["--config", "/dev/null", "--webdav-url", `http://127.0.0.1:${server.port}`],
    ...["--webdav-vendor", "other", "--webdav-user", RCLONE_USER.username],
    ...["--webdav-pass", new TextDecoder().decode(password.stdout).trim(), ...words],
  ]);
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test({
  name: "what one client puts on a WebDAV server the other one finds, to the byte",
  ...requirePrograms(["rclone"]),
  async fn() {
    const server = await startRclone();
    const env = realEnv();
    const protocol = webdavProtocol();
    const at = (path: string) => ({
      ...plainEndpoint(`dav://127.0.0.1:${server.port}/${path}`),
      auth: RCLONE_USER,
    });
    const local = `${server.folder}/local`;
    await Deno.mkdir(local);
    try {
      for (const [index, name] of NAMES.entries()) {
        const bytes = patterned(SIZE, index);
        await Deno.writeFile(`${local}/${name}`, bytes);
        const place = { createDirectories: true, root: null, sync: true };
        const endpoint = { ...at(`ours/${encodeURIComponent(name)}`), ...place };
        const sink = protocol.sink!(endpoint, { env });
        const file = await sink.create("t.part", NEVER, SIZE);
        await file.write(bytes, 0);
        await sink.publish(file, { name, replace: false, mtimeMs: null, mode: null });
        await sink.close();
      }
      await rclone(server, "check", "--download", local, ":webdav:ours");
      await rclone(server, "copy", local, ":webdav:theirs");
      const directory = protocol.directory!(at("theirs/"), { env });
      const found: string[] = [];
      for await (const { entries } of directory.list(NEVER)) {
        for (const { name } of entries) {
          found.push(name);
          const endpoint = { ...plainEndpoint(directory.uriOf(name)), auth: RCLONE_USER };
          const source = protocol.source!(endpoint, { env });
          assertBytes(await fetched(source), patterned(SIZE, NAMES.indexOf(name)), name);
          await source.close();
        }
      }
      assert.deepEqual(found.sort(), [...NAMES].sort());
    } finally {
      env.close();
      await server.close();
    }
  },
});
