/**
 * What the files of a set have to report, many in one command: a grant is asked for and waited for, the
 * rest is told along. One report is under way at a time; meanwhile the next one fills up.
 */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Hashing, Timers } from "../../runtime/env/env.ts";
import { JobError } from "../job/errors.ts";
import type { Grant, Job, Lease, ReachedLevel } from "../job/record.ts";
import { type AttemptTools, Revoked } from "../job/tools.ts";
import { EMPTY_DIGEST, receiptDigest, sumOfDigests } from "./digest.ts";
import { SET_LIMITS } from "./limits.ts";
import {
  type FileFailure,
  lowerLevel,
  NO_COUNTS,
  type SetProgress,
  type WalkCount,
  type WalkCounts,
} from "./record.ts";
import type { FileDone, FilesReport } from "./taken.ts";

const MESSAGE_CHARACTERS = 500;
const SHOWN_FAILURES = 3;

type Asked = FilesReport["grants"][number];

interface Waiting<T> {
  readonly item: T;
  readonly bytes: number;
  /** The reasons why it was refused; empty: it was taken. */
  readonly answered: PromiseWithResolvers<readonly string[]>;
}

/** What a set's reports are made with. */
export interface ReportsOptions {
  readonly propose: AttemptTools["propose"];
  readonly hash: Hashing;
  readonly job: Job;
  readonly set: SetProgress;
  readonly lease: Lease;
  readonly timers: Timers;
  /** The lease is over: nothing may be published any more. */
  readonly over: (reason: unknown) => void;
}

/** See the head of this file. */
export class Reports {
  readonly #options: ReportsOptions;
  readonly #open: Map<string, Grant>;
  #grants: Waiting<Asked>[] = [];
  #done: Waiting<FileDone>[] = [];
  #counts: Record<WalkCount, number> = { ...NO_COUNTS };
  #failures: FileFailure[] = [];
  #named = 0;
  #batch = 0;
  #pumping: Promise<void> | null = null;
  #lost: { readonly error: unknown } | null = null;
  #files: number;
  #bytes: number;
  #digest: string;
  #level: ReachedLevel | null;
  #totals: Record<WalkCount, number> = { ...NO_COUNTS };
  #room: (() => void)[] = [];
  #mayTryAgain = false;
  readonly #first: FileFailure[] = [];

