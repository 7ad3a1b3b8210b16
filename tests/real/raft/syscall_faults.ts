/** Faults of one process's system calls: syncs that fail with EIO, and a wall clock that jumps. */

import { findProgram, requirePrograms } from "../require.ts";

const SOURCE = new URL("./syscall_faults.c", import.meta.url).pathname;

/** What to spread into `Deno.test({...})`: skipped where nothing can be compiled. */
export function requireSyscallFaults(): { readonly ignore: boolean } {
  return requirePrograms(["gcc"]);
}

/** Compiles the library that members preload, into `folder`. */
export async function compileSyscallFaults(folder: string): Promise<string> {
  const library = `${folder}/syscall_faults.so`;
  const args = ["-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"];
  const { success, stderr } = await new Deno.Command(findProgram("gcc")!, {
    args,
    stderr: "piped",
  }).output();
  if (!success) throw new Error(`compile ${SOURCE}: ${new TextDecoder().decode(stderr)}`);
  return library;
}

/** The faults of one process; it is started with `environment`. */
export class SyscallFaults {
  readonly environment: Readonly<Record<string, string>>;
  readonly #trigger: string;
  readonly #offset: string;

  constructor(library: string, folder: string, name: string) {
    this.#trigger = `${folder}/${name}.sync-fails`;
    this.#offset = `${folder}/${name}.clock-offset`;
    Deno.writeFileSync(this.#offset, new Uint8Array(8));
    this.environment = {
      LD_PRELOAD: library,
      QUORUS_SYNC_FAILS: this.#trigger,
      QUORUS_CLOCK_OFFSET: this.#offset,
    };
  }

  failSyncs(): void {
    Deno.writeFileSync(this.#trigger, new Uint8Array(0));
  }

  healSyncs(): void {
    Deno.removeSync(this.#trigger);
  }

  /** How far the wall clock is from the machine's. */
  setClockOffset(ms: number): void {
    // In place: the process has mapped this file, and would die of a shorter one.
    using file = Deno.openSync(this.#offset, { write: true });
    file.writeSync(new Uint8Array(BigInt64Array.of(BigInt(ms) * 1_000_000n).buffer));
  }
}
