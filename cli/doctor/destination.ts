/**
 * Looks at a place as a destination, by doing there what a transfer does: small files with names of
 * their own are written, published, read back and removed.
 */

import { formatBytes } from "../../runtime/base/units.ts";
import type { Disk, Env } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import type {
  Endpoint,
  Sink,
  SinkCapabilities,
  SinkEndpoint,
  TransferProtocol,
} from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { pathOfFileUri } from "../../protocols/file/uri.ts";
import { directoryOf } from "../input/text_file.ts";
import { bad, fact, type Finding, Findings, good } from "./finding.ts";
import { trustFindings } from "./source.ts";

const PROBE_BYTES = 4_096;
const NAME_BYTES = 6;
/** Long ago, in whole seconds, so that it is no time of the server's own. */
const PROBE_MTIME_MS = 1_000_000_000_000;
/** The coarsest clock of a file system in use. */
const MTIME_GRAIN_MS = 2_000;

/** What was found, and what a transfer to there could count on; `null` where nothing can be written. */
export interface ExaminedSink {
  readonly findings: readonly Finding[];
  readonly capabilities: SinkCapabilities | null;
}

/** Examines the directory of `endpoint`, whose own name is left alone; `shown` is what people wrote. */
export async function examineDestination(
  protocol: TransferProtocol,
  endpoint: Endpoint,
  shown: string,
  env: Env,
): Promise<ExaminedSink> {
  if (/^file:/i.test(endpoint.uri)) {
    const missing = await missingFolder(endpoint.uri, shown, env.disk);
    if (missing !== null) return { findings: [missing], capabilities: null };
  }
  if (protocol.sink === undefined) {
    const message = `cannot write to ${protocol.name}: it is a source only`;
    return {
      findings: [bad("writable", new ProtocolError("unsupported", message))],
      capabilities: null,
    };
  }
  const name = `.quorus-doctor-${env.random.bytes(NAME_BYTES).toHex()}`;
  const directory = endpoint.uri.slice(0, endpoint.uri.lastIndexOf("/") + 1);
  const probe = { ...endpoint, uri: `${directory}${name}` };
  const place: SinkEndpoint = { ...probe, createDirectories: false, root: null, sync: true };
  let sink: Sink;
  try {
    sink = protocol.sink(place, { env });
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError) || thrown.code !== "forbidden") throw thrown;
    return { findings: [bad("reach", thrown)], capabilities: null };
  }
  const findings = new Findings(env.clock);
  const examination = new Examination(sink, name, env, findings);
  try {
    const isWritable = await examination.run(endpoint);
    await examination.cleanUp(protocol, { ...endpoint, uri: directory });
    return { findings: findings.all, capabilities: isWritable ? sink.capabilities : null };
  } finally {
    await sink.close();
  }
}

/** A folder that is not there: `createDirectories` would make it, if something above it is one. */
async function missingFolder(uri: string, shown: string, disk: Disk): Promise<Finding | null> {
  const path = pathOfFileUri(uri);
  const folder = uri.endsWith("/") ? path : directoryOf(path);
  if ((await disk.stat(folder))?.kind === "directory") return null;
  let above = folder;
  while (above !== "/" && await disk.stat(above) === null) above = directoryOf(above);
  const detail = `${folder} does not exist; createDirectories would make it below ${above}`;
  if ((await disk.stat(above))?.kind === "directory") return fact("directory", detail);
  const message = `cannot use ${shown}: ${above} is not a directory; name another place`;
  return bad("directory", new DiskError("notDirectory", message));
}

class Examination {
  readonly #sink: Sink;
  readonly #name: string;
  readonly #env: Env;
  readonly #findings: Findings;
  readonly #signal = new AbortController().signal;
  readonly #temps = new Set<string>();
  readonly #bytes: Uint8Array;
  #isPublished = false;

  constructor(sink: Sink, name: string, env: Env, findings: Findings) {
    this.#sink = sink;
    this.#name = name;
    this.#env = env;
    this.#findings = findings;
    this.#bytes = env.random.bytes(PROBE_BYTES);
  }

