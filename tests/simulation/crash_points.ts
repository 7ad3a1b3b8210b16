/** Env calls as crash points, and ways to break an Env on purpose. */

import type { DiskFile, Env } from "../../runtime/env/env.ts";
import type { SimulatedEnv } from "../../runtime/sim/env.ts";

/** What stands between a process and one of its open files: the planted faults of the canaries. */
export interface Sabotage {
  /** Replaces calls of an open file; `undefined` leaves the file alone. */
  readonly file?: (path: string, file: DiskFile) => Partial<DiskFile> | undefined;
  readonly syncDirectory?: (path: string, sync: () => Promise<void>) => Promise<void>;
}

/** An Env that tells of each call of disk and keys after it was issued and before it completes. */
export function observedEnv(
  env: SimulatedEnv,
  onCall: (label: string) => void,
  sabotage: Sabotage = {},
): Env {
  const disk = observed(env.disk, "disk", onCall, (key, args, result) => {
    if (key !== "open") return result;
    const path = args[0] as string;
    return (result as Promise<DiskFile>).then((file) => {
      const broken = { ...bound(file), ...sabotage.file?.(path, file) };
      return observed(broken, "file", onCall);
    });
  });
  const { syncDirectory } = sabotage;
  const kept = syncDirectory === undefined ? disk : {
    ...bound(disk),
    syncDirectory: (path: string) => syncDirectory(path, () => disk.syncDirectory(path)),
  };
  const kv = observed(
    env.kv,
    "kv",
    onCall,
    (_key, _args, result) =>
      (result as Promise<object>).then((store) => observed(store, "kv", onCall)),
  );
  return { ...env, disk: kept, kv };
}

/** The methods of an object as own properties, so that some can be replaced. */
function bound<T extends object>(target: T): T {
  const methods: Record<string, unknown> = {};
  for (let at: object | null = target; at !== null && at !== Object.prototype;) {
    for (const key of Object.getOwnPropertyNames(at)) {
      const value = Reflect.get(target, key, target);
      if (typeof value === "function" && !(key in methods)) methods[key] = value.bind(target);
    }
    at = Object.getPrototypeOf(at);
  }
  return methods as T;
}

function observed<T extends object>(
  target: T,
  kind: string,
  onCall: (label: string) => void,
  then: (key: string, args: unknown[], result: unknown) => unknown = (_key, _args, result) =>
    result,
): T {
  return new Proxy(target, {
    get(object, key) {
      const value = Reflect.get(object, key, object);
      if (typeof value !== "function" || typeof key !== "string") return value;
      return (...args: unknown[]) => {
        const result = value.apply(object, args);
        onCall(`${kind}.${key}`);
        return then(key, args, result);
      };
    },
  });
}
