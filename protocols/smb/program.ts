/**
 * Starting Samba's `smbclient`, the one place of this folder that reaches the network. It is asked by
 * lines and answers in words: what it must not be told to do is in `names.ts`.
 */

import type { Env } from "../../runtime/env/env.ts";
import { ProgramError, type RunningProgram } from "../../runtime/env/programs.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { SmbTarget } from "./endpoint.ts";

/** What the node has for SMB. */
export interface SmbMachine {
  /** Its Kerberos credential cache; `null`: the one that Kerberos itself finds. */
  readonly ticketCache: string | null;
  /** A folder of ours for files on their way, up to a mebibyte each; `null`: there is none. */
  readonly folder: string | null;
}

/** How smbclient is started. */
export interface Start {
  readonly target: SmbTarget;
  /** Of the host, already judged; the host itself where it is not resolved here. */
  readonly address: string;
  readonly machine: SmbMachine;
  /** One upload into this directory of the share, instead of a conversation. */
  readonly uploadInto?: string;
  /** A file that it would make longer than this ends it (SIGXFSZ). */
  readonly fileMaxBytes?: number;
}

/** Whether programs can be bounded in what they write (`prlimit` of util-linux); asked once. */
export class FileLimit {
  #answer: Promise<boolean> | null = null;

  isThere(env: Env): Promise<boolean> {
    this.#answer ??= this.#ask(env);
    return this.#answer;
  }

  async #ask({ programs }: Env): Promise<boolean> {
    try {
      const program = programs?.start({ program: "prlimit", args: ["--version"] });
      if (program === undefined) return false;
      const { code } = await program.ended;
      while (await program.read(new Uint8Array(256)) > 0);
      return code === 0;
    } catch (thrown) {
      if (thrown instanceof ProgramError) return false;
      throw thrown;
    }
  }
}

/** The name of what is uploaded, and the command for it: no name of anybody else is in it. */
export const UPLOADED_NAME = "data";
const UPLOAD_COMMAND = `put - ${UPLOADED_NAME}`;
const SMALL_BUFFER_BYTES = 65_536;

/** Starts it; `unsupported` where it is not installed or not allowed. */
export function startSmbclient(env: Env, start: Start): RunningProgram {
  const refuse = (reason: string, cause?: unknown) =>
    new ProtocolError("unsupported", `cannot speak SMB here: ${reason}`, {
      definite: true,
      ...(cause === undefined ? {} : { cause }),
    });
  if (env.programs === undefined) throw refuse("no programs can be started");
  const limit = start.fileMaxBytes;
  const bounds = limit === undefined ? [] : [`--fsize=${limit}`, "--core=0", "--", "smbclient"];
  try {
    return env.programs.start({
      program: limit === undefined ? "smbclient" : "prlimit",
      args: [...bounds, ...argumentsOf(start)],
      environment: environmentOf(start),
      errors: start.uploadInto === undefined ? "read" : "kept",
    });
  } catch (thrown) {
    if (!(thrown instanceof ProgramError)) throw thrown;
    if (thrown.code !== "notFound") throw refuse(thrown.message, thrown);
    throw refuse("smbclient is not installed; install the Debian package smbclient", thrown);
  }
}

/** No secret is among them: who may list processes sees them. */
export function argumentsOf(start: Omit<Start, "fileMaxBytes">): string[] {
  const { target, address, uploadInto } = start;
  const { host, port, share, user, domain, proof } = target;
  const seconds = Math.ceil((target.idleMs ?? protocolLimits.smbIdleTimeoutMs) / 1_000);
  const settings = [
    `client min protocol=${target.minimum}`,
    `client max protocol=${target.maximum}`,
    `client signing=${target.signing}`,
    `client smb encrypt=${target.encryption === "off" ? "if_required" : target.encryption}`,
    "name resolve order=host",
  ];
  return [
    `//${host}/${share}`,
    ...(address === host ? [] : [`--ip-address=${address}`]),
    `--port=${port}`,
    // Nobody's settings but these; messages apart from the bytes of files.
    ...["--configfile=/dev/null", "--stderr", "--quiet", `--timeout=${Math.max(1, seconds)}`],
    ...settings.map((setting) => `--option=${setting}`),
    ...(target.largeBuffers ? [] : [`--send-buffer=${SMALL_BUFFER_BYTES}`]),
    ...(user === null ? [] : [`--user=${user}`]),
    ...(domain === null ? [] : [`--workgroup=${domain}`]),
    ...(proof.type === "ticket"
      ? ["--use-kerberos=required", "--no-pass"]
      : ["--use-kerberos=off"]),
    ...(uploadInto === undefined
      ? []
      : [`--directory=${uploadInto}`, `--command=${UPLOAD_COMMAND}`]),
  ];
}

/**
 * The whole of its environment. The password is there, where its own user and root can see it, and not
 * on its standard input: smbclient 4.17 asks a descriptor (PASSWD_FD) twice, and takes the first line of
 * what follows, or the first byte of a file, for a second answer.
 */
export function environmentOf(
  { target: { proof }, machine }: Pick<Start, "target" | "machine">,
): Record<string, string> {
  return {
    // Prompts, which tell where an answer ends, and no editing of lines.
    ...{ CLI_FORCE_INTERACTIVE: "1", CLI_NO_READLINE: "1" },
    // Times and sizes in one form.
    ...{ LC_ALL: "C", TZ: "UTC0" },
    HOME: "/nonexistent",
    ...(proof.type === "password" ? { PASSWD: proof.password } : ticketCache(proof, machine)),
  };
}

/**
 * Without a cache that is named, the machine's own one (krb5.conf). `--use-krb5-ccache` of smbclient 4.17
 * changes nothing: it goes on with the default cache (seen with a KDC).
 */
function ticketCache(
  { file }: { readonly file: string | null },
  machine: SmbMachine,
): { KRB5CCNAME?: string } {
  const cache = file ?? machine.ticketCache;
  return cache === null ? {} : { KRB5CCNAME: cache };
}
