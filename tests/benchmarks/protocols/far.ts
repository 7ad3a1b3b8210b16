/** Files of servers: in folders of this machine, and in stores that only their clients see. */

import { command } from "./command.ts";
import type { Far } from "./contest.ts";
import type { Remote } from "./rclone.ts";

/** A server whose files lie below `root`, to be written to by whoever it runs as. */
export function folderFar(root: string): Far {
  const at = (far: string) => `${root}/${far}`;
  const make = async (far: string) => {
    await Deno.mkdir(at(far));
    await Deno.chmod(at(far), 0o777);
  };
  return {
    make,
    fill: async (near, far) => {
      await make(far);
      for (const { name } of Deno.readDirSync(near)) {
        await Deno.copyFile(`${near}/${name}`, `${at(far)}/${name}`);
      }
    },
    count: (far) => Promise.resolve(countOf(at(far))),
    remove: (far) => Deno.remove(at(far), { recursive: true }),
  };
}

/** Files of a folder, without what belongs to somebody's machinery. */
export function countOf(folder: string): { files: number; bytes: number } {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
    .filter((name) => name.endsWith(".bin"));
  const bytes = names.reduce((sum, name) => sum + Deno.statSync(`${folder}/${name}`).size, 0);
  return { files: names.length, bytes };
}

/** A server whose files only its clients know, asked by rclone; folders are made where there are any. */
export function remoteFar({ place, env, flags }: Remote): Far {
  const rclone = (...args: string[]) => command("rclone", [...flags, ...args], env);
  return {
    make: async (far) => void await rclone("mkdir", place(far)),
    fill: async (near, far) =>
      void await rclone("copy", "--transfers", "16", "--checkers", "16", near, place(far)),
    count: async (far) => {
      const { count, bytes } = JSON.parse(await rclone("size", "--json", place(far)));
      return { files: count, bytes };
    },
    // To delete thousands of objects takes longer than to copy them; the server goes in the end.
    remove: async (far, size) =>
      size === "small"
        ? undefined
        : void await rclone("purge", "--transfers", "16", "--checkers", "16", place(far)),
  };
}
