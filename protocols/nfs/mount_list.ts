/** Reading the kernel's list of mounts. It asks no server. */

import type { Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { ProgramError } from "../../runtime/env/programs.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

const LIST = "/proc/self/mountinfo";

/** What the list is read by. */
export type MountListEnv = Pick<Env, "disk" | "programs">;

/**
 * The text of the list. Deno lets nobody read `/proc` who has not all permissions; the program `cat`, which
 * sees the same mounts, may where it is allowed.
 */
export async function mountList({ disk, programs }: MountListEnv): Promise<string> {
  try {
    const file = await disk.open(LIST, { read: true });
    try {
      let at = 0;
      return await textOf(async (into) => {
        const count = await file.read(into, at);
        at += count;
        return count;
      });
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (!(thrown instanceof DiskError)) throw thrown;
    if (thrown.code !== "denied" || programs === undefined) throw unreadable(thrown);
  }
  try {
    const program = programs.start({ program: "cat", args: [LIST] });
    const text = await textOf((into) => program.read(into)).finally(() => program.kill());
    await program.ended;
    return text;
  } catch (thrown) {
    throw thrown instanceof ProgramError ? unreadable(thrown) : thrown;
  }
}

async function textOf(read: (into: Uint8Array) => Promise<number>): Promise<string> {
  const most = protocolLimits.nfsMountInfoMaxBytes;
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(65_536);
  let text = "";
  for (let length = 0;;) {
    const count = await read(buffer);
    if (count === 0) return text;
    length += count;
    if (length > most) {
      const message = `cannot read the list of mounts: ${LIST} has more than ${most} bytes`;
      throw new ProtocolError("io", message, { retryable: false });
    }
    text += decoder.decode(buffer.subarray(0, count), { stream: true });
  }
}

function unreadable(cause: unknown): ProtocolError {
  const message =
    `cannot read the list of mounts (${LIST}), and so not prove that a path is one: ` +
    "run with --allow-run=cat, or with --allow-all";
  return new ProtocolError("denied", message, { cause, definite: true });
}
