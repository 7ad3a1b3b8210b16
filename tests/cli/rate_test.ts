import assert from "node:assert/strict";
import { quorus } from "./memory_process.ts";
import { ADMIN, VIEWER, withGateway } from "./remote_rig.ts";

function as(key: string, url: string) {
  return { env: { QUORUS_SERVER: url, QUORUS_API_KEY: key } };
}

Deno.test("rate set says how fast bytes may move, and in which hours how else", async () => {
  await withGateway(async (cluster, url) => {
    const window = "fri-mon,wed 22:00-06:00 Europe/Berlin free";
    const args = ["rate", "set", "host", "files.example", "5MB/s", "--window", window];
    const { code, out, err } = await quorus(args, as(ADMIN, url));
    assert.deepEqual([code, err], [0, ""]);
    assert.match(out, /host files\.example: .*\/s, within two seconds/);
    assert.deepEqual(cluster.writes.at(-1), {
      type: "putRate",
      scope: "host",
      name: "files.example",
      settings: {
        bytesPerSecond: 5_000_000,
        windows: [{
          days: ["mon", "wed", "fri", "sat", "sun"],
          from: "22:00",
          to: "06:00",
          timeZone: "Europe/Berlin",
          bytesPerSecond: null,
        }],
      },
    });
    assert.equal((await quorus(["rate", "clear", "agent", "*"], as(ADMIN, url))).code, 0);
    assert.deepEqual(cluster.writes.at(-1), {
      type: "putRate",
      scope: "agent",
      name: "*",
      settings: null,
    });
  });
});

Deno.test("rate tells what it cannot use, and who may not", async () => {
  await withGateway(async (_, url) => {
    const set = (key: string, ...args: string[]) =>
      quorus(["rate", "set", "tenant", "acme", ...args], as(key, url));
    const slow = await set(ADMIN, "10B/s");
    assert.equal(slow.code, 2);
    assert.match(slow.err, /write bytes per second from 1KiB on, such as 20MB\/s, or free/);
    const window = await set(ADMIN, "1MB/s", "--window", "workdays 9-5");
    assert.match(window.err, /write days, hours, time zone and rate, such as/);
    const zone = await set(ADMIN, "1MB/s", "--window", "mon 09:00-17:00 Mars 1MB/s");
    assert.equal(zone.code, 2);
    assert.match(zone.err, /time zone/);
    assert.equal((await set(VIEWER, "1MB/s")).code, 3);
    const scope = await quorus(["rate", "set", "tennant", "a", "1MB/s"], as(ADMIN, url));
    assert.match(scope.err, /agent, tenant, host, link, job/);
  });
});
