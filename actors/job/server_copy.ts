/**
 * Filling the temporary file by a copy that the service makes itself: source and destination are the same
 * service, and no byte passes through here. All else is as ever: the file is unpublished until the grant.
 *
 * Nobody hashes what passes elsewhere. So where a SHA-256 is demanded, the copy is read back and compared
 * with what is known of the source; where that cannot be, the bytes stream. Pure: {@link howToMove}.
 */

import type { QuorusError } from "../../runtime/base/errors.ts";
import type {
  NoServerCopy,
  ServerCopy,
  SinkCapabilities,
  SinkFile,
  SourceFacts,
} from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { fingerprintChange, identifiesVersion } from "../../protocols/fingerprint.ts";
import type { TransferSpec, ValidationSpec } from "../../workflows/spec.ts";
import type { CopyKeeper } from "./copy_keeper.ts";
import { JobError } from "./errors.ts";
import { hashByReading } from "./reread.ts";
import type { Attempt } from "./tools.ts";
import { checkLevel, checkSize, compareHashes, type Verified } from "./verify.ts";

/** A temporary file that the service fills. */
export interface Copying {
  readonly copy: ServerCopy;
  /** Bytes that the file holds already. */
  readonly fromBytes: number;
  /** `null` where what was copied is of no use to a later attempt. */
  readonly keeper: CopyKeeper | null;
}

/** By the service, or through here, with the reason; `null`: there is nothing to say of it. */
export type HowToMove = { readonly copy: ServerCopy } | { readonly why: string | null };

/** What decides it. */
export interface MoveFacts {
  readonly spec: TransferSpec;
  readonly source: SourceFacts;
  readonly sink: SinkCapabilities;
  /** What the sink says; `null`: its protocol has no such thing. */
  readonly way: ServerCopy | NoServerCopy | null;
}

/** How a file is moved, as its own facts and the declared validation allow. */
export function howToMove({ spec, source, sink, way }: MoveFacts): HowToMove {
  if (way === null) return { why: null };
  if ("whyNot" in way) return { why: way.whyNot };
  const { fingerprint: { size } } = source;
  if (size === null) return { why: "the source does not tell its size" };
  const isForced = spec.pipeline.serverCopy === "require";
  if (!isForced && size < way.leastBytes) {
    return { why: `${size} bytes are moved as quickly as they are copied` };
  }
  if (!identifiesVersion(source.fingerprint)) {
    return { why: "the source does not tell one version from the next" };
  }
  const why = whyUnverified(spec.validation, source, sink);
  return why === null ? { copy: way } : { why };
}

/** Why a copy could not be verified as was asked; `null` if it can. */
function whyUnverified(
  validation: ValidationSpec,
  source: SourceFacts,
  sink: SinkCapabilities,
): string | null {
  if (!isHashDemanded(validation)) return null;
  if ((validation.checksum?.valueHex ?? source.sha256) === null) {
    return "the validation asks for a SHA-256, which nobody knows of bytes that are copied elsewhere";
  }
  return sink.readBack
    ? null
    : "the validation asks for a SHA-256, and this destination cannot be read before it is published";
}

function isHashDemanded({ checksum, level }: ValidationSpec): boolean {
  return checksum !== null || level === "source" || level === "reread";
}

/** Throws where the bytes must not pass through here; `why` they would. */
export function assertMayStream({ job }: Attempt, why: string | null): void {
  if (job.spec.pipeline.serverCopy !== "require") return;
  const reason = why ?? "source and destination are not of one service that copies";
  throw new JobError(
    "serverCopyUnavailable",
    `transfer.serverCopy is "require", but the service does not copy: ${reason}; ` +
      "nothing was published; use auto to let the bytes stream",
  );
}

/** Whether the service has refused to copy, and streaming may do what it does not. */
export function isRefusal(error: unknown): error is ProtocolError {
  return error instanceof ProtocolError &&
    (error.code === "denied" || error.code === "unsupported" || error.code === "forbidden" ||
      error.code === "unauthenticated");
}

/** What is to be filled. */
export interface Filling {
  readonly file: SinkFile;
  readonly facts: SourceFacts;
  readonly copying: Copying;
}

/** Has the service copy what is missing, and verifies the whole. */
export async function moveByService(attempt: Attempt, filling: Filling): Promise<Verified> {
  const { file, facts } = filling;
  const { meter, job } = attempt;
  const size = facts.fingerprint.size!;
  meter.totalBytes = size;
  meter.phase = "running";
  await copyRest(attempt, filling, size);
  meter.phase = "verifying";
  await assertWhole(attempt, filling, size);
  const { validation } = job.spec;
  checkSize(validation, size, "what arrived");
  if (!isHashDemanded(validation)) {
    checkLevel(validation.level, "size");
    return { bytes: size, sha256: null, root: null, level: "size" };
  }
  const { bytes, sha256 } = await hashByReading(attempt, file);
  if (bytes !== size) throw shortCopy(size, bytes);
  compareHashes(validation, facts, sha256);
  // What was written was read again, and is what the source is known to be.
  return { bytes: size, sha256, root: null, level: "reread" };
}

async function copyRest(
  { meter, signal }: Attempt,
  { file, facts, copying }: Filling,
  size: number,
): Promise<void> {
  const { copy, fromBytes, keeper } = copying;
  if (fromBytes === size) return;
  await copy.copy(file, {
    expected: facts.fingerprint,
    size,
    from: fromBytes,
    signal,
    copied: (bytes) => {
      meter.copiedBytes = bytes - fromBytes;
      keeper?.note(bytes);
    },
  });
  meter.copiedBytes = size - fromBytes;
  await keeper?.assertSynced();
}

/** The file has all of the source, which is still the version that was to be copied. */
async function assertWhole(
  { ends, signal }: Attempt,
  { file, facts }: Filling,
  size: number,
): Promise<void> {
  const bytes = await file.size();
  if (bytes !== size) throw shortCopy(size, bytes);
  const seen = (await ends.source.stat(signal)).fingerprint;
  const change = fingerprintChange(facts.fingerprint, seen);
  if (change === null) return;
  throw new ProtocolError("changed", `the source changed while it was copied: ${change}`);
}

function shortCopy(announced: number, copied: number): ProtocolError {
  return new ProtocolError(
    copied < announced ? "truncated" : "tooLong",
    `the service was to copy ${announced} bytes and has copied ${copied}; nothing was published`,
    { details: { announced, copied } },
  );
}

/** After a copy that was refused: the words for the receipt and the log. */
export function refusalText(error: QuorusError): string {
  return `the service refused to copy: ${error.message}`;
}
