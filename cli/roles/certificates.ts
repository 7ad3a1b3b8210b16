/**
 * The certificates of a node: taken up when their files change or when it is told to look (SIGHUP), told
 * of before they end. What cannot be used is told once and changes nothing.
 */

import type { Check } from "../../gateway/gateway.ts";
import { errorData } from "../../runtime/base/errors.ts";
import type { Disk, Env } from "../../runtime/env/env.ts";
import { formatDuration } from "../../runtime/base/units.ts";
import { readTextFile } from "../input/text_file.ts";
import { cliLimits } from "../limits.ts";

/** One use of a certificate: links with other nodes, those of a controller's Raft, or the API. */
export interface KeptCertificate {
  /** For people. */
  readonly use: "links" | "Raft links" | "API";
  /** PEM file of the certificate. */
  readonly cert: string;
  /** All files that it is made of. */
  readonly files: readonly string[];
  /** Begins to use what the files hold now. */
  take(): Promise<void>;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/;
const DAY_MS = 86_400_000;

/** See the file's comment. */
export class Certificates {
  readonly #env: Env;
  readonly #keepers: Keeper[] = [];

  constructor(env: Env) {
    this.#env = env;
  }

  /** Keeps one up to date from now on; what is in use now was read from the same files. */
  keep(kept: KeptCertificate): void {
    const keeper = new Keeper(this.#env, kept);
    this.#keepers.push(keeper);
    keeper.start();
  }

  /** Takes all of them up again, changed or not. */
  async reload(): Promise<void> {
    this.#env.log.write("info", "certificates are read again", { uses: this.#keepers.length });
    await Promise.all(this.#keepers.map((keeper) => keeper.reload()));
  }

  /** When the certificate of a use ends; null: there is none. */
  endMs(use: KeptCertificate["use"]): number | null {
    return this.#keepers.find((keeper) => keeper.use === use)?.endMs ?? null;
  }

  /** One check for each: it fails once the certificate has ended, and warns before. */
  checks(): Check[] {
    const nowMs = this.#env.clock.now();
    return this.#keepers.map(({ use, endMs }) => ({
      name: `certificate of the ${use}`,
      ok: endMs === null || endMs > nowMs,
      detail: endText(endMs, nowMs),
    }));
  }

  stop(): void {
    for (const keeper of this.#keepers) keeper.stop();
  }
}

function endText(endMs: number | null, nowMs: number): string {
  if (endMs === null) return "its end is not known";
  const until = new Date(endMs).toISOString();
  if (endMs <= nowMs) return `it has ended at ${until}: issue another one`;
  const days = Math.floor((endMs - nowMs) / DAY_MS);
  const left = days > 1 ? `${days} days` : formatDuration(endMs - nowMs);
  return isSoon(endMs, nowMs)
    ? `warning: it ends in ${left}, at ${until}: issue another one`
    : `it holds until ${until}`;
}

function isSoon(endMs: number, nowMs: number): boolean {
  return endMs - nowMs < cliLimits.certificateSoonMs;
}

class Keeper {
  readonly use: KeptCertificate["use"];
  endMs: number | null = null;
  readonly #env: Env;
  readonly #kept: KeptCertificate;
  #seen: string | null = null;
  #timer: { cancel(): void } | null = null;
  #warnedMs = -Infinity;
  #isStopped = false;
  /** One look after the other. */
  #looking: Promise<void> = Promise.resolve();

  constructor(env: Env, kept: KeptCertificate) {
    this.#env = env;
    this.#kept = kept;
    this.use = kept.use;
  }

  start(): void {
    void this.#watch();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  reload(): Promise<void> {
    return this.#looking = this.#looking.then(() => this.#look(true));
  }

  async #watch(): Promise<void> {
    await (this.#looking = this.#looking.then(() => this.#look(false)));
    if (this.#isStopped) return;
    this.#timer = this.#env.timers.after(cliLimits.certificateLookMs, () => void this.#watch());
  }

  async #look(isForced: boolean): Promise<void> {
    const { files } = this.#kept;
    try {
      const state = await this.#state();
      const isFirst = this.#seen === null;
      if (isForced || state !== this.#seen) {
        this.#seen = state;
        if (!isFirst) await this.#take();
        else this.endMs = await this.#readEnd();
      }
    } catch (error) {
      const facts = { use: this.use, files, error: errorData(error) };
      this.#env.log.write("warn", "the certificates cannot be taken up; those in use stay", facts);
    }
    this.#warn();
  }

  async #take(): Promise<void> {
    const { files } = this.#kept;
    await this.#kept.take();
    this.endMs = await this.#readEnd();
    this.#warnedMs = -Infinity;
    const until = this.endMs === null ? null : new Date(this.endMs).toISOString();
    const facts = { use: this.use, files, until };
    this.#env.log.write("info", "new connections use other certificates", facts);
  }

  #readEnd(): Promise<number | null> {
    return certificateEndMs(this.#env.disk, this.#kept.cert);
  }

  #warn(): void {
    const nowMs = this.#env.clock.now();
    const { endMs } = this;
    if (endMs === null || !isSoon(endMs, nowMs)) return;
    if (nowMs - this.#warnedMs < cliLimits.certificateWarnMs) return;
    this.#warnedMs = nowMs;
    const facts = { use: this.use, file: this.#kept.cert, until: new Date(endMs).toISOString() };
    const text = endMs <= nowMs
      ? "the certificate has ended: nobody new connects; issue another one"
      : "the certificate ends soon: issue another one (quorus pki rotate)";
    this.#env.log.write("warn", text, facts);
  }

  /** Changes whenever a file does: they are replaced, not written over. */
  async #state(): Promise<string> {
    const infos = await Promise.all(this.#kept.files.map((path) => this.#env.disk.stat(path)));
    return JSON.stringify(infos.map((info) => info && [info.ino, info.mtimeMs, info.size]));
  }
}

/** When the certificate in a file ends, in ms since 1970; null where it is none. */
async function certificateEndMs(disk: Disk, cert: string): Promise<number | null> {
  const text = await readTextFile(disk, cert, "the certificate", cliLimits.valueFileBytes);
  const [first] = text.match(CERTIFICATE) ?? [];
  if (first === undefined) return null;
  const { certificateFacts } = await import("../pki/x509.ts");
  try {
    return (await certificateFacts(first)).toMs;
  } catch {
    return null; // whoever uses it says what is wrong with it
  }
}
