/** A small disk of one test: a tmpfs of its own, for those who may mount (root). */

import { findProgram } from "./require.ts";

/**
 * What to spread into `Deno.test({...})`: skipped where nothing can be mounted. Strict runs
 * (QUORUS_REQUIRE_ALL=1) skip it too: they need not be root.
 */
export function requireMount(): { readonly ignore: boolean } {
  const can = Deno.uid() === 0 && findProgram("mount") !== undefined && mountWorks();
  if (!can) console.warn("Cannot run a test: mounting a tmpfs needs root (the test is skipped)");
  return { ignore: !can };
}

/** Containers may have root without the right to mount. */
function mountWorks(): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "quorus-mount-" });
  try {
    if (!mountSync("-t", "tmpfs", "tmpfs", folder)) return false;
    return new Deno.Command("umount", { args: [folder] }).outputSync().success;
  } finally {
    Deno.removeSync(folder);
  }
}

/** Mounts `sizeMiB` of memory at `folder`, which must exist, for as long as `work` takes. */
export async function withTmpfs<T>(
  folder: string,
  sizeMiB: number,
  work: (remount: (options: string) => void) => Promise<T>,
): Promise<T> {
  mount("-t", "tmpfs", "-o", `size=${sizeMiB}m`, "tmpfs", folder);
  try {
    return await work((options) => mount("-o", `remount,${options}`, folder));
  } finally {
    await new Deno.Command("umount", { args: ["-l", folder] }).output();
  }
}

function mount(...args: string[]): void {
  if (!mountSync(...args)) throw new Error(`mount ${args.join(" ")} failed`);
}

function mountSync(...args: string[]): boolean {
  return new Deno.Command("mount", { args, stderr: "null" }).outputSync().success;
}
