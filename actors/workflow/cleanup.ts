/**
 * The `cleanup` action: removes regular files below a declared directory that are older than their
 * retention. It follows no symbolic link and leaves directories and unfinished files alone.
 */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { ACTOR_LIMITS } from "../limits.ts";

const DAY_MS = 86_400_000;

/** What a clean-up did. */
export interface CleanedUp {
  readonly removed: number;
  readonly kept: number;
  /** The directory holds more than one clean-up looks at. */
  readonly partial: boolean;
}

/** Cleans `target`, an absolute path or `file:` URI; nothing there is no error. */
export async function cleanUp(
  env: Env,
  action: { readonly target: string; readonly retentionDays: number },
  context: {
    readonly signal: AbortSignal;
    readonly tools: { readonly limits: LimitValues<typeof ACTOR_LIMITS> };
  },
): Promise<CleanedUp> {
  const olderThanMs = env.clock.now() - action.retentionDays * DAY_MS;
  const most = context.tools.limits.cleanupFiles;
  const directories = [localPath(action.target)];
  let [removed, kept] = [0, 0];
  for (let path = directories.pop(); path !== undefined; path = directories.pop()) {
    const info = await env.disk.lstat(path);
    if (info?.kind !== "directory") continue;
    for (const entry of await env.disk.readDirectory(path)) {
      context.signal.throwIfAborted();
      if (removed + kept >= most) return { removed, kept, partial: true };
      const at = `${path}/${entry.name}`;
      if (entry.kind === "directory") directories.push(at);
      else if (await isExpired(env, at, entry.name, olderThanMs)) {
        await env.disk.remove(at);
        removed += 1;
      } else kept += 1;
    }
  }
  return { removed, kept, partial: false };
}

async function isExpired(
  env: Env,
  path: string,
  name: string,
  olderThanMs: number,
): Promise<boolean> {
  if (name.startsWith(".quorus-")) return false;
  const info = await env.disk.lstat(path);
  return info !== null && info.kind === "file" && info.mtimeMs < olderThanMs;
}

function localPath(target: string): string {
  const path = target.startsWith("file:") ? decodeURIComponent(new URL(target).pathname) : target;
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