  constructor(options: ReportsOptions) {
    this.#options = options;
    const { open, files, bytes, digest, level } = options.set;
    this.#open = new Map(open.map(({ path, grant }) => [path, grant]));
    [this.#files, this.#bytes, this.#digest, this.#level] = [files, bytes, digest, level];
  }

  /** Of this walk. */
  get counts(): WalkCounts {
    return this.#totals;
  }

  /** Since the job was submitted, as far as it was answered. */
  get published(): Pick<SetProgress, "files" | "bytes" | "digest" | "level"> {
    return { files: this.#files, bytes: this.#bytes, digest: this.#digest, level: this.#level };
  }

  /** Of this walk: a few of them, to be shown. */
  get firstFailures(): readonly FileFailure[] {
    return this.#first;
  }

  /** Some of the failures may not come again. */
  get mayTryAgain(): boolean {
    return this.#mayTryAgain;
  }

  /** Resolves to why the file may not be published; empty: the grant is committed. */
  async grant(path: string, grant: Grant, version: string | undefined): Promise<readonly string[]> {
    // One place is left for those that are answered for and not told yet.
    while (this.#open.size + this.#grants.length >= SET_LIMITS.setOpenFiles.value) {
      if (this.#lost !== null) throw this.#lost.error;
      if (this.#done.length === 0 && this.#pumping === null && this.#grants.length === 0) {
        throw new JobError(
          "tooManyOpen",
          `publish ${path}: of ${this.#open.size} files of this set nobody knows whether they were ` +
            "published (setOpenFiles): look at them, then run it again",
        );
      }
      await new Promise<void>((resolve) => this.#room.push(resolve));
    }
    const item = version === undefined ? { path, grant } : { path, grant, version };
    return await this.#put(this.#grants, item);
  }

  /** Resolves to why this could not be; empty: it is committed. */
  done(path: string, outcome: FileDone["outcome"]): Promise<readonly string[]> {
    return this.#put(this.#done, { path, outcome });
  }

  count(what: WalkCount, more = 1): void {
    this.#counts[what] += more;
    this.#totals[what] += more;
  }

  failed(path: string, { code, message, retryable }: Omit<FileFailure, "path">): void {
    this.count("failed");
    const shown = { path: path.slice(0, MESSAGE_CHARACTERS), code, retryable };
    const failure = { ...shown, message: message.slice(0, MESSAGE_CHARACTERS) };
    if (this.#first.length < SHOWN_FAILURES) this.#first.push(failure);
    if (retryable) this.#mayTryAgain = true;
    if (this.#named >= SET_LIMITS.setFailures.value) return;
    this.#named += 1;
    this.#failures.push(failure);
  }

  /** Resolves when all that was told is committed; rejects once the lease is over. */
  async flush(): Promise<void> {
    if (this.#hasNews()) this.#pump();
    await this.#pumping;
    if (this.#lost !== null) throw this.#lost.error;
  }

  #put<T>(queue: Waiting<T>[], item: T): Promise<readonly string[]> {
    if (this.#lost !== null) return Promise.reject(this.#lost.error);
    const answered = Promise.withResolvers<readonly string[]>();
    answered.promise.catch(() => {});
    queue.push({ item, bytes: JSON.stringify(item).length, answered });
    this.#pump();
    return answered.promise;
  }

  #hasNews(): boolean {
    return this.#grants.length + this.#done.length + this.#failures.length > 0 ||
      Object.values(this.#counts).some((count) => count > 0);
  }

  #pump(): void {
    this.#pumping ??= this.#sendAll().finally(() => {
      this.#pumping = null;
      this.#freed();
    });
  }

  async #sendAll(): Promise<void> {
    while (this.#hasNews() && this.#lost === null) {
      // What is told in this turn goes together: each report is an entry of the log.
      await new Promise<void>((resolve) => this.#options.timers.soon(resolve));
      const done = take(this.#done, SET_LIMITS.setBatchFiles.value);
      const grants = take(this.#grants, SET_LIMITS.setBatchFiles.value);
      try {
        await this.#send(done, grants);
      } catch (error) {
        this.#lose(error, [...done, ...grants]);
      }
      this.#freed();
    }
  }

  async #send(done: Waiting<FileDone>[], grants: Waiting<Asked>[]): Promise<void> {
    const report = this.#report(done, grants);
    const refused = await this.#propose(report);
    if (refused.length === 0) return this.#taken(report, done, grants);
    if (grants.length === 0) throw new Revoked(refused.join("; "));
    // What was done is told even where nothing more may be published. The refused report may have been
    // committed twice, and taken the second time: so those grants are answered for as well.
    const given = grants.map(({ item: { path } }) => ({ path, outcome: "unpublished" } as const));
    const batch = report.batch + 1;
    const told = { ...report, batch, grants: [], done: [...report.done, ...given] };
    const again = await this.#propose(told);
    if (again.length > 0) throw new Revoked(again.join("; "));
    this.#taken(told, done, []);
    for (const one of grants) {
      // One file that may not be published does not stand for the others.
      const alone = grants.length === 1 ? refused : await this.#grantAlone(one);
      if (alone.length > 0) one.answered.resolve(alone);
    }
  }

  async #grantAlone(one: Waiting<Asked>): Promise<readonly string[]> {
    const report = this.#report([], [one]);
    const refused = await this.#propose(report);
    if (refused.length === 0) this.#taken(report, [], [one]);
    else this.#batch = report.batch;
    return refused;
  }

  #report(done: Waiting<FileDone>[], grants: Waiting<Asked>[]): FilesReport {
    const { hash } = this.#options;
    let digest = EMPTY_DIGEST;
    for (const { item: { path, outcome } } of done) {
      const grant = this.#open.get(path);
      if (grant === undefined || (outcome !== "published" && outcome !== "recovered")) continue;
      digest = sumOfDigests(digest, receiptDigest(hash, { path, ...grant }));
    }
    const counts = this.#counts;
    const failures = this.#failures;
    this.#counts = { ...NO_COUNTS };
    this.#failures = [];
    return {
      batch: this.#batch + 1,
      grants: grants.map(({ item }) => item),
      done: done.map(({ item }) => item),
      counts,
      failures,
      digest,
    };
  }

  #propose(report: FilesReport): Promise<readonly string[]> {
    const { propose, job, lease } = this.#options;
    const event = { type: "files", lease, ...report } as const;
    return propose({ type: "jobEvent", jobId: job.id, event });
  }

  #taken(report: FilesReport, done: Waiting<FileDone>[], grants: Waiting<Asked>[]): void {
    this.#batch = report.batch;
    this.#digest = sumOfDigests(this.#digest, report.digest);
    for (const { item: { path, outcome }, answered } of done) {
      if (outcome === "published" || outcome === "recovered") {
        const grant = this.#open.get(path);
        this.#files += 1;
        this.#bytes += grant?.size ?? 0;
        if (grant !== undefined) this.#level = lowerLevel(this.#level, grant.level);
      }
      if (outcome !== "unclear") this.#open.delete(path);
      answered.resolve([]);
    }
    for (const { item: { path, grant }, answered } of grants) {
      this.#open.set(path, grant);
      answered.resolve([]);
    }
  }

  #lose(error: unknown, waiting: (Waiting<FileDone> | Waiting<Asked>)[]): void {
    this.#lost = { error };
    for (const { answered } of [...waiting, ...this.#done, ...this.#grants]) answered.reject(error);
    this.#done = [];
    this.#grants = [];
    this.#options.over(error instanceof Revoked ? error : new Revoked(messageOf(error)));
  }

  #freed(): void {
    const room = this.#room;
    this.#room = [];
    for (const resolve of room) resolve();
  }
}

/** The first of these: as many as one report may have. */
function take<T>(queue: Waiting<T>[], most: number): Waiting<T>[] {
  let bytes = 0;
  let count = 0;
  for (const item of queue) {
    bytes += item.bytes;
    if (count >= most || (count > 0 && bytes > SET_LIMITS.setBatchBytes.value)) break;
    count += 1;
  }
  return queue.splice(0, count);
}
