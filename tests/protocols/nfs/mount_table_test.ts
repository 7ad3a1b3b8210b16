/** The kernel's list of mounts, as it is written and as it might be. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { isBelow } from "../../../protocols/containment.ts";
import type { MountDemands, NfsMount } from "../../../protocols/nfs/endpoint.ts";
import {
  deviceNumber,
  exportedPath,
  type MountEntry,
  mountsOf,
  mountUnder,
} from "../../../protocols/nfs/mount_table.ts";
import { unmetDemand, whyNotMounted } from "../../../protocols/nfs/proof.ts";
import { mountLine } from "./harness.ts";

const NOTHING: MountDemands = { nfsVersion: null, rsize: null, wsize: null, tcp: null };

function only(line: string): MountEntry {
  const [entry, ...more] = mountsOf(line);
  assert.ok(entry !== undefined && more.length === 0);
  return entry;
}

Deno.test("a line of the list says where, what and how; odd characters are octal there", () => {
  const entry = only(
    "36 35 0:57 / /mnt/two\\040words\\134 rw,noatime shared:7 master:1 - nfs4 " +
      "files.example:/export\\011x rw,vers=4.2,rsize=1048576,proto=tcp,addr=10.0.0.1\n",
  );
  assert.deepEqual(entry, {
    dev: 57,
    root: "/",
    point: "/mnt/two words\\",
    type: "nfs4",
    source: "files.example:/export\tx",
    options: ["rw", "vers=4.2", "rsize=1048576", "proto=tcp", "addr=10.0.0.1"],
  });
});

Deno.test("lines of another form are left out, and a device has one number", () => {
  assert.deepEqual(mountsOf("\nnonsense\n1 2 x / / rw - ext4\n1 2 0:3 / /a rw -\n"), []);
  assert.equal(deviceNumber(0, 57), 57);
  assert.equal(deviceNumber(8, 1), 0x801);
  assert.equal(deviceNumber(0, 300), 0x10002c, "minor numbers over 255 stand in two places");
});

Deno.test("a path is on the deepest mount above it, and on the later of two at one place", () => {
  const segments = fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 4 });
  const path = segments.map((names) => `/${names.join("/")}`);
  fc.assert(fc.property(fc.array(path, { maxLength: 8 }), path, (points, wanted) => {
    const mounts = points.map((point, index) =>
      only(mountLine(point, { source: `server:/${index}` }))
    );
    const above = mounts.filter(({ point }) => isBelow(point, wanted));
    const longest = Math.max(...above.map(({ point }) => point.length));
    const expected = above.filter(({ point }) => point.length === longest).at(-1) ?? null;
    assert.equal(mountUnder(mounts, wanted), expected);
  }));
});

Deno.test("the exported path of a folder is its server's, through bind mounts and below", () => {
  const cases = [
    ["server:/export", "/", "/mnt/x", "/mnt/x", "/export"],
    ["server:/export", "/", "/mnt/x", "/mnt/x/in/2026", "/export/in/2026"],
    ["server:/", "/", "/mnt", "/mnt/export", "/export"],
    ["server:/export", "/in", "/srv/in", "/srv/in", "/export/in"],
    ["[fd00::1]:/export", "/", "/mnt/x", "/mnt/x", "/export"],
  ] as const;
  for (const [source, root, point, path, expected] of cases) {
    const entry = { ...only(mountLine(point, { source })), root };
    assert.equal(exportedPath(entry, path), expected, `${source} ${path}`);
  }
});

const MOUNT: NfsMount = { uri: "nfs://server/export", path: "/mnt/x", fstype: null };

Deno.test("what is not that export of that server is told apart, in words", () => {
  const judged = (line: string, mount: NfsMount = MOUNT) =>
    whyNotMounted(mountUnder(mountsOf(line), "/mnt/x"), mount, "/mnt/x");
  assert.equal(judged(mountLine("/mnt/x")), null);
  assert.equal(judged(mountLine("/mnt/x", { type: "nfs" })), null);
  assert.match(judged("") ?? "", /nothing is mounted/);
  assert.match(judged(mountLine("/", { type: "ext4" })) ?? "", /type ext4: the mount has gone/);
  assert.match(judged(mountLine("/mnt/x", { source: "other:/export" })) ?? "", /server other/);
  assert.match(judged(mountLine("/mnt/x", { source: "server:/exported" })) ?? "", /\/exported/);
  const byAddress = { ...MOUNT, uri: "nfs://10.0.0.1/export" };
  assert.equal(judged(mountLine("/mnt/x", { options: "rw,addr=10.0.0.1" }), byAddress), null);
  assert.match(judged(mountLine("/mnt/x"), byAddress) ?? "", /from the server server/);
});

Deno.test("a stand-in is taken where the settings name its type, and no other", () => {
  const standIn = { ...MOUNT, fstype: "tmpfs" };
  const tmpfs = only(mountLine("/mnt/x", { type: "tmpfs", source: "tmpfs" }));
  assert.equal(whyNotMounted(tmpfs, standIn, "/mnt/x"), null);
  assert.match(whyNotMounted(only(mountLine("/mnt/x")), standIn, "/mnt/x") ?? "", /type nfs4/);
});

Deno.test("demands are looked up in the options of the mount", () => {
  const options = "rw,vers=4.1,rsize=1048576,wsize=65536,proto=tcp6";
  const entry = only(mountLine("/mnt/x", { options }));
  const unmet = (demands: Partial<MountDemands>) => unmetDemand(entry, { ...NOTHING, ...demands });
  const asked = { nfsVersion: "4.1", rsize: 1_048_576, wsize: 65_536, tcp: true };
  assert.equal(unmet(asked), null);
  assert.equal(unmet({ nfsVersion: "4" }), null);
  assert.match(unmet({ nfsVersion: "4.2" }) ?? "", /4\.2 is wanted, and it is 4\.1/);
  assert.match(unmet({ rsize: 65_536 }) ?? "", /rsize 65536 is wanted/);
  assert.match(unmet({ wsize: 1 }) ?? "", /wsize 1 is wanted/);
  assert.match(unmet({ tcp: false }) ?? "", /another protocol than TCP/);
});
