/** The kernel's list of mounts (`/proc/self/mountinfo`, proc_pid_mountinfo(5)), read and judged. */

import { isBelow } from "../containment.ts";

/** One mount. */
export interface MountEntry {
  /** As `stat` tells it of every file on it. */
  readonly dev: number;
  /** What of the file system is mounted: `/`, or a folder of it for a bind mount. */
  readonly root: string;
  readonly point: string;
  readonly type: string;
  readonly source: string;
  /** Of the file system: `vers=4.2`, `rsize=1048576`, `hard` ... */
  readonly options: readonly string[];
}

/** The mounts in the order in which they were made; lines of another form are left out. */
export function mountsOf(text: string): MountEntry[] {
  return text.split("\n").map(mountOf).filter((mount) => mount !== null);
}

function mountOf(line: string): MountEntry | null {
  const [front = "", back = ""] = line.split(" - ");
  const [, , device = "", root = "", point = ""] = front.split(" ");
  const [type = "", source = "", options = ""] = back.split(" ");
  const numbers = /^(\d+):(\d+)$/.exec(device);
  if (numbers === null || point === "" || type === "") return null;
  return {
    dev: deviceNumber(Number(numbers[1]), Number(numbers[2])),
    root: unescaped(root),
    point: unescaped(point),
    type,
    source: unescaped(source),
    options: options.split(",").map(unescaped),
  };
}

/** Space, tab, line break and backslash are octal there. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(parseInt(code, 8)));
}

/** As glibc's `makedev` puts the two numbers together. */
export function deviceNumber(major: number, minor: number): number {
  const high = Math.floor(major / 0x1000) * 2 ** 44 + Math.floor(minor / 0x100) * 2 ** 20;
  return high + (major % 0x1000) * 2 ** 8 + minor % 0x100;
}

/** The mount that a canonical path is on: the deepest one, and of two at one place the later. */
export function mountUnder(mounts: readonly MountEntry[], path: string): MountEntry | null {
  let best: MountEntry | null = null;
  for (const mount of mounts) {
    if (!isBelow(mount.point, path)) continue;
    if (best === null || mount.point.length >= best.point.length) best = mount;
  }
  return best;
}

/** What the exported path at `path` is on its server, for a mount that `path` is on. */
export function exportedPath(mount: MountEntry, path: string): string {
  const source = mount.source.replace(/^(?:\[[^\]]*\]|[^:]*):/, "");
  const parts = [source, mount.root, path.slice(mount.point === "/" ? 0 : mount.point.length)];
  return `/${parts.flatMap((part) => part.split("/")).filter((part) => part !== "").join("/")}`;
}

/** The server of a mount as it was named when it was mounted, lower case. */
export function serverOf({ source }: MountEntry): string | null {
  const match = /^(?:\[([^\]]+)\]|([^:/]+)):\//.exec(source);
  return match === null ? null : (match[1] ?? match[2])!.toLowerCase();
}

/** The value of an option of a mount, `null` where it does not stand there. */
export function mountOption({ options }: MountEntry, name: string): string | null {
  const found = options.find((option) => option === name || option.startsWith(`${name}=`));
  return found === undefined ? null : found.slice(name.length + 1);
}