  /** Resolves to whether files can be published there. */
  async run(endpoint: Endpoint): Promise<boolean> {
    const step = this.#findings.step.bind(this.#findings);
    const answers = await step("reachable", async () => {
      await this.#sink.stat(this.#name, this.#signal);
      return "answered";
    });
    if (!answers) return false;
    this.#findings.add(...trustFindings(endpoint));
    const temp = this.#temp("part");
    if (!await step("writable", () => this.#write(temp))) return false;
    await step("resume", () => this.#resume(temp));
    if (!await step("publish", () => this.#publish(temp))) return false;
    await step("hash", () => this.#hash());
    await step("no replace", () => this.#keepTaken());
    await step("fence", () => this.#fence());
    await step("space", () => this.#space());
    return true;
  }

  async #write(temp: string): Promise<string> {
    const file = await this.#sink.create(temp, this.#signal);
    try {
      await file.write(this.#bytes, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    const synced = this.#sink.capabilities.durableSync
      ? "and synced"
      : "(nothing can be synced there)";
    return `a file can be written ${synced}`;
  }

  async #resume(temp: string): Promise<string | Finding> {
    if (!this.#sink.capabilities.resume) {
      return fact("resume", "no: an interrupted file is written anew");
    }
    const file = await this.#sink.reopen(temp, this.#signal);
    if (file === null) return fact("resume", "no: what was written is gone once it is closed");
    try {
      const size = await file.size();
      if (size === PROBE_BYTES) return "an interrupted file is gone on with";
      return fact("resume", `no: of ${PROBE_BYTES} bytes ${size} were kept`);
    } finally {
      await file.close();
    }
  }

  async #publish(temp: string): Promise<string> {
    const { capabilities } = this.#sink;
    const standing = capabilities.resume ? await this.#sink.reopen(temp, this.#signal) : null;
    const file = standing ?? await this.#again(temp);
    const mtimeMs = capabilities.mtime ? PROBE_MTIME_MS : null;
    const options = { name: this.#name, replace: false, mtimeMs, mode: null };
    this.#isPublished = true;
    const facts = await this.#sink.publish(file, options);
    this.#temps.delete(temp);
    const isKept = facts.mtimeMs !== null &&
      Math.abs(facts.mtimeMs - PROBE_MTIME_MS) <= MTIME_GRAIN_MS;
    this.#findings.add(
      mtimeMs === null
        ? fact("time", "its own: files get the time of their arrival")
        : isKept
        ? good("time", "kept")
        : fact("time", "given, and something else was told afterwards"),
    );
    return "a file gets its name when it is complete";
  }

  async #again(temp: string) {
    await this.#sink.abort(temp);
    const file = await this.#sink.create(temp, this.#signal);
    await file.write(this.#bytes, 0);
    return file;
  }

  async #hash(): Promise<string | Finding> {
    if (!this.#sink.capabilities.readBack) return fact("hash", "nothing can be read back there");
    const hasher = this.#env.hash.sha256();
    hasher.update(this.#bytes);
    const found = await this.#sink.hash(this.#name, this.#signal);
    if (found === hasher.digestHex()) return "the bytes that arrived are the ones that were sent";
    const message = `${this.#name} holds other bytes than were written to it`;
    throw new ProtocolError("badResponse", message);
  }

  async #keepTaken(): Promise<string | Finding> {
    if (!this.#sink.capabilities.renameNoReplace) {
      return fact("no replace", "not atomically: two that publish one name at once can collide");
    }
    const file = await this.#again(this.#temp("second"));
    try {
      const options = { name: this.#name, replace: false, mtimeMs: null, mode: null };
      await this.#sink.publish(file, options);
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "exists") {
        return "a taken name is kept";
      }
      throw thrown;
    }
    const message = `${this.#name} was replaced although that was forbidden`;
    throw new ProtocolError("badResponse", message);
  }

  async #fence(): Promise<string | Finding> {
    const { fence } = this.#sink.capabilities;
    if (fence === "none") {
      return fact("fence", "none: a stale writer can publish after a newer one");
    }
    if (fence !== "seize") return `${fence}: declared, and judged by the place at each publish`;
    const temp = this.#temp("stale");
    const taken = this.#temp("seized");
    await (await this.#again(temp)).close();
    if (await this.#sink.seize(temp, taken)) {
      return "seize: a stale writer's file can be taken away";
    }
    throw new ProtocolError("badResponse", `${temp} was there and could not be taken away`);
  }

  async #space(): Promise<string | Finding> {
    const bytes = await this.#sink.freeBytes?.(this.#signal) ?? null;
    if (bytes === null) return fact("space", "not told");
    if (bytes > 0) return good("space", `${formatBytes(bytes)} free`);
    throw new ProtocolError("noSpace", "there is no space left; free some");
  }

  #temp(kind: string): string {
    const temp = `${this.#name}.${kind}`;
    this.#temps.add(temp);
    return temp;
  }

  /** Whatever failed, nothing of ours stays; what cannot be removed is told. */
  async cleanUp(protocol: TransferProtocol, endpoint: Endpoint): Promise<void> {
    for (const temp of this.#temps) {
      try {
        await this.#sink.abort(temp);
      } catch (thrown) {
        this.#findings.add(bad("clean up", thrown));
      }
    }
    if (!this.#isPublished) return;
    if (protocol.directory === undefined) {
      this.#findings.add(fact("clean up", `nothing can be removed there: ${this.#name} stays`));
      return;
    }
    const directory = protocol.directory(endpoint, { env: this.#env });
    try {
      await directory.remove(this.#name, null, this.#signal);
    } catch (thrown) {
      this.#findings.add(bad("clean up", thrown));
    } finally {
      await directory.close();
    }
  }
}
