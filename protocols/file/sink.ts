/** Writing local files: a temporary file beside the final one, published by a rename. */

import { assert } from "../../runtime/base/assert.ts";
import type { Disk, DiskFile, Env, FileInfo } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { assertNotAborted } from "../aborting.ts";
import {
  assertRegularFile,
  assertSameFile,
  assertStillThere,
  containedDirectory,
  containedPath,
  fileIdOf,
  isSameFile,
  joinPath,
  safeName,
  shownPath,
  splitPath,
} from "../containment.ts";
import type {
  DestinationFacts,
  ProbeExpectation,
  PublishOptions,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { DurableNames, makeDirectories } from "./directories.ts";
import { protocolFailure, translated } from "./disk_failure.ts";
import { hashOfFile } from "./hash.ts";
import { destinationFactsOf, publishFile } from "./publish.ts";
import { FileSinkFile } from "./sink_file.ts";
import { pathOfFileUri } from "./uri.ts";

/** Nobody else reads a file that is not verified yet. */
const UNPUBLISHED_MODE = 0o600;

/** Of a destination; the most where it may wait for the disk. */
export function sinkCapabilities(endpoint: Pick<SinkPlace, "sync">): SinkCapabilities {
  return {
    fence: "seize",
    resume: true,
    randomWrites: true,
    renameNoReplace: true,
    durableSync: endpoint.sync,
    fileId: true,
    readBack: true,
    mtime: true,
    permissions: true,
  };
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof DiskError &&
    (thrown.code === "notFound" || thrown.code === "notDirectory");
}

/** A sink of the local file system. */
export class FileSink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #disk: Disk;
  readonly #env: Env;
  readonly #endpoint: SinkPlace;
  readonly #directory: string;
  readonly #durableNames: DurableNames;

  /** `escapes` and `nameRefused` for paths that containment refuses; the disk is not touched. */
  constructor(endpoint: SinkPlace, env: Env, durableNames = new DurableNames()) {
    const { root } = endpoint;
    const path = pathOfFileUri(endpoint.uri);
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.#endpoint = endpoint;
    this.#env = env;
    this.#durableNames = durableNames;
    this.#disk = env.disk;
    this.capabilities = sinkCapabilities(endpoint);
  }

  stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    return translated(async () => {
      assertNotAborted(`look at ${shownPath(name)}`, signal);
      const info = await this.#lstat(name);
      if (info === null) return null;
      // A link there is replaced as a link by publishing; a directory or device could not be.
      if (info.kind !== "symlink") assertRegularFile(joinPath(this.#directory, name), info);
      return destinationFactsOf(info);
    });
  }

  hash(name: string, signal: AbortSignal): Promise<string | null> {
    return translated(async () => {
      const info = await this.#lstat(name);
      if (info?.kind !== "file") return null;
      return await hashOfFile(this.#env, joinPath(await this.#resolved(), name), signal);
    });
  }

  async create(temp: string, signal: AbortSignal): Promise<SinkFile> {
    if (signal.aborted) assertNotAborted(`create ${shownPath(temp)}`, signal);
    safeName(temp);
    try {
      return await this.#createIn(temp);
    } catch (thrown) {
      if (!isMissing(thrown)) throw protocolFailure(thrown);
      return await translated(async () => {
        // Only now: a destination that exists, the usual case, costs no further call.
        await this.#makeDirectories(thrown);
        return await this.#createIn(temp);
      });
    }
  }

  reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    return translated(async () => {
      assertNotAborted(`reopen ${shownPath(temp)}`, signal);
      const standing = await this.#lstat(temp);
      if (standing === null) return null;
      const directory = await this.#resolved();
      const path = joinPath(directory, temp);
      assertRegularFile(path, standing);
      try {
        return await this.#open(directory, temp, standing);
      } catch (thrown) {
        if (isMissing(thrown)) return null;
        throw thrown;
      }
    });
  }

  publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof FileSinkFile, "publish() takes a file that this protocol opened");
    const { sync, root, createDirectories } = this.#endpoint;
    // Directories that are never made here were made durable by whoever made them.
    const durableNames = createDirectories ? this.#durableNames : null;
    return publishFile(this.#disk, file, options, { sync, contained: root !== null, durableNames });
  }

  seize(temp: string, to: string): Promise<boolean> {
    return translated(async () => {
      safeName(temp);
      safeName(to);
      try {
        const directory = await this.#resolved();
        await this.#disk.rename(joinPath(directory, temp), joinPath(directory, to));
        if (this.#endpoint.sync) await this.#disk.syncDirectory(directory);
        return true;
      } catch (thrown) {
        if (isMissing(thrown)) return false;
        throw thrown;
      }
    });
  }

  abort(temp: string): Promise<void> {
    return translated(async () => {
      safeName(temp);
      try {
        await this.#disk.remove(joinPath(await this.#resolved(), temp));
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown;
      }
    });
  }

  probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    return translated(async () => {
      const unpublished = await this.#lstat(temp);
      const final = await this.#lstat(expected.name);
      if (unpublished !== null) {
        const linked = final !== null && isSameFile(unpublished, final);
        return linked ? await this.#finishLink(temp) : "unpublished";
      }
      if (final?.kind !== "file" || final.size !== expected.size) return "unknown";
      const same = expected.fileId === fileIdOf(final) || await this.#hasHash(expected);
      return same ? await this.#durablyPublished() : "unknown";
    });
  }

  async freeBytes(): Promise<number | null> {
    return (await this.#env.host.space(this.#directory))?.availableBytes ?? null;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Publishing without replacing was cut between its two steps; the second one is made up for. */
  async #finishLink(temp: string): Promise<"published"> {
    if (this.#endpoint.sync) await this.#disk.syncDirectory(await this.#resolved());
    await this.abort(temp);
    return await this.#durablyPublished();
  }

  /** The writer may have ended between its rename and the sync of the directory. */
  async #durablyPublished(): Promise<"published"> {
    if (!this.#endpoint.sync) return "published";
    const directory = await this.#resolved();
    await this.#disk.syncDirectory(directory);
    await this.#durableNames.assure(this.#disk, directory);
    return "published";
  }

  async #hasHash({ name, sha256 }: ProbeExpectation): Promise<boolean> {
    if (sha256 === null) return false;
    const path = joinPath(await this.#resolved(), name);
    return await hashOfFile(this.#env, path, new AbortController().signal) === sha256;
  }

  /** The directory to work in: as declared, or its canonical path, found to be below the root. */
  async #resolved(): Promise<string> {
    const { root } = this.#endpoint;
    if (root === null) return this.#directory;
    return await containedDirectory(this.#disk, root, this.#directory);
  }

  async #lstat(name: string): Promise<FileInfo | null> {
    safeName(name);
    try {
      return await this.#disk.lstat(joinPath(await this.#resolved(), name));
    } catch (thrown) {
      if (isMissing(thrown)) return null;
      throw thrown;
    }
  }

  async #createIn(temp: string): Promise<SinkFile> {
    const trusted = this.#endpoint.root === null;
    return await this.#open(trusted ? this.#directory : await this.#resolved(), temp, null);
  }

  /**
   * Creates the file, or opens the one that was seen `standing` there, and no other. Where the directory
   * is trusted, the name of a file that was just made (exclusively, and no other attempt makes that name)
   * tells its identity as the descriptor does, at a third of the cost.
   */
  async #open(directory: string, temp: string, standing: FileInfo | null): Promise<SinkFile> {
    const path = joinPath(directory, temp);
    const handle = await this.#disk.open(path, {
      read: true,
      write: true,
      createNew: standing === null,
      noFollow: true,
      mode: UNPUBLISHED_MODE,
    });
    try {
      const opened = standing === null && this.#endpoint.root === null
        ? await this.#disk.lstat(path) ?? await handle.stat()
        : await handle.stat();
      assertRegularFile(path, opened);
      if (standing !== null) assertSameFile(path, standing, opened);
      if (this.#endpoint.root !== null) {
        await assertStillThere(this.#disk, directory, temp, opened);
      }
      const place = { directory, temp, sync: this.#endpoint.sync };
      return new FileSinkFile(this.#disk, place, handle, opened);
    } catch (thrown) {
      if (standing === null) await this.#removeIfSame(path, handle);
      await handle.close();
      throw thrown;
    }
  }

  /** A file that was just made, perhaps through a swapped link, is not left behind. */
  async #removeIfSame(path: string, handle: DiskFile): Promise<void> {
    const standing = await this.#disk.lstat(path);
    if (standing !== null && isSameFile(standing, await handle.stat())) {
      await this.#disk.remove(path);
    }
  }

  async #makeDirectories(missing: unknown): Promise<void> {
    const { createDirectories, root, sync } = this.#endpoint;
    if (createDirectories) {
      return await makeDirectories(this.#disk, this.#directory, root, sync);
    }
    throw new ProtocolError(
      "notFound",
      `cannot write into the directory ${shownPath(this.#directory)}: it does not exist; ` +
        "make it, or set createDirectories",
      { cause: missing },
    );
  }
}
